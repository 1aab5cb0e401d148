/** The partial remainders of the x87 FPU (SDM 2A FPREM, FPREM1): exact, so that repeating them ends in the remainder. */
import { assert } from '../../base/assert.ts';
import { exact, type FloatControl, FloatFlag, type FloatResult, Rounding } from './control.ts';
import { extended, zero } from './format.ts';
import { invalid, resultOfNaN } from './nan.ts';
import { bitLength, type FloatNumber } from './number.ts';
import { roundAndPack, roundAway } from './round.ts';

export interface Remainder extends FloatResult {
  /** The quotient was too large, and the result is only a smaller dividend: C2. */
  readonly partial: boolean;
  /** Of a complete reduction: the lowest three bits of the quotient's magnitude. Of a NaN: undefined. */
  readonly quotient: number | undefined;
}

/** Quotients of fewer bits are taken whole. */
const wholeBits = 64;

/** By how much one partial reduction lowers the exponent: 32 to 63 (model; the manual leaves it to the implementation). */
function reduction(difference: number): number {
  return 32 + (difference & 31);
}

function withoutQuotient(result: FloatResult): Remainder {
  return { ...result, partial: false, quotient: undefined };
}

function complete(result: FloatResult, quotient: bigint): Remainder {
  return { ...result, partial: false, quotient: Number(quotient & 7n) };
}

/** Of two finite numbers that are not 0. */
function reduce(a: FloatNumber, b: FloatNumber, toNearest: boolean, control: FloatControl): Remainder {
  const difference = a.exponent + bitLength(a.significand) - b.exponent - bitLength(b.significand);
  if (difference < -1 || (difference < 0 && !toNearest)) {
    return complete(roundAndPack(extended, control, a.negative, a.significand, a.exponent), 0n);
  }
  const partial = difference >= wholeBits;
  const scale = partial ? difference - reduction(difference) : 0;
  const exponent = Math.min(a.exponent, b.exponent + scale);
  const dividend = a.significand << BigInt(a.exponent - exponent);
  const divisor = b.significand << BigInt(b.exponent + scale - exponent);
  let quotient = dividend / divisor;
  if (toNearest && !partial) quotient = roundQuotient(quotient, dividend - quotient * divisor, divisor);
  const rest = dividend - quotient * divisor;
  const negative = a.negative !== rest < 0n;
  const result =
    rest === 0n
      ? exact(zero(extended, a.negative))
      : roundAndPack(extended, control, negative, rest < 0n ? -rest : rest, exponent);
  assert((result.flags & FloatFlag.PE) === 0, 'a remainder is exact');
  return partial ? { ...result, partial, quotient: 0 } : complete(result, quotient);
}

/** To nearest, ties to even. */
function roundQuotient(quotient: bigint, rest: bigint, divisor: bigint): bigint {
  const doubled = roundAway((quotient << 2n) | halves(rest, divisor), 2, false, Rounding.nearest);
  return doubled.significand;
}

/** The rest's share of the divisor in quarters, as rounding needs it: none, less than a half, a half, more. */
function halves(rest: bigint, divisor: bigint): bigint {
  if (rest === 0n) return 0n;
  if (2n * rest === divisor) return 2n;
  return 2n * rest < divisor ? 1n : 3n;
}

/** `a` modulo `b`; the quotient is truncated, or rounded to nearest as IEEE 754 has it. */
export function remainder(a: FloatNumber, b: FloatNumber, toNearest: boolean, control: FloatControl): Remainder {
  const ofNaN = resultOfNaN(extended, a, b, control);
  if (ofNaN !== undefined) return withoutQuotient(ofNaN);
  if (a.kind === 'infinity' || b.kind === 'zero') return withoutQuotient(invalid(extended));
  const denormal = a.denormal || b.denormal ? FloatFlag.DE : 0;
  if (a.kind === 'zero') return complete(exact(zero(extended, a.negative), denormal), 0n);
  if ((denormal & ~control.masks) !== 0) return complete(exact(0n, denormal), 0n);
  if (b.kind === 'infinity') {
    const same = roundAndPack(extended, control, a.negative, a.significand, a.exponent);
    return complete({ ...same, flags: same.flags | denormal }, 0n);
  }
  const reduced = reduce(a, b, toNearest, control);
  return { ...reduced, flags: reduced.flags | denormal };
}
