/**
 * The binary floating-point formats of x86 (SDM 1 4.2.2, table 4-3). A value of a format is a `bigint` of its bits: sign, biased
 * exponent, significand. Half precision is not here.
 */

export interface FloatFormat {
  readonly exponentBits: number;
  /** Bits of the significand after the binary point. */
  readonly fractionBits: number;
  /** Whether the bit before the point is stored too. */
  readonly explicitInteger: boolean;
  /** Significant bits to which results are rounded: all of them, or fewer by the x87 FPU's precision control. */
  readonly precision: number;
  readonly bias: number;
  /** Of the smallest normal number, and of the largest. */
  readonly minimumExponent: number;
  readonly maximumExponent: number;
  /** Bits stored for the significand. */
  readonly storedBits: number;
}

function format(exponentBits: number, fractionBits: number, explicitInteger: boolean, precision: number): FloatFormat {
  const bias = 2 ** (exponentBits - 1) - 1;
  return {
    exponentBits,
    fractionBits,
    explicitInteger,
    precision,
    bias,
    minimumExponent: 1 - bias,
    maximumExponent: bias,
    storedBits: fractionBits + (explicitInteger ? 1 : 0),
  };
}

export const binary32 = format(8, 23, false, 24);
export const binary64 = format(11, 52, false, 53);
/** Double extended precision: the x87 registers. */
export const extended = format(15, 63, true, 64);
/** The same, results rounded as precision control says (SDM 1 8.1.5.2); the range of exponents stays. */
export const extendedTo24 = format(15, 63, true, 24);
export const extendedTo53 = format(15, 63, true, 53);

/** The bits of a number whose significand includes the bit before the point. */
export function assemble(to: FloatFormat, negative: boolean, biasedExponent: number, significand: bigint): bigint {
  const signAndExponent = BigInt((negative ? 2 ** to.exponentBits : 0) + biasedExponent);
  return (signAndExponent << BigInt(to.storedBits)) | BigInt.asUintN(to.storedBits, significand);
}

export function zero(of: FloatFormat, negative: boolean): bigint {
  return assemble(of, negative, 0, 0n);
}

export function infinity(of: FloatFormat, negative: boolean): bigint {
  return assemble(of, negative, 2 * of.bias + 1, 1n << BigInt(of.fractionBits));
}

/** The finite value of the largest magnitude. */
export function largest(of: FloatFormat, negative: boolean): bigint {
  const ones = (1n << BigInt(of.precision)) - 1n;
  return assemble(of, negative, 2 * of.bias, ones << BigInt(of.fractionBits + 1 - of.precision));
}

/** The QNaN floating-point indefinite: what a masked invalid operation gives (SDM 1 4.8.3.7). */
export function indefinite(of: FloatFormat): bigint {
  return assemble(of, true, 2 * of.bias + 1, 3n << BigInt(of.fractionBits - 1));
}
