/** Sets, tables, hashes and clocks, each against the plainest thing that does the same. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { Alphabet } from '../../src/explore/alphabet.ts';
import { GrowingSet, intersect, setHas } from '../../src/explore/bit-set.ts';
import { BitReader, BitWriter } from '../../src/explore/bit-stream.ts';
import { HappensBefore } from '../../src/explore/happens-before.ts';
import { Hash } from '../../src/explore/hash.ts';
import { SetPool } from '../../src/explore/set-pool.ts';
import { StateTable } from '../../src/explore/state-table.ts';
import { toyModel } from './toys/program.ts';
import { randomProgram } from './toys/random-program.ts';

const members = fc.array(fc.integer({ min: 0, max: 300 }));
const setOf = (numbers: readonly number[]): GrowingSet => {
  const set = new GrowingSet();
  for (const number of numbers) set.add(number);
  return set;
};

describe('sets of small numbers', () => {
  it('behave like Set', () => {
    fc.assert(
      fc.property(members, members, (a, b) => {
        const both = setOf(a);
        both.addAll(setOf(b).words);
        const common: number[] = [];
        intersect(setOf(a).words, setOf(b).words, common);
        const [plainA, plainB] = [new Set(a), new Set(b)];
        for (let number = 0; number <= 320; number++) {
          expect(both.has(number)).toBe(plainA.has(number) || plainB.has(number));
        }
        expect(common).toEqual([...plainA].filter((number) => plainB.has(number)).sort((x, y) => x - y));
      }),
      { seed: 4, numRuns: 200 },
    );
  });

  it('are kept once in a pool, whatever their spare words', () => {
    const pool = new SetPool();
    fc.assert(
      fc.property(members, (numbers) => {
        const number = pool.intern(setOf(numbers).words);
        expect(pool.intern(setOf([...numbers].reverse()).words)).toBe(number);
        for (let member = 0; member <= 320; member++) {
          expect(setHas(pool.get(number), member)).toBe(numbers.includes(member));
        }
      }),
      { seed: 4, numRuns: 200 },
    );
    expect(pool.intern(new Uint32Array(9))).toBe(0);
  });
});

it('a table of states behaves like Map while it grows', () => {
  const random = new Random(1);
  const table = new StateTable(4);
  const plain = new Map<string, number>();
  for (let round = 0; round < 20_000; round++) {
    const [low, high, value] = [random.below(100), random.below(60), random.below(1000)];
    expect(table.get(low, high)).toBe(plain.get(`${low},${high}`) ?? -1);
    table.set(low, high, value);
    plain.set(`${low},${high}`, value);
  }
  expect(table.size).toBe(plain.size);
});

describe('the running hash', () => {
  const of = (...words: number[]): string => {
    const hash = new Hash();
    for (const word of words) hash.word(word);
    const into = new Uint32Array(2);
    hash.finish(into);
    return into.join();
  };

  it('tells order, length and value apart: 90000 short sequences without a collision', () => {
    const seen = new Set<string>();
    for (let a = 0; a < 300; a++) for (let b = 0; b < 300; b++) seen.add(of(a, b));
    expect(seen.size).toBe(90_000);
    expect(of()).not.toBe(of(0));
    expect(of(0)).not.toBe(of(0, 0));
    expect(of(1, 2)).toBe(of(1, 2));
  });

  it('changes about half of its bits with any bit of its input', () => {
    let changed = 0;
    const bits = (text: string): bigint => {
      const [low = 0, high = 0] = text.split(',').map(Number);
      return (BigInt(high) << 32n) | BigInt(low);
    };
    for (let bit = 0; bit < 32; bit++) {
      const difference = bits(of(7, 1234, 5)) ^ bits(of(7, 1234 ^ (1 << bit), 5));
      changed += [...difference.toString(2)].filter((digit) => digit === '1').length;
    }
    expect(changed / 32).toBeGreaterThan(28);
    expect(changed / 32).toBeLessThan(36);
  });
});

it('numbers in gamma code come back in groups of any size', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 2 ** 31 - 1 })), fc.integer({ min: 1, max: 8 }), (numbers, size) => {
      const writer = new BitWriter();
      for (const number of numbers) writer.gamma(number);
      const reader = new BitReader(writer.groups(size), size);
      for (const number of numbers) expect(reader.gamma()).toBe(number);
      expect(reader.gamma()).toBeNull();
    }),
    { seed: 4, numRuns: 200 },
  );
});

it('happens-before is the transitive closure of thread order and dependence', () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = new Random(seed);
    const model = toyModel(
      randomProgram(random, { threads: 4, variables: 3, operations: 5, storeBuffers: seed % 2 === 0 }),
    );
    const alphabet = new Alphabet(model);
    const events = new HappensBefore(alphabet, model.threads);
    const clock = new Int32Array(model.threads);
    const system = model.create();
    const closure: boolean[][] = [];
    for (let steps = system.enabled(); steps.length > 0; steps = system.enabled()) {
      const step = random.pick(steps);
      const number = alphabet.number(step);
      const at = closure.length;
      closure.push(Array.from({ length: at }, (_, earlier) => alphabet.dependent(events.step(earlier), number)));
      for (let middle = at - 1; middle >= 0; middle--) {
        if (closure[at]?.[middle] !== true) continue;
        for (let first = 0; first < middle; first++)
          if (closure[middle]?.[first] === true) (closure[at] as boolean[])[first] = true;
      }
      events.stepClock(number, clock);
      events.push(number, clock);
      for (let earlier = 0; earlier < at; earlier++) expect(events.before(earlier, at)).toBe(closure[at]?.[earlier]);
      system.apply(step);
    }
    while (events.length > 0) events.pop();
    expect(events.last(0)).toBe(-1);
  }
});
