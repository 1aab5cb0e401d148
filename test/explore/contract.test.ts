/** Limits and progress, symmetry, estimates, and the audit of models that do not keep their word. */
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/base/errors.ts';
import { audit } from '../../src/explore/audit.ts';
import { estimate } from '../../src/explore/estimate.ts';
import { explore, type Strategy } from '../../src/explore/explore.ts';
import type { Progress } from '../../src/explore/limits.ts';
import type { Model } from '../../src/explore/model.ts';
import {
  alike,
  counterUnderLock,
  dependentThreads,
  independentThreads,
  peterson,
  philosophers,
  readerOfAll,
} from './toys/classics.ts';
import { type ToyStep, toyModel } from './toys/program.ts';

const REDUCED = { kind: 'reduced', remember: false } as const;
const REMEMBERING = { kind: 'reduced', remember: true } as const;

describe('limits', () => {
  const model = toyModel(dependentThreads(3, 3));

  it('of executions, steps and time end the search with the verdict limit', () => {
    expect(explore(model, REDUCED, { executions: 10 })).toMatchObject({ verdict: 'limit', limit: 'executions' });
    expect(explore(model, REDUCED, { executions: 10 }).counts.complete).toBe(10);
    expect(explore(model, REDUCED, { steps: 100 })).toMatchObject({ verdict: 'limit', limit: 'steps' });
    let clock = 0;
    expect(explore(model, REDUCED, { time: 50, now: () => clock++ })).toMatchObject({
      verdict: 'limit',
      limit: 'time',
    });
  });

  it('of steps an execution gives those up, goes on, and is no pass', () => {
    const result = explore(model, REDUCED, { stepsPerExecution: 5 });
    expect(result).toMatchObject({ verdict: 'limit', limit: 'steps-per-execution' });
    expect(result.counts.truncated).toBeGreaterThan(1);
    expect(result.counts.complete).toBe(0);
  });

  it('that are not reached change nothing', () => {
    expect(explore(model, REDUCED, { executions: 2000, steps: 100_000 })).toEqual(explore(model, REDUCED));
    expect(explore(model, REDUCED).verdict).toBe('exhausted');
  });
});

describe('progress', () => {
  it('is told as a part of the whole that grows, or that is corrected when the whole turns out larger', () => {
    const model = toyModel(dependentThreads(3, 3));
    const fractions = (strategy: Strategy): number[] => {
      const told: Progress[] = [];
      explore(model, strategy, { every: 100, progress: (progress) => told.push(progress) > 0 });
      return told.map(({ fraction }) => fraction);
    };
    const naive = fractions({ kind: 'bounded', bound: { kind: 'none' }, remember: false });
    expect(naive).toEqual([...naive].sort((a, b) => a - b));
    for (const told of [naive, fractions(REDUCED)]) {
      expect(told).toHaveLength(16);
      expect(told.every((fraction) => fraction > 0 && fraction <= 1)).toBe(true);
      expect(told.at(-1)).toBeGreaterThan(0.9);
    }
    expect(explore(model, REDUCED, { every: 100, progress: () => false })).toMatchObject({ limit: 'interrupted' });
  });
});

describe('symmetry', () => {
  it('does not tell alike threads apart: 34 states instead of 135', () => {
    const program = counterUnderLock(3, 2);
    expect(explore(toyModel(program), REMEMBERING).counts).toMatchObject({ states: 135, complete: 1 });
    expect(explore(toyModel(alike(program)), REMEMBERING).counts).toMatchObject({ states: 34, complete: 1 });
  });

  it('keeps findings and outcomes', () => {
    const increment = [
      { op: 'read', variable: 0, register: 0 },
      { op: 'write', variable: 0, value: 1 },
      { op: 'add', variable: 1, value: 1, most: 2 },
    ] as const;
    const program = { threads: [increment, increment, increment], variables: 2 };
    const plain = explore(toyModel(program), REMEMBERING, { keepGoing: true });
    const folded = explore(toyModel(alike(program)), REMEMBERING, { keepGoing: true });
    const unordered = (outcomes: typeof plain.outcomes): string[] => [
      ...new Set(outcomes.map(([outcome]) => [...(outcome.split('|')[0] ?? '').trim()].sort().join(''))),
    ];
    expect(unordered(folded.outcomes).sort()).toEqual(unordered(plain.outcomes).sort());
    expect(folded.findings.map(({ violation }) => violation)).toEqual(plain.findings.map(({ violation }) => violation));
    expect(folded.counts.states).toBeLessThan(plain.counts.states / 4);
  });
});

describe('the estimate before a search', () => {
  const options = { probes: 4000, seed: 1, stepsPerExecution: 100 };

  it('is exact where all branches are alike', () => {
    expect(estimate(toyModel(independentThreads(3, 1)), options)).toMatchObject({ interleavings: 6, steps: 3 });
    expect(estimate(toyModel(dependentThreads(3, 1)), options)).toMatchObject({ interleavings: 6, traces: 6 });
  });

  it('comes near the numbers of interleavings and of traces', () => {
    const rows = [
      { program: independentThreads(3, 3), interleavings: 1680, traces: 1 },
      { program: dependentThreads(3, 3), interleavings: 1680, traces: 1680 },
      { program: readerOfAll(5), interleavings: 30_240, traces: 32 },
      { program: philosophers(4, true), interleavings: null, traces: 14 },
    ];
    for (const { program, interleavings, traces } of rows) {
      const found = estimate(toyModel(program), options);
      if (interleavings !== null) expect(Math.abs(found.interleavings / interleavings - 1)).toBeLessThan(0.15);
      expect(Math.abs(found.traces / traces - 1)).toBeLessThan(0.15);
    }
  });
});

describe('the audit of a model', () => {
  const options = { executions: 30, seed: 1, stepsPerExecution: 100 };
  const honest = toyModel(peterson({ storeBuffers: true, fences: true }));
  const lying = (dependent: (a: ToyStep, b: ToyStep) => boolean): Model<ToyStep> => ({ ...honest, dependent });

  it('has nothing to say against an honest one', () => {
    const { complaints, pairs } = audit(honest, options);
    expect(complaints).toEqual([]);
    expect(pairs).toBeGreaterThan(100);
  });

  it('finds steps that do not commute', () => {
    const model = toyModel(dependentThreads(2, 2));
    const program = toyModel({
      ...dependentThreads(2, 2),
      threads: [[{ op: 'write', variable: 0, value: 1 }], [{ op: 'write', variable: 0, value: 2 }]],
    });
    expect(audit(model, options).complaints).toEqual([]);
    expect(audit({ ...program, dependent: () => false }, options).complaints[0]?.kind).toBe('does not commute');
  });

  it('finds a step that disables, and one that enables another', () => {
    const locks = toyModel(counterUnderLock(2, 1));
    expect(audit({ ...locks, dependent: () => false }, options).complaints[0]?.kind).toBe('disables');
    const waiting = toyModel({
      threads: [
        [{ op: 'write', variable: 0, value: 1 }],
        [
          { op: 'write', variable: 1, value: 1 },
          { op: 'wait', until: [{ variable: 0, value: 1 }] },
        ],
        [{ op: 'write', variable: 2, value: 1 }],
      ],
      variables: 3,
    });
    expect(audit({ ...waiting, dependent: () => false }, options).complaints[0]?.kind).toBe('enables');
  });

  it('finds a relation that is not symmetric', () => {
    const lopsided = lying((a, b) => honest.dependent(a, b) || a.thread < b.thread);
    expect(audit(lopsided, options).complaints[0]?.kind).toBe('not symmetric');
  });

  it('finds steps that are possible together against its word', () => {
    const races = toyModel(dependentThreads(2, 2));
    expect(audit({ ...races, mayBeCoenabled: () => false }, options).complaints[0]?.kind).toBe('both enabled');
    expect(audit({ ...races, causes: () => true }, options).complaints[0]?.kind).toBe('both enabled');
    const locks = { ...counterUnderLock(3, 2), lockDiscipline: true };
    expect(audit(toyModel(locks), options).complaints).toEqual([]);
  });

  it('the search itself notices when an independent step cannot come first', () => {
    const program = toyModel({
      threads: [
        [{ op: 'write', variable: 0, value: 1 }],
        [{ op: 'wait', until: [{ variable: 0, value: 1 }] }],
        [{ op: 'write', variable: 0, value: 2 }],
      ],
      variables: 1,
    });
    const model: typeof program = { ...program, dependent: (a, b) => a.writes !== 0 && b.writes !== 0 };
    expect(() => explore(program, REDUCED, { keepGoing: true })).not.toThrow();
    expect(() => explore(model, REDUCED, { keepGoing: true })).toThrow(InvariantError);
  });
});
