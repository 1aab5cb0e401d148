/** Reduced and naive search on thousands of random small programs: same outcomes, same findings, no trace twice. */
import { expect, it } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { explore, type Strategy } from '../../src/explore/explore.ts';
import type { Result } from '../../src/explore/verdict.ts';
import { observedModel, type Program, toyModel } from './toys/program.ts';
import { randomProgram } from './toys/random-program.ts';
import { countTraces } from './toys/traces.ts';

const NAIVE = { kind: 'bounded', bound: { kind: 'none' }, remember: true } as const;

function programs(from: number, count: number, size: 'small' | 'tiny'): { seed: number; program: Program }[] {
  return Array.from({ length: count }, (_, index) => {
    const seed = from + index;
    const random = new Random(seed);
    const storeBuffers = random.chance(0.4);
    const threads = 2 + random.below(storeBuffers || size === 'tiny' ? 2 : 3);
    const operations = size === 'tiny' ? 3 : ([5, storeBuffers ? 3 : 4, 3][threads - 2] ?? 3);
    return {
      seed,
      program: randomProgram(random, { threads, variables: 1 + random.below(3), operations, storeBuffers }),
    };
  });
}

function shown({ verdict, outcomes, findings }: Result): unknown {
  return {
    verdict,
    outcomes: outcomes.map(([outcome]) => outcome),
    findings: findings.map(({ violation }) => violation.id).sort(),
  };
}

/** Each on programs of its own. */
const strategies: readonly { name: string; strategy: Strategy; from: number; parts?: number; observed?: boolean }[] = [
  { name: 'reduced', strategy: { kind: 'reduced', remember: false }, from: 0 },
  { name: 'reduced with memory', strategy: { kind: 'reduced', remember: true }, from: 10_000 },
  { name: 'reduced with memory, in parts', strategy: { kind: 'reduced', remember: true }, from: 20_000, parts: 8 },
  { name: 'reduced by what it observes', strategy: { kind: 'reduced', remember: false }, from: 60_000, observed: true },
  {
    name: 'reduced by what it observes, with memory, in parts',
    strategy: { kind: 'reduced', remember: true },
    from: 70_000,
    parts: 4,
    observed: true,
  },
];

for (const { name, strategy, from, parts = 1, observed = false } of strategies) {
  it(`${name} agrees with naive on 1500 programs`, () => {
    let [violations, deadlocks, outcomes] = [0, 0, 0];
    for (const { seed, program } of programs(from, 1500, 'small')) {
      const model = toyModel(program);
      const naive = explore(model, NAIVE, { keepGoing: true });
      const searched = observed ? observedModel(program) : model;
      const reduced = explore(searched, strategy, { keepGoing: true, parts });
      expect(shown(reduced), `seed ${seed}: ${JSON.stringify(program)}`).toEqual(shown(naive));
      violations += naive.findings.some(({ violation }) => violation.id === 'too much') ? 1 : 0;
      deadlocks += naive.findings.some(({ violation }) => violation.id === 'deadlock') ? 1 : 0;
      outcomes = Math.max(outcomes, naive.outcomes.length);
    }
    // The programs are worth agreeing on.
    expect(deadlocks).toBeGreaterThan(500);
    expect(violations).toBeGreaterThan(5);
    expect(outcomes).toBeGreaterThan(20);
  });
}

it('executes each Mazurkiewicz trace exactly once: 600 programs', () => {
  let [traces, asleep, compared] = [0, 0, 0];
  for (const { seed, program } of programs(50_000, 600, 'tiny')) {
    const model = toyModel(program);
    const expected = countTraces(model, 2000);
    if (expected === null) continue;
    const { counts } = explore(model, { kind: 'reduced', remember: false }, { keepGoing: true });
    expect(counts.complete + counts.blocked, `seed ${seed}: ${JSON.stringify(program)}`).toBe(expected);
    traces += expected;
    asleep += counts.asleep;
    compared++;
  }
  expect(compared).toBeGreaterThan(500);
  // Source sets are not optimal: the executions begun in vain, beside the traces.
  expect(asleep / traces).toBeLessThan(0.2);
});

// Seeds of an earlier fault: a step blocked by its store buffer, while another thread takes its lock for good.
it.each([2024, 2106, 2224])('random program %i keeps its outcomes', (seed) => {
  for (const { program } of programs(seed, 1, 'small')) {
    const model = toyModel(program);
    const naive = explore(model, NAIVE, { keepGoing: true });
    expect(naive.outcomes.length).toBeGreaterThan(0);
    expect(shown(explore(model, { kind: 'reduced', remember: false }, { keepGoing: true }))).toEqual(shown(naive));
  }
});
