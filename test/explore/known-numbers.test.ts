/** The reduced search on programs whose number of Mazurkiewicz traces follows from a formula. */
import { describe, expect, it } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { counterUnderLock, dependentThreads, independentThreads, philosophers, readerOfAll } from './toys/classics.ts';
import { type Program, toyModel } from './toys/program.ts';

const REDUCED = { kind: 'reduced', remember: false } as const;
const REMEMBERING = { kind: 'reduced', remember: true } as const;
const NAIVE = { kind: 'bounded', bound: { kind: 'none' }, remember: false } as const;
const STATES = { kind: 'bounded', bound: { kind: 'none' }, remember: true } as const;

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
/** Interleavings of n threads of k steps. */
const interleavings = (n: number, k: number): number => factorial(n * k) / factorial(k) ** n;

function counts(program: Program, strategy: Parameters<typeof explore>[1]) {
  return explore(toyModel(program), strategy, { keepGoing: true }).counts;
}

describe('n threads of k steps', () => {
  for (const [n, k] of [
    [2, 1],
    [2, 3],
    [2, 5],
    [3, 2],
    [3, 3],
    [4, 2],
    [5, 1],
  ] as const) {
    it(`${n} × ${k} independent: one execution reduced, ${interleavings(n, k)} naive, ${(k + 1) ** n} states`, () => {
      const program = independentThreads(n, k);
      expect(counts(program, REDUCED)).toMatchObject({ complete: 1, blocked: 0, asleep: 0, transitions: n * k });
      expect(counts(program, NAIVE)).toMatchObject({ complete: interleavings(n, k), blocked: 0, cut: 0 });
      expect(counts(program, STATES).states).toBe((k + 1) ** n);
    });

    it(`${n} × ${k} dependent: ${interleavings(n, k)} executions, none in vain`, () => {
      const program = dependentThreads(n, k);
      expect(counts(program, REDUCED)).toMatchObject({ complete: interleavings(n, k), asleep: 0 });
      expect(counts(program, NAIVE).complete).toBe(interleavings(n, k));
      expect(counts(program, REMEMBERING)).toMatchObject({ complete: 1, asleep: 0, states: (k + 1) ** n });
    });
  }
});

describe('one reader of n written variables', () => {
  for (const n of [1, 2, 3, 5, 8]) {
    it(`n = ${n}: ${2 ** n} traces, none in vain`, () => {
      expect(counts(readerOfAll(n), REDUCED)).toMatchObject({ complete: 2 ** n, asleep: 0 });
    });
  }
});

describe('n threads that take one lock k times', () => {
  for (const [n, k] of [
    [2, 1],
    [2, 3],
    [3, 1],
    [3, 2],
    [4, 1],
  ] as const) {
    it(`${n} × ${k}: as many traces as orders of the critical sections, ${interleavings(n, k)}`, () => {
      expect(counts(counterUnderLock(n, k), REDUCED)).toMatchObject({
        complete: interleavings(n, k),
        blocked: 0,
        asleep: 0,
      });
    });
  }
});

describe('dining philosophers', () => {
  // Each fork goes first to one of its two neighbours: 2ⁿ ways, two of which are circles and end in no full meal.
  for (const n of [3, 4, 5]) {
    it(`${n}, each taking the fork on the left first: ${2 ** n - 2} traces and one deadlock`, () => {
      const result = explore(toyModel(philosophers(n, false)), REDUCED, { keepGoing: true });
      expect(result.verdict).toBe('violation');
      expect(result.counts).toMatchObject({ complete: 2 ** n - 2, blocked: 1 });
      expect(result.findings.map(({ violation }) => violation.id)).toEqual(['deadlock']);
      expect(result.findings[0]?.schedule).toHaveLength(n);
    });

    it(`${n} with ordered forks: ${2 ** n - 2} traces and no deadlock`, () => {
      const result = explore(toyModel(philosophers(n, true)), REDUCED);
      expect(result.verdict).toBe('exhausted');
      expect(result.counts).toMatchObject({ complete: 2 ** n - 2, blocked: 0 });
    });
  }

  it('nothing is explored in vain by 3 once acquire and release are known never to be possible together', () => {
    expect(counts(philosophers(3, false), REDUCED).asleep).toBe(5);
    expect(counts({ ...philosophers(3, false), lockDiscipline: true }, REDUCED)).toMatchObject({
      complete: 6,
      blocked: 1,
      asleep: 0,
    });
  });

  it('a deadlock that is allowed is counted and no violation', () => {
    const result = explore(toyModel(philosophers(3, false)), REDUCED, { deadlocksAllowed: true });
    expect(result).toMatchObject({ verdict: 'exhausted', counts: { complete: 6, blocked: 1 }, findings: [] });
  });
});
