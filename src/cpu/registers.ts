/**
 * The registers of a logical processor that general-purpose instructions see (SDM 1 3.4). Vector, x87 and system
 * registers are not here.
 */
import { reservedOne } from './flags.ts';

/** General registers as ModR/M numbers them. */
export const Register = {
  RAX: 0,
  RCX: 1,
  RDX: 2,
  RBX: 3,
  RSP: 4,
  RBP: 5,
  RSI: 6,
  RDI: 7,
} as const;
export type Register = (typeof Register)[keyof typeof Register];

export class RegisterFile {
  readonly general = new BigUint64Array(16);
  /** Bases and selectors by segment number; in 64-bit mode only the bases of FS and GS count (SDM 3A 3.4.4). */
  readonly segmentBase = new BigUint64Array(6);
  readonly selector = new Uint16Array(6);
  rip = 0n;
  rflags = reservedOne;
}
