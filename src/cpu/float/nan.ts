/** What an operation gives for operands that are NaN or not supported, and for operands it is not defined for (SDM 1 4.8.3.5, table 4-7). */
import { exact, type FloatControl, FloatFlag, type FloatResult } from './control.ts';
import { type FloatFormat, indefinite } from './format.ts';
import { type FloatNumber, isAnyNaN, packQuieted } from './number.ts';

export function invalid(to: FloatFormat): FloatResult {
  return exact(indefinite(to), FloatFlag.IE);
}

/** Of two NaNs; a signaling one gives way to a quiet one; then the larger significand, then the positive one. */
function larger(a: FloatNumber, b: FloatNumber): FloatNumber {
  if (a.kind !== b.kind) return a.kind === 'quiet' ? a : b;
  if (a.significand !== b.significand) return a.significand > b.significand ? a : b;
  return a.negative ? b : a;
}

function chosen(a: FloatNumber, b: FloatNumber, control: FloatControl): FloatNumber {
  if (!isAnyNaN(b)) return a;
  if (!isAnyNaN(a)) return b;
  return control.nans === 'first' ? a : larger(a, b);
}

/** The result, if an operand decides it; an operation of one operand gives it twice. */
export function resultOfNaN(
  to: FloatFormat,
  a: FloatNumber,
  b: FloatNumber,
  control: FloatControl,
): FloatResult | undefined {
  if (a.kind === 'unsupported' || b.kind === 'unsupported') return invalid(to);
  if (!isAnyNaN(a) && !isAnyNaN(b)) return undefined;
  const signaling = a.kind === 'signaling' || b.kind === 'signaling';
  return exact(packQuieted(to, chosen(a, b, control)), signaling ? FloatFlag.IE : 0);
}
