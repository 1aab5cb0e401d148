/** Compares two outcomes in everything the manual defines. */
import type { Operation } from '../../src/cpu/decode/maps.ts';
import { statusMask } from '../../src/cpu/flags.ts';
import { type Instruction, OperandKind, Repeat } from '../../src/cpu/instruction.ts';
import { semanticsOf } from '../../src/cpu/semantics/table.ts';
import { fpuDifference } from './fpu-difference.ts';
import type { Instance, Outcome } from './instance.ts';
import { firstFaultDiffers, isTranscendental, x87FlagsDiffer, x87StatusByVendor } from './x87-by-vendor.ts';

/** Status flags and DF. */
const comparedFlags = statusMask | 0x400;

/** Of a page fault's error code (SDM 3A 4.7). */
const pagePresent = 1;

/** The count of a shift or rotate, masked; 0 for others. */
function countOf({ operands, operandCount }: Instruction, { registers }: Instance): number {
  const count = operands[operandCount - 1];
  if (count === undefined) return 0;
  const raw = count.kind === OperandKind.immediate ? count.low : Number((registers[1] ?? 0n) & 0xffn);
  return raw & (operands[0].bytes === 8 ? 63 : 31);
}

export interface Defined {
  readonly flags: number;
  /** Of an instruction that faults: all others leave the flags alone. */
  readonly flagsOfFault: number;
  readonly result: boolean;
  /** Of two faults at once, either. */
  readonly eitherFault: boolean;
  /** The x87 FPU's state after a fault. */
  readonly x87OfFault: boolean;
  /** The manual gives a bound for the relative error only. */
  readonly approximate: boolean;
  /** Bits of the x87 status word. */
  readonly x87Status: number;
  /** The manual promises less than a unit in the last place. */
  readonly x87LastBit: boolean;
  /** CR2. */
  readonly linear: boolean;
}

const entersMmxEarly: ReadonlySet<Operation> = new Set<Operation>([
  'MASKMOVQ',
  'CVTPI2PS',
  'CVTPS2PI',
  'CVTTPS2PI',
  'CVTPD2PI',
  'CVTTPD2PI',
]);

const approximations: ReadonlySet<Operation> = new Set<Operation>(['RCPPS', 'RCPSS', 'RSQRTPS', 'RSQRTSS']);

/**
 * Where AMD and Intel differ: a fault in a repeated comparison restores the flags (SDM 2B REP), or leaves those of the
 * last iteration; an indirect call checks its target before the stack (SDM 2A CALL), or after; MASKMOVQ and conversions
 * that fault have on AMD already left the x87 FPU as MMX does.
 */
function byVendor({
  form,
  repeat,
  operands,
}: Instruction): Pick<Defined, 'flagsOfFault' | 'eitherFault' | 'x87OfFault'> {
  const comparing = form.operation === 'CMPS' || form.operation === 'SCAS';
  return {
    flagsOfFault: comparing && repeat !== Repeat.none ? 0 : comparedFlags,
    eitherFault: form.operation === 'CALL' && operands[0].kind !== OperandKind.relative,
    x87OfFault: !entersMmxEarly.has(form.operation),
  };
}

/** What of the outcome is defined. */
export function definedOutcome(instruction: Instruction, instance: Instance): Defined {
  const what = semanticsOf(instruction.form).undefined;
  const count = countOf(instruction, instance);
  const width = instruction.operands[0].bytes * 8;
  let undefinedFlags = what.always;
  if (count > 0) undefinedFlags |= what.nonzeroCount;
  if (count > 1) undefinedFlags |= what.countBeyondOne;
  if (count >= width) undefinedFlags |= what.countOfWidth;
  return {
    flags: x87FlagsDiffer(instruction.form, instance) ? 0 : comparedFlags & ~undefinedFlags,
    result: !(what.resultBeyondWidth && count > width),
    approximate: approximations.has(instruction.form.operation),
    ...byVendor(instruction),
    x87Status: x87StatusByVendor(instruction.form, instance),
    x87LastBit: isTranscendental(instruction.form),
    linear: !firstFaultDiffers(instruction.form),
  };
}

const hex = (value: bigint | number): string => value.toString(16);

/** The first difference, in words; undefined if there is none. */
export function difference(native: Outcome, ours: Outcome, defined: Defined): string | undefined {
  if (defined.eitherFault && native.vector !== undefined && ours.vector !== undefined) return undefined;
  if (native.vector !== ours.vector) return `vector ${native.vector ?? 'none'}, ours ${ours.vector ?? 'none'}`;
  // Whether a page of the host's kernel is present says nothing about the instruction.
  if (((native.errorCode ^ ours.errorCode) & ~pagePresent) !== 0)
    return `error code ${hex(native.errorCode)}, ours ${hex(ours.errorCode)}`;
  if (defined.linear && native.linear !== ours.linear) return `CR2 ${hex(native.linear)}, ours ${hex(ours.linear)}`;
  if (native.rip !== ours.rip) return `RIP ${hex(native.rip)}, ours ${hex(ours.rip)}`;
  if (!defined.result) return undefined;
  for (const [number, value] of native.registers.entries()) {
    const mine = ours.registers[number] ?? 0n;
    if (value !== mine) return `register ${number} ${hex(value)}, ours ${hex(mine)}`;
  }
  const mask = native.vector === undefined ? defined.flags : defined.flagsOfFault;
  if (((native.rflags ^ ours.rflags) & mask) !== 0) {
    return `flags ${hex(native.rflags & mask)}, ours ${hex(ours.rflags & mask)}`;
  }
  const { approximate, x87Status, x87LastBit } = defined;
  const x87 = native.vector !== undefined && !defined.x87OfFault;
  const ofFpu = fpuDifference(native.fpu, ours.fpu, { x87, approximate, x87Status, x87LastBit });
  if (ofFpu !== undefined) return ofFpu;
  const at = native.window.findIndex((byte, index) => byte !== ours.window[index]);
  if (at >= 0) return `window[${at}] ${hex(native.window[at] ?? 0)}, ours ${hex(ours.window[at] ?? 0)}`;
  if (native.strayed !== ours.strayed)
    return `page outside the window changed: ${native.strayed}, ours ${ours.strayed}`;
  return undefined;
}
