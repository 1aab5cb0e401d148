/** Packed decimal integers of 18 digits (SDM 1 4.7): nine bytes of two digits, the lowest first, then a byte with the sign. */
import { exact, FloatFlag, type FloatResult, type Rounding } from './control.ts';
import { integerFromNumber } from './convert.ts';
import { type FloatNumber, finite } from './number.ts';

const digitCount = 18;
const limit = 10n ** BigInt(digitCount);
const sign = 1n << 79n;
/** What a number that does not fit gives (SDM 1 table 4-4). */
export const decimalIndefinite = 0xffff_c000_0000_0000_0000n;

/** Digits above 9 are no numbers; they count by their place (model; the manual leaves it undefined). */
export function decimalOperand(bits: bigint): FloatNumber {
  let magnitude = 0n;
  for (let digit = digitCount - 1; digit >= 0; digit--)
    magnitude = magnitude * 10n + ((bits >> BigInt(digit * 4)) & 15n);
  return finite((bits & sign) !== 0n, magnitude, 0);
}

export function decimalFromNumber(number: FloatNumber, rounding: Rounding): FloatResult {
  const { value, flags, roundedUp } = integerFromNumber(number, 64, rounding);
  const signed = BigInt.asIntN(64, value);
  let magnitude = signed < 0n ? -signed : signed;
  if ((flags & FloatFlag.IE) !== 0 || magnitude >= limit) return exact(decimalIndefinite, FloatFlag.IE);
  let bits = number.negative ? sign : 0n;
  for (let digit = 0; digit < digitCount; digit++) {
    bits |= (magnitude % 10n) << BigInt(digit * 4);
    magnitude /= 10n;
  }
  return { value: bits, flags, roundedUp };
}
