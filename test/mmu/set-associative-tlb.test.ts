/** The TLB of a real part: its size, its order of replacement, its two levels, and the sizes that it fractures. */
import { describe, expect, test } from 'vitest';
import { pageNumber } from '../../src/arch/address.ts';
import { Random } from '../../src/base/random.ts';
import { accessCode } from '../../src/mmu/access-rights.ts';
import { GEOMETRIES, SKYLAKE_CLIENT, ZEN_2 } from '../../src/mmu/geometry.ts';
import type { TranslationCacheGeometry } from '../../src/mmu/geometry.ts';
import { profilePolicy } from '../../src/mmu/policy/profile.ts';
import { FETCH, PagingFixture, READ } from './paging-fixture.ts';

const SMALL: TranslationCacheGeometry = {
  name: 'small',
  arrays: [
    { name: 'L1D', level: 1, serves: ['data'], slotPages: [1], sets: 4, ways: 2 },
    { name: 'L1I', level: 1, serves: ['fetch'], slotPages: [1], sets: 1, ways: 2 },
    { name: 'L2', level: 2, serves: ['data', 'fetch'], slotPages: [1], sets: 4, ways: 4 },
  ],
  pagingStructureCaches: { pml5e: 0, pml4e: 0, pdpte: 0, pde: 0 },
  source: 'none',
};

/** LRU by the book: each set a list of pages, the most recently used last. */
class NaiveLru {
  readonly #sets: number[][];
  readonly #ways: number;

  constructor(sets: number, ways: number) {
    this.#sets = Array.from({ length: sets }, () => []);
    this.#ways = ways;
  }

  use(page: number): boolean {
    const set = this.#sets[page % this.#sets.length] as number[];
    const index = set.indexOf(page);
    if (index >= 0) set.splice(index, 1);
    set.push(page);
    if (set.length > this.#ways) set.shift();
    return index >= 0;
  }
}

function mapped(geometry: TranslationCacheGeometry, pages: number): PagingFixture {
  const fixture = new PagingFixture({ policy: () => profilePolicy(geometry), observed: false });
  for (let page = 0; page < pages; page++) fixture.map(BigInt(page) * 4096n, 1000 + page);
  return fixture;
}

describe('replacement', () => {
  test('hits and misses are those of LRU in both levels, through the filter and around it', () => {
    const pages = 24;
    const { mmu } = mapped(SMALL, pages);
    const first = new NaiveLru(4, 2);
    const second = new NaiveLru(4, 4);
    const random = new Random(5);
    const code = accessCode(READ);
    let misses = 0;
    for (let turn = 0; turn < 20_000; turn++) {
      // Neighbours in time are neighbours in space, mostly, so that all levels get hits.
      const page = (Math.floor(turn / 50) + random.below(9)) % pages;
      if (!first.use(page) && !second.use(page)) misses += 1;
      expect(mmu.access(pageNumber(page), code)).toBe(1000 + page);
    }
    expect(mmu.counters.misses).toBe(misses);
    expect(mmu.counters.hits + mmu.counters.misses).toBe(20_000);
    expect(misses).toBeGreaterThan(100);
    expect(mmu.counters.evictions).toBeGreaterThan(100);
  });

  test.each(GEOMETRIES)(
    '$name: as many 4-KByte pages as its data side has places never miss twice',
    ({ arrays, name }) => {
      const second = arrays.find(
        ({ level, slotPages, serves }) => level === 2 && slotPages.includes(1) && serves.includes('data'),
      );
      const reach = (second?.sets ?? 0) * (second?.ways ?? 0);
      expect(reach).toBe(name === 'zen-2' ? 2048 : 1536);
      for (const [pages, misses] of [
        [reach, reach],
        [2 * reach, 4 * reach],
      ] as const) {
        const fixture = new PagingFixture({
          policy: () => profilePolicy(name === 'zen-2' ? ZEN_2 : SKYLAKE_CLIENT),
          observed: false,
        });
        for (let page = 0; page < pages; page++) fixture.map(BigInt(page) * 4096n, page);
        for (let round = 0; round < 2; round++) {
          for (let page = 0; page < pages; page++) fixture.mmu.access(pageNumber(page), accessCode(READ));
        }
        expect(fixture.mmu.counters.misses).toBe(misses);
      }
    },
  );
});

describe('two levels', () => {
  test('an entry lives while any place holds it, and leaves once', () => {
    const fixture = new PagingFixture({ policy: () => profilePolicy(SMALL) });
    for (let page = 0; page < 64; page += 4) fixture.map(BigInt(page) * 4096n, 1000 + page);
    // All in one set: two places in the first level, four in the second.
    for (let page = 0; page < 20; page += 4) fixture.outcome(BigInt(page) * 4096n);
    const left = fixture.take('removal').map(({ cached, cause }) => [cached.page, cause]);
    expect(left).toEqual([[0, 'replacement']]);
    expect(fixture.tlb()).toHaveLength(4);
    expect(fixture.mmu.counters.evictions).toBe(1);
  });

  test('data and fetches share the second level only', () => {
    const fixture = new PagingFixture({ policy: () => profilePolicy(SMALL) });
    fixture.map(0n, 1000);
    fixture.outcome(0n, READ);
    fixture.outcome(0n, FETCH);
    expect(fixture.mmu.counters).toMatchObject({ misses: 1, hits: 1, fills: 1 });
  });

  test('an invalidation empties every place', () => {
    const fixture = new PagingFixture({ policy: () => profilePolicy(SMALL) });
    fixture.map(0n, 1000);
    for (const access of [READ, FETCH, READ]) fixture.outcome(0n, access);
    fixture.mmu.invlpg(0n as never);
    expect(fixture.tlb()).toEqual([]);
    fixture.outcome(0n, FETCH);
    expect(fixture.mmu.counters.misses).toBe(2);
  });
});

describe('sizes', () => {
  test('Zen 2 keeps a 1-GByte page whole in the first level and in pieces of 2 MBytes in the second', () => {
    const fixture = new PagingFixture({ policy: () => profilePolicy(ZEN_2) });
    fixture.map(0x4000_0000n, 262_144, { level: 3 });
    expect(fixture.outcome(0x4020_3000n)).toBe(262_144 + 0x203);
    expect(fixture.holds().filter((name) => /^\d/.test(name))).toEqual(['1G 0x40000000', '2M of 1G 0x40200000']);
    fixture.mmu.invlpg(0x7fff_f000n as never);
    expect(fixture.tlb()).toEqual([]);
  });

  test('Skylake keeps 1-GByte pages whole for data; its instruction side has slots of 2 MBytes', () => {
    const fixture = new PagingFixture({ policy: () => profilePolicy(SKYLAKE_CLIENT) });
    fixture.map(0x4000_0000n, 262_144, { level: 3 });
    fixture.outcome(0x4000_0000n, FETCH);
    expect(fixture.holds().filter((name) => /^\d/.test(name))).toEqual(['1G 0x40000000', '2M of 1G 0x40000000']);
  });

  test('paging-structure caches lose the entry used longest ago', () => {
    const fixture = new PagingFixture({ policy: () => profilePolicy(SKYLAKE_CLIENT), frames: 8192 });
    const regions = 26;
    for (let region = 0; region < regions; region++) fixture.map(BigInt(region) * 0x20_0000n, 1000 + region);
    for (let region = 0; region < regions; region++) {
      fixture.mmu.speculate((BigInt(region) * 0x20_0000n) as never);
      // Keeps the first one young.
      fixture.mmu.speculate(0x1000n as never);
    }
    const held = fixture.structures().filter(({ kind }) => kind === 'pde');
    expect(held).toHaveLength(24);
    const left = fixture.take('removal').filter(({ cached }) => cached.kind === 'pde');
    expect(left.map(({ cached, cause }) => [cached.page / 512, cause])).toEqual([
      [1, 'replacement'],
      [2, 'replacement'],
    ]);
  });
});

test('every geometry names its sources, and its arrays are powers of two of sets', () => {
  for (const { source, arrays } of GEOMETRIES) {
    expect(source).toMatch(/Manual|Guide/);
    for (const { sets } of arrays) expect(Number.isInteger(Math.log2(sets))).toBe(true);
  }
});
