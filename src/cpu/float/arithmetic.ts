/**
 * Addition, subtraction, multiplication, division and square root (SDM 1 4.8, 4.9; 8.3.5; 11.4.1): an exact value, then one rounding.
 *
 * The three ways in: `floatOperation` on the bits of one format, as SSE has it; `calculate` on numbers taken apart, whose formats
 * may differ from the result's; and compare.ts, convert.ts and minimum.ts for what is no arithmetic.
 */
import { unreachable } from '../../base/assert.ts';
import { exact, type FloatControl, FloatFlag, type FloatResult, Rounding } from './control.ts';
import { type FloatFormat, infinity, zero } from './format.ts';
import { invalid, resultOfNaN } from './nan.ts';
import { bitLength, type FloatNumber, unpack, withoutDenormal } from './number.ts';
import { roundAndPack } from './round.ts';

export type FloatOperation = 'add' | 'subtract' | 'multiply' | 'divide' | 'squareRoot';

/** Numbers whose exponents differ by more are added as one and a hint of the other. */
const farApart = 200;
const guardBits = 80;

/** The larger of two operands far apart, with a last bit far below its own that says that there is more, or less. */
function addFar(big: FloatNumber, small: FloatNumber): bigint {
  const more = big.negative === small.negative ? 1n : -1n;
  return (big.significand << BigInt(guardBits)) + more;
}

function sum(to: FloatFormat, a: FloatNumber, b: FloatNumber, control: FloatControl): FloatResult {
  const difference = a.exponent - b.exponent;
  if (Math.abs(difference) > farApart) {
    const [big, small] = difference > 0 ? [a, b] : [b, a];
    return roundAndPack(to, control, big.negative, addFar(big, small), big.exponent - guardBits);
  }
  const exponent = Math.min(a.exponent, b.exponent);
  const left = a.significand << BigInt(a.exponent - exponent);
  const right = b.significand << BigInt(b.exponent - exponent);
  const total = (a.negative ? -left : left) + (b.negative ? -right : right);
  if (total === 0n) return exact(zero(to, control.rounding === Rounding.down));
  return roundAndPack(to, control, total < 0n, total < 0n ? -total : total, exponent);
}

function add(to: FloatFormat, a: FloatNumber, b: FloatNumber, control: FloatControl): FloatResult {
  if (a.kind === 'infinity') {
    if (b.kind === 'infinity' && a.negative !== b.negative) return invalid(to);
    return exact(infinity(to, a.negative));
  }
  if (b.kind === 'infinity') return exact(infinity(to, b.negative));
  if (a.kind === 'zero' && b.kind === 'zero') {
    const negative = a.negative === b.negative ? a.negative : control.rounding === Rounding.down;
    return exact(zero(to, negative));
  }
  if (a.kind === 'zero') return roundAndPack(to, control, b.negative, b.significand, b.exponent);
  if (b.kind === 'zero') return roundAndPack(to, control, a.negative, a.significand, a.exponent);
  return sum(to, a, b, control);
}

function multiply(to: FloatFormat, a: FloatNumber, b: FloatNumber, control: FloatControl): FloatResult {
  const negative = a.negative !== b.negative;
  if (a.kind === 'infinity' || b.kind === 'infinity') {
    if (a.kind === 'zero' || b.kind === 'zero') return invalid(to);
    return exact(infinity(to, negative));
  }
  if (a.kind === 'zero' || b.kind === 'zero') return exact(zero(to, negative));
  return roundAndPack(to, control, negative, a.significand * b.significand, a.exponent + b.exponent);
}

function divide(to: FloatFormat, a: FloatNumber, b: FloatNumber, control: FloatControl): FloatResult {
  const negative = a.negative !== b.negative;
  if (a.kind === 'infinity') return b.kind === 'infinity' ? invalid(to) : exact(infinity(to, negative));
  if (b.kind === 'infinity') return exact(zero(to, negative));
  if (b.kind === 'zero') {
    return a.kind === 'zero' ? invalid(to) : exact(infinity(to, negative), FloatFlag.ZE);
  }
  if (a.kind === 'zero') return exact(zero(to, negative));
  const shift = Math.max(0, to.precision + 3 + bitLength(b.significand) - bitLength(a.significand));
  const dividend = a.significand << BigInt(shift);
  const quotient = dividend / b.significand;
  const sticky = quotient * b.significand === dividend ? 0n : 1n;
  return roundAndPack(to, control, negative, (quotient << 1n) | sticky, a.exponent - b.exponent - shift - 1);
}

/** The integer part of the square root. */
export function integerSquareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

function squareRoot(to: FloatFormat, a: FloatNumber, control: FloatControl): FloatResult {
  if (a.kind === 'zero') return exact(zero(to, a.negative));
  if (a.negative) return invalid(to);
  if (a.kind === 'infinity') return exact(infinity(to, false));
  let shift = Math.max(0, 2 * to.precision + 6 - bitLength(a.significand));
  if (((a.exponent - shift) & 1) !== 0) shift++;
  const radicand = a.significand << BigInt(shift);
  const root = integerSquareRoot(radicand);
  const sticky = root * root === radicand ? 0n : 1n;
  return roundAndPack(to, control, false, (root << 1n) | sticky, (a.exponent - shift) / 2 - 1);
}

/** Whether one of the flags raises an exception. */
export function isUnmasked(flags: number, control: FloatControl): boolean {
  return (flags & ~control.masks) !== 0;
}

function negated(number: FloatNumber): FloatNumber {
  return { ...number, negative: !number.negative };
}

function apply(
  operation: FloatOperation,
  to: FloatFormat,
  a: FloatNumber,
  b: FloatNumber,
  control: FloatControl,
): FloatResult {
  switch (operation) {
    case 'add':
      return add(to, a, b, control);
    case 'subtract':
      return add(to, a, negated(b), control);
    case 'multiply':
      return multiply(to, a, b, control);
    case 'divide':
      return divide(to, a, b, control);
    case 'squareRoot':
      return squareRoot(to, a, control);
    default:
      return unreachable(operation);
  }
}

/** `a` operation `b`, rounded to a format. Square root takes its operand twice. */
export function calculate(
  operation: FloatOperation,
  to: FloatFormat,
  a: FloatNumber,
  b: FloatNumber,
  control: FloatControl,
): FloatResult {
  const ofNaN = resultOfNaN(to, a, b, control);
  if (ofNaN !== undefined) return ofNaN;
  const { value, flags, roundedUp } = apply(operation, to, a, b, control);
  if ((flags & (FloatFlag.IE | FloatFlag.ZE)) !== 0) return { value, flags, roundedUp };
  const denormal = a.denormal || b.denormal ? FloatFlag.DE : 0;
  if (isUnmasked(denormal, control)) return exact(value, denormal);
  return { value, flags: flags | denormal, roundedUp };
}

/** On the bits of one format. Square root is of `b`. */
export function floatOperation(
  operation: FloatOperation,
  format: FloatFormat,
  a: bigint,
  b: bigint,
  control: FloatControl,
): FloatResult {
  let right = unpack(format, b);
  if (control.denormalsAreZero) right = withoutDenormal(right);
  if (operation === 'squareRoot') return calculate(operation, format, right, right, control);
  let left = unpack(format, a);
  if (control.denormalsAreZero) left = withoutDenormal(left);
  return calculate(operation, format, left, right, control);
}
