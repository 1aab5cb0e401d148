import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.ts';
import { Random } from '../../src/base/random.ts';
import { explore, type Strategy } from '../../src/explore/explore.ts';
import { merge, SHARD_SCHEMA, type ShardResult } from '../../src/explore/shard-result.ts';
import { split } from '../../src/explore/split.ts';
import type { Model } from '../../src/explore/model.ts';
import { dependentThreads, peterson, philosophers } from './toys/classics.ts';
import { type Program, toyModel } from './toys/program.ts';
import { randomProgram } from './toys/random-program.ts';

function shards<Step>(model: Model<Step>, strategy: Strategy, count: number, parts: number, keepGoing: boolean) {
  return Array.from({ length: count }, (_, index): ShardResult => {
    const result = explore(model, strategy, { parts, shard: { index, count }, keepGoing });
    return { schema: SHARD_SCHEMA, search: 'this one', index, count, result };
  });
}

const strategies: readonly Strategy[] = [
  { kind: 'reduced', remember: false },
  { kind: 'reduced', remember: true },
  { kind: 'bounded', bound: { kind: 'preemptions', most: 2 }, remember: true },
  { kind: 'bounded', bound: { kind: 'none' }, remember: true },
  { kind: 'random', seed: 3, samples: 50 },
];

function programs(): Program[] {
  const random = new Random(11);
  const shape = { threads: 3, variables: 2, operations: 4, storeBuffers: false };
  return [
    dependentThreads(3, 2),
    philosophers(4, false),
    peterson({ storeBuffers: true, fences: false }),
    ...Array.from({ length: 12 }, (_, index) => randomProgram(random, { ...shape, storeBuffers: index % 3 === 0 })),
  ];
}

describe('merged shards', () => {
  for (const strategy of strategies) {
    const name = JSON.stringify(strategy);
    it(`${name}: equal the unsharded search, counts and all, whatever their number and order`, () => {
      for (const program of programs()) {
        const model = toyModel(program);
        const whole = explore(model, strategy, { parts: 12, keepGoing: true });
        for (const count of [1, 2, 3, 7, 40]) {
          expect(merge(shards(model, strategy, count, 12, true).reverse())).toEqual(whole);
        }
      }
    });
  }

  it('report the violation that the unsharded search stops at', () => {
    for (const program of programs()) {
      const model = toyModel(program);
      const whole = explore(model, { kind: 'reduced', remember: false }, { parts: 12 });
      const merged = merge(shards(model, { kind: 'reduced', remember: false }, 3, 12, false));
      expect(merged.verdict).toBe(whole.verdict);
      expect(merged.findings[0]?.schedule).toEqual(whole.findings[0]?.schedule);
    }
  });

  it('of a reduced search count each trace once: as many complete and blocked as without parts', () => {
    for (const program of programs()) {
      const model = toyModel(program);
      const alone = explore(model, { kind: 'reduced', remember: false }, { keepGoing: true });
      const merged = merge(shards(model, { kind: 'reduced', remember: false }, 3, 12, true));
      expect(merged.counts.complete).toBe(alone.counts.complete);
      expect(merged.counts.blocked).toBe(alone.counts.blocked);
      expect(merged.outcomes).toEqual(alone.outcomes);
    }
  });

  it('have a limit if one of them has', () => {
    const model = toyModel(dependentThreads(3, 2));
    const [first, ...rest] = shards(model, { kind: 'reduced', remember: false }, 3, 12, true);
    const result = explore(
      model,
      { kind: 'reduced', remember: false },
      { parts: 12, shard: { index: 0, count: 3 }, executions: 1 },
    );
    expect(merge([{ ...(first as ShardResult), result }, ...rest])).toMatchObject({
      verdict: 'limit',
      limit: 'executions',
    });
  });

  it('are refused when one is missing, twice there, or of another search', () => {
    const all = shards(toyModel(dependentThreads(2, 2)), { kind: 'reduced', remember: false }, 3, 4, true);
    const [first, second, third] = all as [ShardResult, ShardResult, ShardResult];
    expect(() => merge([])).toThrow(/nothing to merge/);
    expect(() => merge([first, third])).toThrow(/missing of 3: 1; run them again/);
    expect(() => merge([first, second, second, third])).toThrow(/shard 1 is there twice/);
    expect(() => merge([first, second, { ...third, search: 'that one' }])).toThrow(InputError);
    expect(() => merge([first, second, { ...third, count: 4 }])).toThrow(/one of 3 and one of 4/);
  });
});

describe('the parts of a search', () => {
  it('depend on the model and the wanted number only', () => {
    const model = toyModel(philosophers(4, false));
    expect(split(model, 1, { sleepSets: true })).toEqual([[]]);
    const parts = split(model, 20, { sleepSets: true });
    expect(parts.length).toBeGreaterThanOrEqual(20);
    expect(split(model, 20, { sleepSets: true })).toEqual(parts);
    expect(new Set(parts.map((part) => part.join())).size).toBe(parts.length);
  });

  it('end when there is nothing left to split', () => {
    expect(split(toyModel(dependentThreads(2, 2)), 1000, { sleepSets: true })).toHaveLength(6);
  });

  it('a shard that there is not is refused', () => {
    const model = toyModel(dependentThreads(2, 2));
    expect(() => explore(model, { kind: 'reduced', remember: false }, { shard: { index: 3, count: 3 } })).toThrow(
      /no shard 3 of 3; they count from 0/,
    );
  });
});
