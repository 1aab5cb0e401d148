/** A floating-point value taken apart (SDM 1 4.8.3; 8.2.2 for the encodings that the x87 FPU does not support). */
import { assemble, type FloatFormat } from './format.ts';

export interface FloatNumber {
  /** `unsupported`: pseudo-NaN, pseudo-infinity and unnormal. */
  readonly kind: 'zero' | 'finite' | 'infinity' | 'quiet' | 'signaling' | 'unsupported';
  readonly negative: boolean;
  /** Finite: the value is significand * 2^exponent, and not 0. NaN: the fraction, its highest bit at place 62. */
  readonly significand: bigint;
  readonly exponent: number;
  /** Denormal or, in an x87 register, pseudo-denormal. */
  readonly denormal: boolean;
}

const nanFractionBits = 63;
const quietBit = 1n << 62n;

function special(kind: FloatNumber['kind'], negative: boolean, significand = 0n): FloatNumber {
  return { kind, negative, significand, exponent: 0, denormal: false };
}

export function finite(negative: boolean, significand: bigint, exponent: number): FloatNumber {
  return { kind: significand === 0n ? 'zero' : 'finite', negative, significand, exponent, denormal: false };
}

function unpackLargest(of: FloatFormat, negative: boolean, integer: boolean, fraction: bigint): FloatNumber {
  if (!integer) return special('unsupported', negative);
  if (fraction === 0n) return special('infinity', negative);
  const aligned = fraction << BigInt(nanFractionBits - of.fractionBits);
  return special((aligned & quietBit) === 0n ? 'signaling' : 'quiet', negative, aligned);
}

export function unpack(of: FloatFormat, bits: bigint): FloatNumber {
  const signAndExponent = Number(bits >> BigInt(of.storedBits));
  const biased = signAndExponent & (2 ** of.exponentBits - 1);
  const negative = signAndExponent >> of.exponentBits !== 0;
  const fraction = BigInt.asUintN(of.fractionBits, bits);
  const integer = of.explicitInteger ? ((bits >> BigInt(of.fractionBits)) & 1n) === 1n : biased !== 0;
  if (biased === 2 * of.bias + 1) return unpackLargest(of, negative, integer, fraction);
  if (biased !== 0 && !integer) return special('unsupported', negative);
  const significand = integer ? fraction | (1n << BigInt(of.fractionBits)) : fraction;
  if (significand === 0n) return special('zero', negative);
  const exponent = Math.max(biased, 1) - of.bias - of.fractionBits;
  return { kind: 'finite', negative, significand, exponent, denormal: biased === 0 };
}

/** As DAZ has it (SDM 1 10.2.3.4). */
export function withoutDenormal(number: FloatNumber): FloatNumber {
  return number.denormal ? special('zero', number.negative) : number;
}

export function isAnyNaN(number: FloatNumber): boolean {
  return number.kind === 'quiet' || number.kind === 'signaling';
}

/** A quiet NaN with the sign and as much of the fraction as there is room for (SDM 1 4.8.3.4). */
export function packQuieted(to: FloatFormat, nan: FloatNumber): bigint {
  const fraction = (nan.significand | quietBit) >> BigInt(nanFractionBits - to.fractionBits);
  return assemble(to, nan.negative, 2 * to.bias + 1, fraction | (1n << BigInt(to.fractionBits)));
}

/** Bits up to the highest one; the value is not 0. Printing it is the fastest way there is. */
export function bitLength(value: bigint): number {
  const digits = value.toString(16);
  return digits.length * 4 - Math.clz32(Number.parseInt(digits.charAt(0), 16)) + 28;
}
