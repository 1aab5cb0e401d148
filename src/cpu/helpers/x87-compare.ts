/** Comparison and classification by the x87 FPU (SDM 1 8.3.6; SDM 2A FCOM, FCOMI, FTST, FUCOM, FXAM). */
import { compareNumbers, type Relation } from '../float/compare.ts';
import { FloatFlag } from '../float/control.ts';
import { binary32, binary64 } from '../float/format.ts';
import { type FloatNumber, finite, unpack } from '../float/number.ts';
import type { RegisterFile } from '../registers.ts';
import type { Helper } from './helper.ts';
import { integerOperand } from './x87-arithmetic.ts';
import { Status, X87State } from './x87-state.ts';

/** Condition codes (SDM 1 table 8-6). */
const codes: Readonly<Record<Relation, number>> = {
  greater: 0,
  less: Status.C0,
  equal: Status.C3,
  unordered: Status.C0 | Status.C2 | Status.C3,
};

/** ZF, PF, CF (SDM 1 table 8-7). */
const flags: Readonly<Record<Relation, readonly [bigint, bigint, bigint]>> = {
  greater: [0n, 0n, 0n],
  less: [0n, 0n, 1n],
  equal: [1n, 0n, 0n],
  unordered: [1n, 1n, 1n],
};

function popTimes(state: X87State, times: bigint): void {
  for (let left = times; left > 0n; left--) state.pop();
}

/** What a comparison found, unless that is an invalid operation that is not masked; and whether it may pop. */
interface Found {
  readonly relation: Relation | undefined;
  readonly pops: boolean;
}

/** An unmasked denormal operand is compared, but the stack stays. */
function relate(state: X87State, other: FloatNumber, quiet: boolean): Found {
  const { relation, flags: raised } = compareNumbers(state.number(0), other, quiet);
  const unmasked = state.report(raised);
  return { relation: (unmasked & FloatFlag.IE) === 0 ? relation : undefined, pops: unmasked === 0 };
}

function relateEmpty(state: X87State): Found {
  const masked = state.underflow();
  return { relation: masked ? 'unordered' : undefined, pops: masked };
}

function relateRegisters(state: X87State, index: number, quiet: boolean): Found {
  if (state.isEmpty(0) || state.isEmpty(index)) return relateEmpty(state);
  return relate(state, state.number(index), quiet);
}

/** Condition codes of a relation, then pops. */
function conclude(state: X87State, found: Found, pops: bigint): readonly bigint[] {
  if (found.relation !== undefined) state.setConditions(codes[found.relation]);
  if (found.pops) popTimes(state, pops);
  return [];
}

function compareWithMemory(registers: RegisterFile, other: FloatNumber, pops: bigint): readonly bigint[] {
  const state = new X87State(registers);
  return conclude(state, state.isEmpty(0) ? relateEmpty(state) : relate(state, other, false), pops);
}

/** C3, C2, C0 of a number's class (SDM 2A FXAM). */
function classOf({ kind, denormal }: FloatNumber): number {
  switch (kind) {
    case 'unsupported':
      return 0;
    case 'quiet':
    case 'signaling':
      return Status.C0;
    case 'infinity':
      return Status.C2 | Status.C0;
    case 'zero':
      return Status.C3;
    case 'finite':
      return denormal ? Status.C3 | Status.C2 : Status.C2;
  }
}

export const x87CompareHelpers = {
  /** ST(i), whether quiet, how many to pop. */
  x87Compare: {
    arguments: 3,
    results: 0,
    run: ({ registers }, index, quiet, pops) => {
      const state = new X87State(registers);
      return conclude(state, relateRegisters(state, Number(index), quiet === 1n), pops);
    },
  },
  /** Bits, how many to pop. */
  x87CompareSingle: {
    arguments: 2,
    results: 0,
    run: ({ registers }, bits, pops) => compareWithMemory(registers, unpack(binary32, bits), pops),
  },
  x87CompareDouble: {
    arguments: 2,
    results: 0,
    run: ({ registers }, bits, pops) => compareWithMemory(registers, unpack(binary64, bits), pops),
  },
  /** Integer, its size in bytes, how many to pop. */
  x87CompareInteger: {
    arguments: 3,
    results: 0,
    run: ({ registers }, value, bytes, pops) =>
      compareWithMemory(registers, integerOperand(value, Number(bytes) * 8), pops),
  },
  x87Test: {
    arguments: 0,
    results: 0,
    run: ({ registers }) => compareWithMemory(registers, finite(false, 0n, 0), 0n),
  },
  /** ST(i), whether quiet, how many to pop: to ZF, PF, CF, and whether they are to be set. */
  x87CompareToFlags: {
    arguments: 3,
    results: 4,
    run: ({ registers }, index, quiet, pops) => {
      const state = new X87State(registers);
      const found = relateRegisters(state, Number(index), quiet === 1n);
      if (found.pops) popTimes(state, pops);
      const { relation } = found;
      if (relation === undefined) return [0n, 0n, 0n, 0n];
      return [...flags[relation], 1n];
    },
  },
  x87Examine: {
    arguments: 0,
    results: 0,
    run: ({ registers }) => {
      const state = new X87State(registers);
      const negative = state.bits(0) >> 79n === 1n;
      const found = state.isEmpty(0) ? Status.C3 | Status.C0 : classOf(state.number(0));
      state.setConditions(found | (negative ? Status.C1 : 0));
      return [];
    },
  },
} as const satisfies Record<string, Helper>;
