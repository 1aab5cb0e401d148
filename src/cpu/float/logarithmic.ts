/**
 * Powers of two and logarithms to base two of the x87 FPU (SDM 1 8.3.9; SDM 2A F2XM1, FYL2X, FYL2XP1): exact but for one rounding,
 * where processors promise an error below one unit in the last place.
 */
import { exact, type FloatControl, FloatFlag, type FloatResult } from './control.ts';
import { exponentialMinus1, logarithmOfRatio, naturalLogarithmOf2 } from './elementary.ts';
import { assemble, extended, infinity, zero } from './format.ts';
import { invalid, resultOfNaN } from './nan.ts';
import { bitLength, type FloatNumber, unpack } from './number.ts';
import { roundAndPack } from './round.ts';

const workingBits = 192;
const minusOne = assemble(extended, true, extended.bias, 1n << 63n);

function leadingExponent({ significand, exponent }: FloatNumber): number {
  return exponent + bitLength(significand) - 1;
}

/** value / 2^places times the number, neither of them exact nor 0. */
function scaled(value: bigint, places: number, y: FloatNumber, control: FloatControl): FloatResult {
  const negative = y.negative !== value < 0n;
  const magnitude = (value < 0n ? -value : value) * y.significand;
  return roundAndPack(extended, control, negative, (magnitude << 1n) | 1n, y.exponent - places - 1);
}

function denormalFlag(a: FloatNumber, b: FloatNumber): number {
  return a.denormal || b.denormal ? FloatFlag.DE : 0;
}

/** 2^x - 1. Beyond -1 to 1 the manual leaves the result undefined: x itself (model). */
export function powerOf2Minus1(x: FloatNumber, bits: bigint, control: FloatControl): FloatResult {
  const ofNaN = resultOfNaN(extended, x, x, control);
  if (ofNaN !== undefined) return ofNaN;
  if (x.kind === 'zero') return exact(zero(extended, x.negative));
  if (x.kind === 'infinity') return exact(x.negative ? minusOne : infinity(extended, false));
  const denormal = denormalFlag(x, x);
  if ((denormal & ~control.masks) !== 0) return exact(0n, denormal);
  const leading = leadingExponent(x);
  if (leading >= 0) return ofWhole(x, bits, control);
  const places = workingBits - leading;
  const magnitude = (x.significand * naturalLogarithmOf2(workingBits)) << BigInt(x.exponent + places);
  const power = (x.negative ? -magnitude : magnitude) >> BigInt(workingBits);
  const value = exponentialMinus1(power, places);
  const result = roundAndPack(extended, control, x.negative, ((value < 0n ? -value : value) << 1n) | 1n, -places - 1);
  return { ...result, flags: result.flags | denormal };
}

/** 1 gives 1, -1 gives -1/2. */
function ofWhole(x: FloatNumber, bits: bigint, control: FloatControl): FloatResult {
  const isOne = leadingExponent(x) === 0 && (x.significand & (x.significand - 1n)) === 0n;
  if (!isOne || !x.negative) return exact(bits, FloatFlag.PE);
  return asInexact(roundAndPack(extended, control, true, 1n, -1));
}

interface Logarithm {
  readonly value: bigint;
  readonly places: number;
}

/** log2 of a positive number that is no power of two: its exponent and the logarithm of its significand. */
function logarithm(x: FloatNumber): Logarithm {
  const bits = bitLength(x.significand);
  // Between 3/4 and 3/2.
  const upper = x.significand >> BigInt(bits - 2) === 3n;
  const unit = 1n << BigInt(upper ? bits : bits - 1);
  const whole = BigInt(x.exponent + (upper ? bits : bits - 1));
  const distance = x.significand - unit;
  const places = workingBits + bits;
  const ratio = (distance << BigInt(places)) / (x.significand + unit);
  const fraction = (logarithmOfRatio(ratio, places) << BigInt(places)) / naturalLogarithmOf2(places);
  return { value: (whole << BigInt(places)) + fraction, places };
}

/** The power of two that a number is; undefined if it is none. */
function powerOf2({ significand, exponent }: FloatNumber): number | undefined {
  const bits = bitLength(significand);
  return significand === 1n << BigInt(bits - 1) ? exponent + bits - 1 : undefined;
}

/** Sign of log2 x: -1, 0 or 1, for x > 0. */
function signOfLogarithm(x: FloatNumber): number {
  if (x.kind === 'infinity') return 1;
  if (x.kind === 'zero') return -1;
  const power = powerOf2(x);
  if (power === 0) return 0;
  return leadingExponent(x) >= 0 ? 1 : -1;
}

/** y log2 x where x or y is zero or infinite; undefined otherwise. */
function specialLogarithm(y: FloatNumber, x: FloatNumber): FloatResult | undefined {
  if (x.kind === 'zero') {
    if (y.kind === 'zero') return invalid(extended);
    return exact(infinity(extended, !y.negative), y.kind === 'infinity' ? 0 : FloatFlag.ZE);
  }
  if (x.negative) return invalid(extended);
  const sign = signOfLogarithm(x);
  const negative = y.negative !== sign < 0;
  if (x.kind === 'infinity') return y.kind === 'zero' ? invalid(extended) : exact(infinity(extended, negative));
  if (y.kind === 'infinity') return sign === 0 ? invalid(extended) : exact(infinity(extended, negative));
  return y.kind === 'zero' || sign === 0 ? exact(zero(extended, negative)) : undefined;
}

/** y log2 x. */
export function logarithmTimes(y: FloatNumber, x: FloatNumber, control: FloatControl): FloatResult {
  const ofNaN = resultOfNaN(extended, x, y, control);
  if (ofNaN !== undefined) return ofNaN;
  const special = specialLogarithm(y, x);
  const denormal = denormalFlag(x, y);
  if (special !== undefined) {
    const { value, flags } = special;
    return exact(value, (flags & (FloatFlag.IE | FloatFlag.ZE)) !== 0 ? flags : flags | denormal);
  }
  if ((denormal & ~control.masks) !== 0) return exact(0n, denormal);
  const result = finiteLogarithm(y, x, control);
  return { ...result, flags: result.flags | denormal };
}

function finiteLogarithm(y: FloatNumber, x: FloatNumber, control: FloatControl): FloatResult {
  const power = powerOf2(x);
  if (power === undefined) {
    const { value, places } = logarithm(x);
    return scaled(value, places, y, control);
  }
  const negative = y.negative !== power < 0;
  return asInexact(roundAndPack(extended, control, negative, y.significand * BigInt(Math.abs(power)), y.exponent));
}

/** Processors do not find out that a result is exact: they report it as rounded (model). */
function asInexact({ value, flags, roundedUp }: FloatResult): FloatResult {
  const tiny = unpack(extended, value).denormal;
  return { value, flags: flags | FloatFlag.PE | (tiny ? FloatFlag.UE : 0), roundedUp };
}

/** y log2 (x + 1), for x between -(1 - sqrt(1/2)) and sqrt(2) - 1; beyond, the manual leaves it undefined. */
export function logarithmOfPlus1Times(y: FloatNumber, x: FloatNumber, control: FloatControl): FloatResult {
  const ofNaN = resultOfNaN(extended, x, y, control);
  if (ofNaN !== undefined) return ofNaN;
  const special = specialPlus1(y, x);
  const denormal = denormalFlag(x, y);
  if (special !== undefined) return exact(special.value, special.flags === 0 ? denormal : special.flags);
  if ((denormal & ~control.masks) !== 0) return exact(0n, denormal);
  const result = finitePlus1(y, x, control);
  return { ...result, flags: result.flags | denormal };
}

function specialPlus1(y: FloatNumber, x: FloatNumber): FloatResult | undefined {
  const negative = y.negative !== x.negative;
  if (x.kind === 'infinity') {
    if (x.negative || y.kind === 'zero') return invalid(extended);
    return exact(infinity(extended, y.negative));
  }
  if (x.kind === 'zero') return y.kind === 'infinity' ? invalid(extended) : exact(zero(extended, negative));
  if (y.kind === 'infinity') return exact(infinity(extended, negative));
  return y.kind === 'zero' ? exact(zero(extended, negative)) : undefined;
}

function finitePlus1(y: FloatNumber, x: FloatNumber, control: FloatControl): FloatResult {
  const leading = leadingExponent(x);
  const places = workingBits + Math.max(0, -leading);
  const shift = x.exponent + places;
  const magnitude = shift >= 0 ? x.significand << BigInt(shift) : x.significand >> BigInt(-shift);
  const fixed = x.negative ? -magnitude : magnitude;
  const one = 1n << BigInt(places);
  // No logarithm is real: x itself (model).
  if (fixed <= -one)
    return { ...roundAndPack(extended, control, true, x.significand, x.exponent), flags: FloatFlag.PE };
  if (leading >= -1) {
    const sum: FloatNumber = { ...x, negative: false, significand: one + fixed, exponent: -places };
    return finiteLogarithm(y, sum, control);
  }
  const ratio = (fixed << BigInt(places)) / (2n * one + fixed);
  const value = (logarithmOfRatio(ratio, places) << BigInt(places)) / naturalLogarithmOf2(places);
  return scaled(value, places, y, control);
}
