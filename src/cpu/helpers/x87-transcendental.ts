/** Transcendental instructions of the x87 FPU (SDM 1 8.3.7 to 8.3.9). Precision control has no say in them. */
import { exact, type FloatControl, type FloatResult } from '../float/control.ts';
import { constantBits } from '../float/constants.ts';
import { logarithmOfPlus1Times, logarithmTimes, powerOf2Minus1 } from '../float/logarithmic.ts';
import type { FloatNumber } from '../float/number.ts';
import { angleOf, cosineOfNumber, isInRange, sineOfNumber, tangentOfNumber } from '../float/trigonometric.ts';
import type { RegisterFile } from '../registers.ts';
import type { Helper } from './helper.ts';
import { beforeOperation, indefiniteBits, Status, X87State } from './x87-state.ts';

type OfNumber = (a: FloatNumber, control: FloatControl) => FloatResult;

/** Whether ST(0) is a finite number too large to be reduced: C2 is set, and nothing else happens. */
function outOfRange(state: X87State): boolean {
  const top = state.number(0);
  const beyond = top.kind === 'finite' && !isInRange(top);
  state.status = beyond ? (state.status & ~Status.C1) | Status.C2 : state.status & ~Status.C2;
  return beyond;
}

function replaceTop(state: X87State, { value, flags, roundedUp }: FloatResult): void {
  if ((state.report(flags, roundedUp) & beforeOperation) === 0) state.put(0, value);
}

const ofAngle = (compute: OfNumber): Helper => ({
  arguments: 0,
  results: 0,
  run: ({ registers }) => {
    const state = new X87State(registers);
    if (state.isEmpty(0)) {
      state.status &= ~Status.C2;
      if (state.underflow()) state.put(0, indefiniteBits);
    } else if (!outOfRange(state)) replaceTop(state, compute(state.number(0), state.registerControl));
    return [];
  },
});

/** ST(0) gets one result, and another is pushed. */
const ofAngleTwice = (compute: OfNumber, pushed: OfNumber): Helper => ({
  arguments: 0,
  results: 0,
  run: ({ registers }) => {
    const state = new X87State(registers);
    const empty = state.isEmpty(0);
    if (empty || !state.isEmpty(7)) {
      state.status &= ~Status.C2;
      if (empty ? state.underflow() : state.overflow()) {
        state.put(0, indefiniteBits);
        state.push(indefiniteBits);
      }
      return [];
    }
    if (outOfRange(state)) return [];
    const control = state.registerControl;
    const first = compute(state.number(0), control);
    const second = pushed(state.number(0), control);
    if ((state.report(first.flags | second.flags, second.roundedUp) & beforeOperation) !== 0) return [];
    state.put(0, first.value);
    state.push(second.value);
    return [];
  },
});

/** 1, or the NaN that the tangent is. */
function oneOrNaN(a: FloatNumber, control: FloatControl): FloatResult {
  if (a.kind !== 'finite' && a.kind !== 'zero') return tangentOfNumber(a, control);
  return { ...tangentOfNumber(a, control), value: constantBits('one', control) };
}

/** ST(1) by both registers, then a pop. */
const ofBoth = (compute: (y: FloatNumber, x: FloatNumber, control: FloatControl) => FloatResult): Helper => ({
  arguments: 0,
  results: 0,
  run: ({ registers }) => {
    const state = new X87State(registers);
    if (state.isEmpty(0) || state.isEmpty(1)) {
      if (state.underflow()) replaceBoth(state, indefiniteBits);
      return [];
    }
    const { value, flags, roundedUp } = compute(state.number(1), state.number(0), state.registerControl);
    if ((state.report(flags, roundedUp) & beforeOperation) === 0) replaceBoth(state, value);
    return [];
  },
});

function replaceBoth(state: X87State, value: bigint): void {
  state.put(1, value);
  state.pop();
}

function powerOfTop(registers: RegisterFile): readonly bigint[] {
  const state = new X87State(registers);
  if (!state.isEmpty(0)) replaceTop(state, powerOf2Minus1(state.number(0), state.bits(0), state.registerControl));
  else if (state.underflow()) replaceTop(state, exact(indefiniteBits));
  return [];
}

export const x87TranscendentalHelpers = {
  x87Sine: ofAngle(sineOfNumber),
  x87Cosine: ofAngle(cosineOfNumber),
  x87SineCosine: ofAngleTwice(sineOfNumber, cosineOfNumber),
  x87Tangent: ofAngleTwice(tangentOfNumber, oneOrNaN),
  x87ArcTangent: ofBoth(angleOf),
  x87PowerMinus1: { arguments: 0, results: 0, run: ({ registers }) => powerOfTop(registers) },
  x87Logarithm: ofBoth(logarithmTimes),
  x87LogarithmOfPlus1: ofBoth(logarithmOfPlus1Times),
} as const satisfies Record<string, Helper>;
