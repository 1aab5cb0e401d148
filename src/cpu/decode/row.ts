/**
 * How a row of an opcode map is written: opcode, operation, operands, remarks.
 *
 * Opcode: an optional mandatory prefix (`NP` none, `66`, `F3`, `F2`, `NFx` neither F2 nor F3; without one, prefixes
 * keep their ordinary meaning and any row that names one goes first), the byte, `+r` for a register or `+cc` for a
 * condition in its low bits, then what else must hold: `/digit` or `(modrm)`, `mem` or `reg`, REX.W or VEX.W as `W0`,
 * `W1` or `w0` (0, or ignored outside 64-bit mode), VEX.L as `L0` or `L1`, REX.B as `B0`. Operands: notation.ts;
 * they too say whether ModR/M may name memory or a register. Of several rows that fit, the narrowest is meant.
 *
 * Remarks are the manual's superscripts (SDM 2D, table A-1) and a few of ours.
 */
import type { Feature } from './feature.ts';

export const remarks = [
  /** Invalid in 64-bit mode. */
  'i64',
  /** Only in 64-bit mode. */
  'o64',
  /** Operand size defaults to 64 bits in 64-bit mode, and cannot be 32. */
  'd64',
  /** Operand size is 64 bits in 64-bit mode whatever the prefixes say. */
  'f64',
  /** REX.W makes the operand size 32 bits: there is no 64-bit form. */
  'noW',
  /** LOCK is allowed when the first operand is in memory (SDM 2A LOCK). */
  'lock',
  /** ModR/M.mod is ignored and taken for 11b (MOV to and from control and debug registers). */
  'anymod',
  /** The segment register must not be CS. */
  'notCS',
  /** Destination, index and mask must be three registers (gathers). */
  'distinct',
] as const;
export type Remark = (typeof remarks)[number];

export type Row = readonly [opcode: string, operation: string, operands: string, ...Remark[]];

/** The features a section needs: all of a list; or one list for VEX.L = 0 and one for VEX.L = 1. */
export type SectionFeatures = readonly Feature[] | { readonly L0: readonly Feature[]; readonly L1: readonly Feature[] };

export interface Section<R extends Row = Row> {
  readonly features: SectionFeatures;
  readonly rows: readonly R[];
}

/** Rows that need the same features. */
export function section<const R extends readonly Row[]>(features: SectionFeatures, rows: R): Section<R[number]> {
  return { features, rows };
}
