/** The end of MMX code, and the x87 FPU's part of the FXSAVE image beside its registers (SDM 2A EMMS, FXSAVE; 1 10.5.1). */
import type { Helper } from './helper.ts';
import { X87State } from './x87-state.ts';

/** A bit for each physical register: 0 is empty. */
function abridged(tags: number): number {
  let full = 0;
  for (let physical = 0; physical < 8; physical++) {
    if (((tags >> (physical * 2)) & 3) !== 3) full |= 1 << physical;
  }
  return full;
}

function expanded(full: number): number {
  let tags = 0;
  for (let physical = 0; physical < 8; physical++) {
    if (((full >> physical) & 1) === 0) tags |= 3 << (physical * 2);
  }
  return tags;
}

const field = (value: bigint, at: number, bits: number): number => Number(BigInt.asUintN(bits, value >> BigInt(at)));

export const vectorStateHelpers = {
  /** Every x87 register becomes empty; TOP becomes 0 (SDM 3A table 13-2). */
  emptyRegisters: {
    arguments: 0,
    results: 0,
    run: ({ registers }) => {
      new X87State(registers).top = 0;
      registers.x87Words[2] = 0xffff;
      return [];
    },
  },
  /** Control, status, abridged tag word and opcode; instruction pointer; data pointer. */
  imageWords: {
    arguments: 0,
    results: 3,
    run: ({ registers }) => {
      const [control = 0, status = 0, tags = 0, opcode = 0] = registers.x87Words;
      const [instruction = 0n, data = 0n] = registers.x87Pointers;
      const words = [control, status, abridged(tags), opcode];
      return [words.reduceRight((all, word) => (all << 16n) | BigInt(word), 0n), instruction, data];
    },
  },
  /** From the same. */
  setImageWords: {
    arguments: 3,
    results: 0,
    run: ({ registers }, words, instruction, data) => {
      const state = new X87State(registers);
      registers.x87Pointers.set([instruction, data]);
      registers.x87Words[2] = expanded(field(words, 32, 8));
      registers.x87Words[3] = field(words, 48, 11);
      state.status = field(words, 16, 16);
      state.control = field(words, 0, 16);
      return [];
    },
  },
} as const satisfies Record<string, Helper>;
