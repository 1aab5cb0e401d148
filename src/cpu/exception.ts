/** Exceptions that instructions raise (SDM 3A 6.15), as values. */

export const Vector = {
  DE: 0,
  DB: 1,
  NMI: 2,
  BP: 3,
  OF: 4,
  BR: 5,
  UD: 6,
  NM: 7,
  DF: 8,
  TS: 10,
  NP: 11,
  SS: 12,
  GP: 13,
  PF: 14,
  MF: 16,
  AC: 17,
  XM: 19,
} as const;
export type Vector = (typeof Vector)[keyof typeof Vector];

export interface Exception {
  readonly vector: Vector;
  /** Of those that push one (SDM 3A table 6-1). */
  readonly errorCode?: number;
  /** The linear address that CR2 receives. */
  readonly linear?: bigint;
  /** Trap: reported after the instruction, which is complete (SDM 3A 6.5). Otherwise nothing of it has happened. */
  readonly trap?: boolean;
}

/** Those without anything variable. */
export const divideError: Exception = { vector: Vector.DE };
export const breakpoint: Exception = { vector: Vector.BP, trap: true };
export const overflow: Exception = { vector: Vector.OF, trap: true };
export const debugTrap: Exception = { vector: Vector.DB, trap: true };
export const boundRange: Exception = { vector: Vector.BR };
export const invalidOpcode: Exception = { vector: Vector.UD };
export const deviceNotAvailable: Exception = { vector: Vector.NM };
export const x87Error: Exception = { vector: Vector.MF };
export const simdError: Exception = { vector: Vector.XM };
export const generalProtection: Exception = { vector: Vector.GP, errorCode: 0 };
export const stackFault: Exception = { vector: Vector.SS, errorCode: 0 };
