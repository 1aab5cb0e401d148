/** Comparison (SDM 1 4.8.3.5; 2A CMPPS, COMISS; FCOM, FUCOM), and the minimum and maximum that SSE has (SDM 2B MAXPS, MINPS). */
import { exact, type FloatControl, FloatFlag, type FloatResult } from './control.ts';
import type { FloatFormat } from './format.ts';
import { bitLength, type FloatNumber, isAnyNaN, unpack, withoutDenormal } from './number.ts';

export type Relation = 'less' | 'equal' | 'greater' | 'unordered';

export interface Comparison {
  readonly relation: Relation;
  /** IE and DE. */
  readonly flags: number;
}

/** Of the magnitudes, as -1, 0 or 1. */
function compareMagnitudes(a: FloatNumber, b: FloatNumber): number {
  if (a.kind === 'infinity' || b.kind === 'infinity') {
    return (a.kind === 'infinity' ? 1 : 0) - (b.kind === 'infinity' ? 1 : 0);
  }
  if (a.kind === 'zero' || b.kind === 'zero') return (a.kind === 'zero' ? 0 : 1) - (b.kind === 'zero' ? 0 : 1);
  const leading = a.exponent + bitLength(a.significand) - b.exponent - bitLength(b.significand);
  if (leading !== 0) return Math.sign(leading);
  const exponent = Math.min(a.exponent, b.exponent);
  const left = a.significand << BigInt(a.exponent - exponent);
  const right = b.significand << BigInt(b.exponent - exponent);
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function order(a: FloatNumber, b: FloatNumber): Relation {
  if (a.kind === 'zero' && b.kind === 'zero') return 'equal';
  if (a.negative !== b.negative) return a.negative ? 'less' : 'greater';
  const magnitudes = compareMagnitudes(a, b);
  if (magnitudes === 0) return 'equal';
  return magnitudes < 0 !== a.negative ? 'less' : 'greater';
}

/** `quiet`: only signaling NaNs are invalid, as in UCOMISS; else all NaNs are, as in COMISS. */
export function compareNumbers(a: FloatNumber, b: FloatNumber, quiet: boolean): Comparison {
  const unsupported = a.kind === 'unsupported' || b.kind === 'unsupported';
  if (unsupported || isAnyNaN(a) || isAnyNaN(b)) {
    const signaling = unsupported || a.kind === 'signaling' || b.kind === 'signaling';
    return { relation: 'unordered', flags: signaling || !quiet ? FloatFlag.IE : 0 };
  }
  return { relation: order(a, b), flags: a.denormal || b.denormal ? FloatFlag.DE : 0 };
}

export function compareFloats(
  format: FloatFormat,
  a: bigint,
  b: bigint,
  control: FloatControl,
  quiet: boolean,
): Comparison {
  const left = unpack(format, a);
  const right = unpack(format, b);
  if (!control.denormalsAreZero) return compareNumbers(left, right, quiet);
  return compareNumbers(withoutDenormal(left), withoutDenormal(right), quiet);
}

/** Gives `b` when either is a NaN and when both are zeros; DAZ makes a denormal a zero of its sign. */
export function extremum(
  which: 'minimum' | 'maximum',
  format: FloatFormat,
  a: bigint,
  b: bigint,
  control: FloatControl,
): FloatResult {
  const { relation, flags } = compareFloats(format, a, b, control, false);
  const first = relation === (which === 'minimum' ? 'less' : 'greater');
  const value = first ? a : b;
  if (!control.denormalsAreZero || !unpack(format, value).denormal) return exact(value, flags);
  return exact(
    (value >> BigInt(format.storedBits + format.exponentBits)) << BigInt(format.storedBits + format.exponentBits),
    flags,
  );
}
