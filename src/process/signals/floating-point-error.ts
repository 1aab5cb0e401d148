/** Which floating-point exception a program is told of: flags that are raised and not masked (SDM 1 8.1.3, 10.2.3), one of them. */
import { SI } from '../../arch/linux-signal.ts';
import type { UserRegisters } from '../user-registers.ts';

/** Flags, in the places that the x87 status word and MXCSR share. */
const INVALID = 0x1;
const DENORMAL = 0x2;
const ZERO_DIVIDE = 0x4;
const OVERFLOW = 0x8;
const UNDERFLOW = 0x10;
const PRECISION = 0x20;
const ALL = 0x3f;

/** In the order in which Linux looks for them. */
const CODES = [
  [INVALID, SI.FPE_FLTINV],
  [ZERO_DIVIDE, SI.FPE_FLTDIV],
  [OVERFLOW, SI.FPE_FLTOVF],
  [UNDERFLOW | DENORMAL, SI.FPE_FLTUND],
  [PRECISION, SI.FPE_FLTRES],
] as const;

function codeOf(flags: number, masks: number): number {
  const unmasked = flags & ~masks & ALL;
  return CODES.find(([these]) => (unmasked & these) !== 0)?.[1] ?? 0;
}

/** si_code after #MF. */
export function x87ErrorCode({ x87Words: [control = 0, status = 0] }: UserRegisters): number {
  return codeOf(status, control);
}

/** si_code after #XM. */
export function simdErrorCode({ mxcsr }: UserRegisters): number {
  return codeOf(mxcsr, mxcsr >> 7);
}
