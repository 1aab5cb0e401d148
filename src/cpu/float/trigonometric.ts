/**
 * Sine, cosine, tangent and arc tangent of the x87 FPU (SDM 1 8.3.7, 8.3.8; SDM 2A FCOS, FPATAN, FPTAN, FSIN, FSINCOS). Arguments are
 * reduced by the 66 bits of pi that the manual gives; what follows is exact but for one rounding, which processors are not: they
 * promise an error below one unit in the last place.
 */
import { exact, type FloatControl, FloatFlag, type FloatResult } from './control.ts';
import { Constant, constantFractionBits } from './constants.ts';
import { arcTangent, constantTo, cosine, sine } from './elementary.ts';
import { assemble, extended, zero } from './format.ts';
import { invalid, resultOfNaN } from './nan.ts';
import { bitLength, type FloatNumber } from './number.ts';
import { roundAndPack } from './round.ts';

/** Bits computed beyond the leading one of a result. */
const workingBits = 192;

/** pi / 2 as the FPU has it: 66 bits, of which 65 after the point (SDM 1 8.3.8). */
const halfPiPlaces = 65;
const halfPi = constantTo(Constant.pi, 64);

/** Arguments of this exponent and above are out of range. */
const rangeExponent = 63;

interface Angle {
  /** Between -pi/4 and pi/4, in units of 2^-places. */
  readonly rest: bigint;
  readonly places: number;
  /** Quarter turns, modulo 4. */
  readonly quarters: number;
}

export function isInRange({ significand, exponent }: FloatNumber): boolean {
  return exponent + bitLength(significand) - 1 < rangeExponent;
}

function reduce({ negative, significand, exponent }: FloatNumber): Angle {
  const exactPlaces = Math.max(halfPiPlaces, -exponent);
  const magnitude = significand << BigInt(exponent + exactPlaces);
  const quarter = halfPi << BigInt(exactPlaces - halfPiPlaces);
  const count = (2n * magnitude + quarter) / (2n * quarter);
  const rest = magnitude - count * quarter;
  const size = rest === 0n ? 1 : bitLength(rest < 0n ? -rest : rest);
  const extra = Math.max(0, workingBits - size);
  const shifted = rest << BigInt(extra);
  const quarters = Number(count & 3n);
  return {
    rest: negative ? -shifted : shifted,
    places: exactPlaces + extra,
    quarters: negative ? (4 - quarters) & 3 : quarters,
  };
}

/** Sine of the angle and so many quarter turns more. */
function sineOf({ rest, places, quarters }: Angle, more: number): bigint {
  const turned = (quarters + more) & 3;
  const value = (turned & 1) === 0 ? sine(rest, places) : cosine(rest, places);
  return turned >= 2 ? -value : value;
}

/** Whether the square of the angle has no digit left. */
function isTiny({ rest, places, quarters }: Angle): boolean {
  return (quarters & 1) === 0 && 2 * bitLength(rest < 0n ? -rest : rest) < places;
}

/** A value that is not exact, and is a little larger in magnitude. */
function inexact(value: bigint, places: number, control: FloatControl): FloatResult {
  const magnitude = value < 0n ? -value : value;
  return roundAndPack(extended, control, value < 0n, (magnitude << 1n) | 1n, -places - 1);
}

const one = assemble(extended, false, extended.bias, 1n << 63n);

/** Of a number that is not finite or is zero: `ofZero` is what zero gives. */
function ofSpecial(a: FloatNumber, ofZero: bigint, control: FloatControl): FloatResult | undefined {
  const ofNaN = resultOfNaN(extended, a, a, control);
  if (ofNaN !== undefined) return ofNaN;
  if (a.kind === 'infinity') return invalid(extended);
  return a.kind === 'zero' ? exact(ofZero) : undefined;
}

/** DE of an operand, and nothing else when it is not masked. */
function withDenormal(a: FloatNumber, control: FloatControl, compute: () => FloatResult): FloatResult {
  if (!a.denormal) return compute();
  if ((control.masks & FloatFlag.DE) === 0) return exact(0n, FloatFlag.DE);
  const { value, flags, roundedUp } = compute();
  return { value, flags: flags | FloatFlag.DE, roundedUp };
}

/** These three want a number in range, if it is finite. */
export function sineOfNumber(a: FloatNumber, control: FloatControl): FloatResult {
  const special = ofSpecial(a, zero(extended, a.negative), control);
  if (special !== undefined) return special;
  return withDenormal(a, control, () => {
    const angle = reduce(a);
    return inexact(sineOf(angle, 0), angle.places, control);
  });
}

export function cosineOfNumber(a: FloatNumber, control: FloatControl): FloatResult {
  const special = ofSpecial(a, one, control);
  if (special !== undefined) return special;
  return withDenormal(a, control, () => {
    const angle = reduce(a);
    return inexact(sineOf(angle, 1), angle.places, control);
  });
}

export function tangentOfNumber(a: FloatNumber, control: FloatControl): FloatResult {
  const special = ofSpecial(a, zero(extended, a.negative), control);
  if (special !== undefined) return special;
  return withDenormal(a, control, () => {
    const angle = reduce(a);
    // A little more than the angle itself, where that is all that can be told.
    if (isTiny(angle)) return inexact(angle.rest, angle.places, control);
    const quotient = (sineOf(angle, 0) << BigInt(angle.places)) / sineOf(angle, 1);
    return inexact(quotient, angle.places, control);
  });
}

/** A multiple of pi / 4. */
function quarterTurns(negative: boolean, quarters: bigint, control: FloatControl): FloatResult {
  return roundAndPack(extended, control, negative, Constant.pi * quarters, -constantFractionBits - 2);
}

function specialAngle(y: FloatNumber, x: FloatNumber, control: FloatControl): FloatResult | undefined {
  const { negative } = y;
  if (y.kind === 'infinity') {
    if (x.kind !== 'infinity') return quarterTurns(negative, 2n, control);
    return quarterTurns(negative, x.negative ? 3n : 1n, control);
  }
  if (x.kind === 'infinity' || y.kind === 'zero') {
    return x.negative ? quarterTurns(negative, 4n, control) : exact(zero(extended, negative));
  }
  return x.kind === 'zero' ? quarterTurns(negative, 2n, control) : undefined;
}

/** The quotient of two magnitudes, the first not larger, to enough places; its places; and what was cut off. */
function ratio(a: FloatNumber, b: FloatNumber): { readonly quotient: bigint; readonly places: number } {
  const leading = a.exponent + bitLength(a.significand) - b.exponent - bitLength(b.significand);
  const places = workingBits - Math.min(0, leading);
  const shift = places + a.exponent - b.exponent;
  const dividend = shift >= 0 ? a.significand << BigInt(shift) : a.significand;
  const divisor = shift >= 0 ? b.significand : b.significand << BigInt(-shift);
  return { quotient: dividend / divisor, places };
}

function isLarger(a: FloatNumber, b: FloatNumber): boolean {
  const leading = a.exponent + bitLength(a.significand) - b.exponent - bitLength(b.significand);
  if (leading !== 0) return leading > 0;
  const exponent = Math.min(a.exponent, b.exponent);
  return a.significand << BigInt(a.exponent - exponent) > b.significand << BigInt(b.exponent - exponent);
}

function finiteAngle(y: FloatNumber, x: FloatNumber, control: FloatControl): FloatResult {
  const steep = isLarger(y, x);
  const { quotient, places } = steep ? ratio(x, y) : ratio(y, x);
  const acute = arcTangent(quotient, places);
  const pi = constantTo(Constant.pi, places);
  if (!steep && !x.negative) {
    // A quotient that the format has is the angle itself, less a little; below that it may be tiny.
    return roundAndPack(extended, control, y.negative, (acute << 1n) | 1n, -places - 1);
  }
  const fromAxis = steep ? pi / 2n : pi;
  const angle = steep && x.negative ? fromAxis + acute : fromAxis - acute;
  return roundAndPack(extended, control, y.negative, (angle << 1n) | 1n, -places - 1);
}

/** The angle of the point (x, y), between -pi and pi. */
export function angleOf(y: FloatNumber, x: FloatNumber, control: FloatControl): FloatResult {
  const ofNaN = resultOfNaN(extended, y, x, control);
  if (ofNaN !== undefined) return ofNaN;
  const denormal = y.denormal || x.denormal ? FloatFlag.DE : 0;
  if ((denormal & ~control.masks) !== 0) return exact(0n, denormal);
  const { value, flags, roundedUp } = specialAngle(y, x, control) ?? finiteAngle(y, x, control);
  return { value, flags: flags | denormal, roundedUp };
}
