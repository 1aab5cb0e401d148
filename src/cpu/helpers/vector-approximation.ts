/**
 * RCPPS and RSQRTPS (SDM 2B). The manual bounds the relative error by 1.5 * 2^-12 and does not say which numbers inside it
 * a processor gives; here they are the results rounded to 13 significant bits, whatever MXCSR says. Denormal operands
 * count as zeros, tiny results become zeros, nothing is reported.
 */
import { calculate } from '../float/arithmetic.ts';
import { type FloatControl, Rounding } from '../float/control.ts';
import { extended, type FloatFormat } from '../float/format.ts';
import { finite, unpack, withoutDenormal } from '../float/number.ts';

const control: FloatControl = {
  rounding: Rounding.nearest,
  masks: 63,
  denormalsAreZero: true,
  flushToZero: true,
  nans: 'first',
  movesExponent: false,
  reportsInexact: false,
};
const one = finite(false, 1n, 0);
const significantBits = 13;

export function reciprocal(format: FloatFormat, bits: bigint): bigint {
  const number = withoutDenormal(unpack(format, bits));
  return calculate('divide', { ...format, precision: significantBits }, one, number, control).value;
}

export function reciprocalSquareRoot(format: FloatFormat, bits: bigint): bigint {
  const number = withoutDenormal(unpack(format, bits));
  const root = unpack(extended, calculate('squareRoot', extended, number, number, control).value);
  return calculate('divide', { ...format, precision: significantBits }, one, root, control).value;
}
