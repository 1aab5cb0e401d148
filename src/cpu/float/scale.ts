/** Scaling by a power of two, and taking exponent and significand apart (SDM 2A FSCALE, FXTRACT). */
import { exact, type FloatControl, FloatFlag, type FloatResult } from './control.ts';
import { assemble, extended, infinity, zero } from './format.ts';
import { floatFromInteger } from './convert.ts';
import { invalid, resultOfNaN } from './nan.ts';
import { bitLength, type FloatNumber } from './number.ts';
import { roundAndPack } from './round.ts';

/** Beyond this every result overflows or underflows. */
const scaleLimit = 0x1_0000;

/** The scale without its fraction. */
function truncated({ negative, significand, exponent }: FloatNumber): number {
  if (exponent + bitLength(significand) > 17) return negative ? -scaleLimit : scaleLimit;
  const magnitude = Number(exponent >= 0 ? significand << BigInt(exponent) : significand >> BigInt(-exponent));
  return negative ? -magnitude : magnitude;
}

function scaleByInfinity(a: FloatNumber, b: FloatNumber): FloatResult {
  if (b.negative) return a.kind === 'infinity' ? invalid(extended) : exact(zero(extended, a.negative));
  return a.kind === 'zero' ? invalid(extended) : exact(infinity(extended, a.negative));
}

/** `a` times two to the integer part of `b`. */
export function scale(a: FloatNumber, b: FloatNumber, control: FloatControl): FloatResult {
  const ofNaN = resultOfNaN(extended, a, b, control);
  if (ofNaN !== undefined) return ofNaN;
  const denormal = a.denormal || b.denormal ? FloatFlag.DE : 0;
  if (b.kind === 'infinity') {
    const result = scaleByInfinity(a, b);
    return { ...result, flags: result.flags === 0 ? denormal : result.flags };
  }
  if (a.kind === 'infinity') return exact(infinity(extended, a.negative), denormal);
  if (a.kind === 'zero') return exact(zero(extended, a.negative), denormal);
  if ((denormal & ~control.masks) !== 0) return exact(0n, denormal);
  const by = b.kind === 'zero' ? 0 : truncated(b);
  const result = roundAndPack(extended, control, a.negative, a.significand, a.exponent + by);
  return { ...result, flags: result.flags | denormal };
}

export interface Extracted {
  readonly exponent: bigint;
  readonly significand: bigint;
  readonly flags: number;
}

/** The unbiased exponent as a number, and the significand with an exponent of 0. */
export function extract(a: FloatNumber, control: FloatControl): Extracted {
  const ofNaN = resultOfNaN(extended, a, a, control);
  if (ofNaN !== undefined) return { exponent: ofNaN.value, significand: ofNaN.value, flags: ofNaN.flags };
  if (a.kind === 'zero') {
    return { exponent: infinity(extended, true), significand: zero(extended, a.negative), flags: FloatFlag.ZE };
  }
  if (a.kind === 'infinity') {
    return { exponent: infinity(extended, false), significand: infinity(extended, a.negative), flags: 0 };
  }
  const bits = bitLength(a.significand);
  const whole = a.significand << BigInt(extended.fractionBits + 1 - bits);
  return {
    exponent: floatFromInteger(extended, BigInt(a.exponent + bits - 1), control).value,
    significand: assemble(extended, a.negative, extended.bias, whole),
    flags: a.denormal ? FloatFlag.DE : 0,
  };
}
