/** Moves between the x87 FPU's registers, memory and constants (SDM 1 8.3.3, 8.3.4). */
import { constantBits, loadableConstants } from '../float/constants.ts';
import { exact, type FloatResult, FloatFlag, Rounding } from '../float/control.ts';
import { convertNumber, integerFromNumber } from '../float/convert.ts';
import { decimalFromNumber, decimalIndefinite, decimalOperand } from '../float/decimal.ts';
import { binary32, binary64, extended, indefinite, type FloatFormat } from '../float/format.ts';
import { type FloatNumber, unpack } from '../float/number.ts';
import type { RegisterFile } from '../registers.ts';
import type { Helper } from './helper.ts';
import { integerOperand } from './x87-arithmetic.ts';
import { beforeStore, indefiniteBits, X87State } from './x87-state.ts';

/** What is stored in memory. Helpers take an index into this. */
export const storeFormats = ['single', 'double', 'extended', 'word', 'doubleword', 'quadword', 'decimal'] as const;
export type StoreFormat = (typeof storeFormats)[number];

/** An unmasked denormal operand is loaded all the same (model; the manual has TOP stay, processors move it). */
function pushOnto(state: X87State, result: FloatResult): readonly bigint[] {
  if (!state.isEmpty(7)) {
    if (state.overflow()) state.push(indefiniteBits);
  } else if ((state.report(result.flags) & FloatFlag.IE) === 0) state.push(result.value);
  return [];
}

/** A number of another format; only a signaling NaN changes, and a denormal is told. */
function pushNumber(registers: RegisterFile, number: FloatNumber): readonly bigint[] {
  const state = new X87State(registers);
  const result = convertNumber(extended, number, state.registerControl);
  return pushOnto(state, number.denormal ? { ...result, flags: result.flags | FloatFlag.DE } : result);
}

function pushRegister(registers: RegisterFile, index: number): readonly bigint[] {
  const state = new X87State(registers);
  if (!state.isEmpty(index)) return pushOnto(state, exact(state.bits(index)));
  if (state.underflow()) state.push(indefiniteBits);
  return [];
}

function rounded(to: FloatFormat, state: X87State): FloatResult {
  return convertNumber(to, state.number(0), state.memoryControl);
}

/** ST(0) as it goes to memory. */
function toMemory(state: X87State, format: StoreFormat, rounding: Rounding): FloatResult {
  switch (format) {
    case 'single':
      return rounded(binary32, state);
    case 'double':
      return rounded(binary64, state);
    case 'extended':
      return exact(state.bits(0));
    case 'word':
      return integerFromNumber(state.number(0), 16, rounding);
    case 'doubleword':
      return integerFromNumber(state.number(0), 32, rounding);
    case 'quadword':
      return integerFromNumber(state.number(0), 64, rounding);
    case 'decimal':
      return decimalFromNumber(state.number(0), rounding);
  }
}

const indefinites: Readonly<Record<StoreFormat, bigint>> = {
  single: indefinite(binary32),
  double: indefinite(binary64),
  extended: indefiniteBits,
  word: 1n << 15n,
  doubleword: 1n << 31n,
  quadword: 1n << 63n,
  decimal: decimalIndefinite,
};

function stored(state: X87State, formatIndex: bigint, truncates: bigint): FloatResult {
  const format = storeFormats[Number(formatIndex)] ?? 'single';
  return toMemory(state, format, truncates === 1n ? Rounding.zero : state.registerControl.rounding);
}

/** Without changing anything: bits, and whether they are stored. */
function valueToStore(registers: RegisterFile, formatIndex: bigint, truncates: bigint): readonly bigint[] {
  const state = new X87State(registers);
  let value: bigint;
  let withheld: number;
  if (state.isEmpty(0)) {
    value = indefinites[storeFormats[Number(formatIndex)] ?? 'single'];
    withheld = FloatFlag.IE & ~state.control;
  } else {
    const result = stored(state, formatIndex, truncates);
    value = result.value;
    withheld = result.flags & ~state.control & beforeStore;
  }
  return [BigInt.asUintN(64, value), value >> 64n, withheld === 0 ? 1n : 0n];
}

/** What remains to be done when the value is in memory, or is withheld. */
function concludeStore(state: X87State, formatIndex: bigint, truncates: bigint): boolean {
  if (state.isEmpty(0)) return state.underflow();
  const { flags, roundedUp } = stored(state, formatIndex, truncates);
  return (state.report(flags, roundedUp) & beforeStore) === 0;
}

function copyTop(registers: RegisterFile, index: number, pops: boolean): readonly bigint[] {
  const state = new X87State(registers);
  if (state.isEmpty(0)) {
    if (!state.underflow()) return [];
    state.put(index, indefiniteBits);
  } else {
    state.put(index, state.bits(0));
    state.report(0);
  }
  if (pops) state.pop();
  return [];
}

function exchange(registers: RegisterFile, index: number): readonly bigint[] {
  const state = new X87State(registers);
  if (state.isEmpty(0) || state.isEmpty(index)) {
    if (!state.underflow()) return [];
    for (const empty of [0, index].filter((each) => state.isEmpty(each))) state.put(empty, indefiniteBits);
  } else state.report(0);
  const top = state.bits(0);
  state.put(0, state.bits(index));
  state.put(index, top);
  return [];
}

function moveConditionally(registers: RegisterFile, index: number, condition: boolean): readonly bigint[] {
  const state = new X87State(registers);
  if (state.isEmpty(0) || state.isEmpty(index)) {
    if (state.underflow()) state.put(0, indefiniteBits);
  } else if (condition) state.put(0, state.bits(index));
  return [];
}

export const x87MoveHelpers = {
  /** The bits of a number of the format. */
  x87LoadSingle: {
    arguments: 1,
    results: 0,
    run: ({ registers }, bits) => pushNumber(registers, unpack(binary32, bits)),
  },
  x87LoadDouble: {
    arguments: 1,
    results: 0,
    run: ({ registers }, bits) => pushNumber(registers, unpack(binary64, bits)),
  },
  /** Low 64 bits, high 16. */
  x87LoadExtended: {
    arguments: 2,
    results: 0,
    run: ({ registers }, low, high) => pushOnto(new X87State(registers), exact((high << 64n) | low)),
  },
  /** Integer, its size in bytes. */
  x87LoadInteger: {
    arguments: 2,
    results: 0,
    run: ({ registers }, value, bytes) => pushNumber(registers, integerOperand(value, Number(bytes) * 8)),
  },
  /** Low 64 bits, high 16. */
  x87LoadDecimal: {
    arguments: 2,
    results: 0,
    run: ({ registers }, low, high) => pushNumber(registers, decimalOperand((high << 64n) | low)),
  },
  /** ST(i). */
  x87LoadRegister: {
    arguments: 1,
    results: 0,
    run: ({ registers }, index) => pushRegister(registers, Number(index)),
  },
  /** Index into loadableConstants. */
  x87LoadConstant: {
    arguments: 1,
    results: 0,
    run: ({ registers }, which) => {
      const state = new X87State(registers);
      const bits = constantBits(loadableConstants[Number(which)] ?? 'zero', state.registerControl);
      return pushOnto(state, exact(bits));
    },
  },
  /** Index into storeFormats, whether it truncates: to the low 64 bits, the high 16, and whether they are to be stored. */
  x87ValueToStore: {
    arguments: 2,
    results: 3,
    run: ({ registers }, format, truncates) => valueToStore(registers, format, truncates),
  },
  /** The same, and whether to pop: after the store, which cannot fault any more. */
  x87Stored: {
    arguments: 3,
    results: 0,
    run: ({ registers }, format, truncates, pops) => {
      const state = new X87State(registers);
      if (concludeStore(state, format, truncates) && pops === 1n) state.pop();
      return [];
    },
  },
  /** ST(i), whether to pop. */
  x87StoreRegister: {
    arguments: 2,
    results: 0,
    run: ({ registers }, index, pops) => copyTop(registers, Number(index), pops === 1n),
  },
  /** ST(i): an empty ST(0) is popped without being stored. */
  x87StoreUnchecked: {
    arguments: 1,
    results: 0,
    run: ({ registers }, index) => {
      const state = new X87State(registers);
      if (!state.isEmpty(0)) state.put(Number(index), state.bits(0));
      state.report(0);
      state.pop();
      return [];
    },
  },
  /** ST(i). */
  x87Exchange: {
    arguments: 1,
    results: 0,
    run: ({ registers }, index) => exchange(registers, Number(index)),
  },
  /** ST(i), the condition. */
  x87ConditionalMove: {
    arguments: 2,
    results: 0,
    run: ({ registers }, index, condition) => moveConditionally(registers, Number(index), condition === 1n),
  },
  /** ST(i), whether to pop. */
  x87Free: {
    arguments: 2,
    results: 0,
    run: ({ registers }, index, pops) => {
      const state = new X87State(registers);
      state.free(Number(index));
      state.report(0);
      if (pops === 1n) state.pop();
      return [];
    },
  },
  /** By how much, modulo 8. */
  x87MoveTop: {
    arguments: 1,
    results: 0,
    run: ({ registers }, by) => {
      const state = new X87State(registers);
      state.report(0);
      state.top += Number(by);
      return [];
    },
  },
} as const satisfies Record<string, Helper>;
