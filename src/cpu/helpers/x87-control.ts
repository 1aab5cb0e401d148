/**
 * What surrounds x87 instructions, and those on the FPU's state as a whole (SDM 1 8.1, 8.3.11, 8.3.12, 8.7). Pending exceptions are
 * reported as #MF, as with CR0.NE = 1; the FERR# pin is not there.
 */
import { deviceNotAvailable, x87Error } from '../exception.ts';
import { extended } from '../float/format.ts';
import { unpack } from '../float/number.ts';
import { Restriction } from '../registers.ts';
import type { Helper } from './helper.ts';
import { X87State } from './x87-state.ts';

const allMasked = 0x3f;
/** What FNCLEX leaves of the status word. */
const withoutExceptions = 0x7f00;

/** Valid, zero, special, empty (SDM 1 8.1.7). */
function tagOf(state: X87State, physical: number): number {
  const index = (physical - state.top) & 7;
  if (state.isEmpty(index)) return 3;
  const { kind, denormal } = unpack(extended, state.bits(index));
  if (kind === 'zero') return 1;
  return kind === 'finite' && !denormal ? 0 : 2;
}

function tagWord(state: X87State): number {
  let word = 0;
  for (let physical = 7; physical >= 0; physical--) word = (word << 2) | tagOf(state, physical);
  return word;
}

const low32 = (value: bigint): bigint => BigInt.asUintN(32, value);
const low16 = (value: bigint): bigint => BigInt.asUintN(16, value);
const opcodeBits = 0x7ffn;

export const x87ControlHelpers = {
  /** Whether pending exceptions are to be reported: before an x87 instruction. */
  x87Ready: {
    arguments: 1,
    results: 0,
    run: ({ registers }, waits) => {
      if ((registers.restrictions & (Restriction.taskSwitched | Restriction.emulated)) !== 0) return deviceNotAvailable;
      return waits === 1n && new X87State(registers).errorPending ? x87Error : [];
    },
  },
  /** Before WAIT (SDM 2D WAIT): CR0.TS counts with CR0.MP only, CR0.EM does not. */
  x87Wait: {
    arguments: 0,
    results: 0,
    run: ({ registers }) => {
      const both = Restriction.taskSwitched | Restriction.monitored;
      if ((registers.restrictions & both) === both) return deviceNotAvailable;
      return new X87State(registers).errorPending ? x87Error : [];
    },
  },
  /** Opcode, whether there is a memory operand, its offset: after an instruction that is not a control instruction. */
  x87Done: {
    arguments: 3,
    results: 0,
    run: ({ registers }, opcode, inMemory, offset) => {
      registers.x87Pointers[0] = registers.rip;
      if (!new X87State(registers).errorPending) return [];
      registers.x87Words[3] = Number(opcode & opcodeBits);
      if (inMemory === 1n) registers.x87Pointers[1] = offset;
      return [];
    },
  },
  x87ControlWord: { arguments: 0, results: 1, run: ({ registers }) => [BigInt(new X87State(registers).control)] },
  x87StatusWord: { arguments: 0, results: 1, run: ({ registers }) => [BigInt(new X87State(registers).status)] },
  x87SetControlWord: {
    arguments: 1,
    results: 0,
    run: ({ registers }, value) => {
      new X87State(registers).control = Number(low16(value));
      return [];
    },
  },
  x87ClearExceptions: {
    arguments: 0,
    results: 0,
    run: ({ registers }) => {
      const state = new X87State(registers);
      state.status &= withoutExceptions;
      return [];
    },
  },
  x87Initialize: {
    arguments: 0,
    results: 0,
    run: ({ registers }) => {
      new X87State(registers).initialize();
      return [];
    },
  },
  x87MaskAll: {
    arguments: 0,
    results: 0,
    run: ({ registers }) => {
      const state = new X87State(registers);
      state.control |= allMasked;
      return [];
    },
  },
  /** To the fields of FSTENV (SDM 1 figures 8-9, 8-11): control, status and tag word; instruction pointer; opcode; data pointer. */
  x87Environment: {
    arguments: 0,
    results: 4,
    run: ({ registers }) => {
      const state = new X87State(registers);
      const words = BigInt(state.control) | (BigInt(state.status) << 16n) | (BigInt(tagWord(state)) << 32n);
      const [instruction = 0n, data = 0n] = registers.x87Pointers;
      return [words, low32(instruction), BigInt(registers.x87Words[3] ?? 0), low32(data)];
    },
  },
  /** From the same. */
  x87SetEnvironment: {
    arguments: 4,
    results: 0,
    run: ({ registers }, words, instruction, opcode, data) => {
      const state = new X87State(registers);
      registers.x87Pointers[0] = instruction;
      registers.x87Pointers[1] = data;
      registers.x87Words[3] = Number(opcode & opcodeBits);
      registers.x87Words[2] = Number(low16(words >> 32n));
      state.status = Number(low16(words >> 16n));
      state.control = Number(low16(words));
      return [];
    },
  },
  /** ST(i) to the low 64 bits and the high 16 of it. */
  x87Register: {
    arguments: 1,
    results: 2,
    run: ({ registers }, index) => {
      const bits = new X87State(registers).bits(Number(index));
      return [BigInt.asUintN(64, bits), bits >> 64n];
    },
  },
  /** ST(i), low 64 bits, high 16: its tag stays. */
  x87SetRegister: {
    arguments: 3,
    results: 0,
    run: ({ registers }, index, low, high) => {
      new X87State(registers).putBits(Number(index), (low16(high) << 64n) | low);
      return [];
    },
  },
} as const satisfies Record<string, Helper>;
