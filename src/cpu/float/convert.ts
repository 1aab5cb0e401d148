/**
 * Conversions between formats and to and from integers, and rounding to an integral value (SDM 1 4.8.4, 4.9.1.1; 8.3.3; 11.4.1.6; SDM 2
 * CVT*, ROUNDPS, FIST, FRNDINT). A result that does not fit an integer is invalid and gives the integer indefinite.
 */
import { isUnmasked } from './arithmetic.ts';
import { exact, type FloatControl, FloatFlag, type FloatResult, type Rounding } from './control.ts';
import { assemble, type FloatFormat, infinity, zero } from './format.ts';
import { resultOfNaN } from './nan.ts';
import { bitLength, type FloatNumber, unpack, withoutDenormal } from './number.ts';
import { roundAndPack, roundAway } from './round.ts';

/** A number in another format. DE is left to the caller. */
export function convertNumber(to: FloatFormat, number: FloatNumber, control: FloatControl): FloatResult {
  const ofNaN = resultOfNaN(to, number, number, control);
  if (ofNaN !== undefined) return ofNaN;
  if (number.kind === 'zero') return exact(zero(to, number.negative));
  if (number.kind === 'infinity') return exact(infinity(to, number.negative));
  return roundAndPack(to, control, number.negative, number.significand, number.exponent);
}

/** Between two formats (CVTSD2SS, CVTSS2SD). */
export function convertFloat(from: FloatFormat, to: FloatFormat, bits: bigint, control: FloatControl): FloatResult {
  const number = unpack(from, bits);
  if (!number.denormal) return convertNumber(to, number, control);
  if (control.denormalsAreZero) return exact(zero(to, number.negative));
  if (isUnmasked(FloatFlag.DE, control)) return exact(0n, FloatFlag.DE);
  const { value, flags, roundedUp } = convertNumber(to, number, control);
  return { value, flags: flags | FloatFlag.DE, roundedUp };
}

/** `value` is a signed integer. */
export function floatFromInteger(to: FloatFormat, value: bigint, control: FloatControl): FloatResult {
  if (value === 0n) return exact(zero(to, false));
  return roundAndPack(to, control, value < 0n, value < 0n ? -value : value, 0);
}

/** To a signed integer of so many bits, given without sign extension: zeros above. */
export function integerFromNumber(number: FloatNumber, bits: number, rounding: Rounding): FloatResult {
  const integerIndefinite = exact(1n << BigInt(bits - 1), FloatFlag.IE);
  if (number.kind === 'zero') return exact(0n);
  if (number.kind !== 'finite') return integerIndefinite;
  if (number.exponent + bitLength(number.significand) > bits + 1) return integerIndefinite;
  const { significand, inexact, up } = roundFinite(number, rounding);
  const value = number.negative ? -significand : significand;
  if (BigInt.asIntN(bits, value) !== value) return integerIndefinite;
  return { value: BigInt.asUintN(bits, value), flags: inexact ? FloatFlag.PE : 0, roundedUp: up };
}

/** `rounding` may differ from the control's, as in CVTTSS2SI and ROUNDSS. */
export function integerFromFloat(
  from: FloatFormat,
  bits: bigint,
  integerBits: number,
  control: FloatControl,
  rounding: Rounding = control.rounding,
): FloatResult {
  const number = unpack(from, bits);
  return integerFromNumber(control.denormalsAreZero ? withoutDenormal(number) : number, integerBits, rounding);
}

/** Below 2^-200 a magnitude rounds as 2^-200 does. */
const smallestLooked = -200;

function roundFinite({ significand, exponent, negative }: FloatNumber, rounding: Rounding) {
  if (exponent + bitLength(significand) < smallestLooked) return roundAway(1n, 2, negative, rounding);
  return roundAway(significand, -exponent, negative, rounding);
}

/** A number rounded to an integral value of the format (FRNDINT, ROUNDSD); zeros keep the sign. DE is left to the caller. */
export function integralOfNumber(
  to: FloatFormat,
  number: FloatNumber,
  control: FloatControl,
  rounding: Rounding,
): FloatResult {
  const ofNaN = resultOfNaN(to, number, number, control);
  if (ofNaN !== undefined) return ofNaN;
  if (number.kind === 'zero') return exact(zero(to, number.negative));
  if (number.kind === 'infinity') return exact(infinity(to, number.negative));
  if (number.exponent >= 0) return exact(packExact(to, number.negative, number.significand, number.exponent));
  const { significand, inexact, up } = roundFinite(number, rounding);
  const flags = inexact ? FloatFlag.PE : 0;
  if (significand === 0n) return { value: zero(to, number.negative), flags, roundedUp: false };
  return { value: packExact(to, number.negative, significand, 0), flags, roundedUp: up };
}

/** A nonzero value that the format has as a normal number. */
function packExact(to: FloatFormat, negative: boolean, significand: bigint, exponent: number): bigint {
  const bits = bitLength(significand);
  const place = BigInt(to.fractionBits + 1 - bits);
  const whole = place >= 0n ? significand << place : significand >> -place;
  return assemble(to, negative, exponent + bits - 1 + to.bias, whole);
}

/** ROUNDPS and ROUNDPD: no DE (SDM 2B ROUNDPD). */
export function integralOfFloat(
  format: FloatFormat,
  bits: bigint,
  control: FloatControl,
  rounding: Rounding,
): FloatResult {
  const number = unpack(format, bits);
  return integralOfNumber(format, control.denormalsAreZero ? withoutDenormal(number) : number, control, rounding);
}
