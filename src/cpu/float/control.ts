/**
 * What controls a floating-point operation and what it reports, the same for SSE (MXCSR, SDM 1 10.2.3) and the x87 FPU (control and
 * status word, SDM 1 8.1.3, 8.1.5). Flags have the places that MXCSR and the status word share.
 */

export const FloatFlag = {
  /** Invalid operation. */
  IE: 1,
  /** Denormal operand. */
  DE: 2,
  /** Zero divide. */
  ZE: 4,
  /** Overflow. */
  OE: 8,
  /** Underflow. */
  UE: 16,
  /** Precision. */
  PE: 32,
} as const;

/** As RC encodes it (SDM 1 table 4-8). */
export const Rounding = { nearest: 0, down: 1, up: 2, zero: 3 } as const;
export type Rounding = (typeof Rounding)[keyof typeof Rounding];

export interface FloatControl {
  readonly rounding: Rounding;
  /** Flags of the exceptions that are masked. */
  readonly masks: number;
  /** Denormal operands count as zeros, without DE (SDM 1 10.2.3.4). */
  readonly denormalsAreZero: boolean;
  /** Tiny results become zeros while underflow is masked (SDM 1 10.2.3.3). */
  readonly flushToZero: boolean;
  /** Which of two NaNs a result is made from (SDM 1 table 4-7): SSE takes the first, the x87 FPU the larger significand. */
  readonly nans: 'first' | 'larger';
  /**
   * Whether unmasked overflow and underflow give the result with its exponent moved by 24,576, as the x87 FPU does in its
   * registers (SDM 1 8.5.4, 8.5.5). Else they give no result.
   */
  readonly movesExponent: boolean;
  /** Whether PE is told of a result that is not given: by SSE (SDM 1 11.5.1), not by stores of the x87 FPU (SDM 1 8.5.6). */
  readonly reportsInexact: boolean;
}

export interface FloatResult {
  /** Bits of the result's format. No meaning when an exception that is not masked leaves no result. */
  readonly value: bigint;
  /** Of FloatFlag. When one of IE, DE and ZE is not masked, those of OE, UE and PE are not there. */
  readonly flags: number;
  /** Whether rounding made the magnitude larger: C1 of the x87 FPU. */
  readonly roundedUp: boolean;
}

const roundings = [Rounding.nearest, Rounding.down, Rounding.up, Rounding.zero] as const;

/** Of two bits. */
export function roundingOf(field: number): Rounding {
  return roundings[field & 3] ?? Rounding.nearest;
}

/** By MXCSR. */
export function controlOfMxcsr(mxcsr: number): FloatControl {
  return {
    rounding: roundingOf(mxcsr >> 13),
    masks: (mxcsr >> 7) & 63,
    denormalsAreZero: (mxcsr & 0x40) !== 0,
    flushToZero: (mxcsr & 0x8000) !== 0,
    nans: 'first',
    movesExponent: false,
    reportsInexact: true,
  };
}

/** By the x87 control word, for a result that goes to a register, or else to memory. */
export function controlOfX87(controlWord: number, toRegister: boolean): FloatControl {
  return {
    rounding: roundingOf(controlWord >> 10),
    masks: controlWord & 63,
    denormalsAreZero: false,
    flushToZero: false,
    nans: 'larger',
    movesExponent: toRegister,
    reportsInexact: false,
  };
}

export function exact(value: bigint, flags = 0): FloatResult {
  return { value, flags, roundedUp: false };
}
