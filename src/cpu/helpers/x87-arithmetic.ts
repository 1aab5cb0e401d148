/** Arithmetic of the x87 FPU on its registers, and with operands from memory (SDM 1 8.3.5). */
import { calculate, isUnmasked, type FloatOperation } from '../float/arithmetic.ts';
import { exact, FloatFlag, type FloatResult } from '../float/control.ts';
import { integralOfNumber } from '../float/convert.ts';
import { binary32, binary64, extended } from '../float/format.ts';
import { type FloatNumber, finite, unpack } from '../float/number.ts';
import { remainder } from '../float/remainder.ts';
import { extract, scale } from '../float/scale.ts';
import type { RegisterFile } from '../registers.ts';
import type { Helper } from './helper.ts';
import { beforeOperation, indefiniteBits, Status, X87State } from './x87-state.ts';

/** Destination operation source, or source operation destination. Helpers take an index into this. */
export const x87Operations = [
  'add',
  'multiply',
  'subtract',
  'subtractReversed',
  'divide',
  'divideReversed',
] as const satisfies readonly (FloatOperation | 'subtractReversed' | 'divideReversed')[];
export type X87Operation = (typeof x87Operations)[number];

/** Gives ST(index) a result, unless an exception that came first is not masked. Whether it did. */
function deliver(state: X87State, index: number, { value, flags, roundedUp }: FloatResult): boolean {
  if ((state.report(flags, roundedUp) & beforeOperation) !== 0) return false;
  state.put(index, value);
  return true;
}

function combine(state: X87State, operation: X87Operation, a: FloatNumber, b: FloatNumber): FloatResult {
  const format = state.arithmeticFormat;
  const control = state.registerControl;
  switch (operation) {
    case 'subtractReversed':
      return calculate('subtract', format, b, a, control);
    case 'divideReversed':
      return calculate('divide', format, b, a, control);
    default:
      return calculate(operation, format, a, b, control);
  }
}

function operationAt(index: bigint): X87Operation {
  return x87Operations[Number(index)] ?? 'add';
}

/** ST(to) = ST(to) operation ST(from). Whether it got a result. */
function betweenRegisters(registers: RegisterFile, operation: bigint, to: number, from: number): boolean {
  const state = new X87State(registers);
  if (state.isEmpty(to) || state.isEmpty(from)) {
    if (!state.underflow()) return false;
    state.put(to, indefiniteBits);
    return true;
  }
  return deliver(state, to, combine(state, operationAt(operation), state.number(to), state.number(from)));
}

/** ST(0) = ST(0) operation a number from memory. */
function withMemory(registers: RegisterFile, operation: bigint, from: FloatNumber): readonly bigint[] {
  const state = new X87State(registers);
  if (!state.isEmpty(0)) deliver(state, 0, combine(state, operationAt(operation), state.number(0), from));
  else if (state.underflow()) state.put(0, indefiniteBits);
  return [];
}

/** A signed integer as a number. */
export function integerOperand(value: bigint, bits: number): FloatNumber {
  const signed = BigInt.asIntN(bits, value);
  return finite(signed < 0n, signed < 0n ? -signed : signed, 0);
}

/** ST(0) by a function of itself. */
function ofTop(change: (state: X87State) => FloatResult): Helper {
  return {
    arguments: 0,
    results: 0,
    run: ({ registers }) => {
      const state = new X87State(registers);
      if (!state.isEmpty(0)) deliver(state, 0, change(state));
      else if (state.underflow()) state.put(0, indefiniteBits);
      return [];
    },
  };
}

/** Sign changes: of any contents, without exceptions. */
function ofSign(change: (bits: bigint) => bigint): Helper {
  return ofTop((state) => ({ value: change(state.bits(0)), flags: 0, roundedUp: false }));
}

const sign = 1n << 79n;

function partialRemainder(registers: RegisterFile, toNearest: boolean): readonly bigint[] {
  const state = new X87State(registers);
  state.status &= ~Status.C2;
  if (state.isEmpty(0) || state.isEmpty(1)) {
    if (state.underflow()) state.put(0, indefiniteBits);
    return [];
  }
  const result = remainder(state.number(0), state.number(1), toNearest, state.registerControl);
  if (!deliver(state, 0, result)) return [];
  const { partial, quotient } = result;
  if (partial) state.setConditions(Status.C2);
  else if (quotient !== undefined) {
    state.setConditions(((quotient & 4) << 6) | ((quotient & 2) << 13) | ((quotient & 1) << 9));
  }
  return [];
}

function extractTop(registers: RegisterFile): readonly bigint[] {
  const state = new X87State(registers);
  const empty = state.isEmpty(0);
  if (empty || !state.isEmpty(7)) {
    if (empty ? !state.underflow() : !state.overflow()) return [];
    state.put(0, indefiniteBits);
    state.push(indefiniteBits);
    return [];
  }
  const { exponent, significand, flags } = extract(state.number(0), state.registerControl);
  if ((state.report(flags) & beforeOperation) !== 0) return [];
  state.put(0, exponent);
  state.push(significand);
  return [];
}

export const x87ArithmeticHelpers = {
  /** Operation, ST(i): to ST(0). */
  x87OperateTop: {
    arguments: 2,
    results: 0,
    run: ({ registers }, operation, index) => {
      betweenRegisters(registers, operation, 0, Number(index));
      return [];
    },
  },
  /** Operation, ST(i), whether to pop: to ST(i). */
  x87OperateRegister: {
    arguments: 3,
    results: 0,
    run: ({ registers }, operation, index, pops) => {
      if (betweenRegisters(registers, operation, Number(index), 0) && pops === 1n) new X87State(registers).pop();
      return [];
    },
  },
  /** Operation, the bits of a number of the format. */
  x87OperateSingle: {
    arguments: 2,
    results: 0,
    run: ({ registers }, operation, bits) => withMemory(registers, operation, unpack(binary32, bits)),
  },
  x87OperateDouble: {
    arguments: 2,
    results: 0,
    run: ({ registers }, operation, bits) => withMemory(registers, operation, unpack(binary64, bits)),
  },
  /** Operation, integer, its size in bytes. */
  x87OperateInteger: {
    arguments: 3,
    results: 0,
    run: ({ registers }, operation, value, bytes) =>
      withMemory(registers, operation, integerOperand(value, Number(bytes) * 8)),
  },
  x87ChangeSign: ofSign((bits) => bits ^ sign),
  x87Absolute: ofSign((bits) => bits & ~sign),
  x87SquareRoot: ofTop((state) => {
    const top = state.number(0);
    return calculate('squareRoot', state.arithmeticFormat, top, top, state.registerControl);
  }),
  x87RoundToInteger: ofTop((state) => {
    const control = state.registerControl;
    const top = state.number(0);
    if (top.denormal && isUnmasked(FloatFlag.DE, control)) return exact(0n, FloatFlag.DE);
    const result = integralOfNumber(extended, top, control, control.rounding);
    return top.denormal ? { ...result, flags: result.flags | FloatFlag.DE } : result;
  }),
  x87Scale: {
    arguments: 0,
    results: 0,
    run: ({ registers }) => {
      const state = new X87State(registers);
      if (!state.isEmpty(0) && !state.isEmpty(1)) {
        deliver(state, 0, scale(state.number(0), state.number(1), state.registerControl));
      } else if (state.underflow()) state.put(0, indefiniteBits);
      return [];
    },
  },
  x87PartialRemainder: {
    arguments: 1,
    results: 0,
    /** Whether the quotient is rounded to nearest. */
    run: ({ registers }, toNearest) => partialRemainder(registers, toNearest === 1n),
  },
  x87Extract: { arguments: 0, results: 0, run: ({ registers }) => extractTop(registers) },
} as const satisfies Record<string, Helper>;
