/** The MMU's surface: rights above the last two levels, what observers see, control state, and the edges of memory. */
import { describe, expect, test } from 'vitest';
import type { PagingLevel } from '../../src/arch/address.ts';
import { addressInFrame, frameNumber, frameOf, linearAddress, pageNumber } from '../../src/arch/address.ts';
import { Cr0, Cr4, Efer } from '../../src/arch/control-registers.ts';
import type { Access, AccessKind } from '../../src/arch/page-fault.ts';
import { entryFrame, makeEntry, PagingEntry } from '../../src/arch/paging-entry.ts';
import { UnsupportedError } from '../../src/base/errors.ts';
import { accessCode, accessOf } from '../../src/mmu/access-rights.ts';
import type { AccessCode } from '../../src/mmu/access-rights.ts';
import { worstPolicy } from '../../src/mmu/policy/worst.ts';
import { expectAccess } from './access-oracle.ts';
import type { OracleEntry } from './access-oracle.ts';
import {
  A,
  FETCH,
  G,
  KERNEL_WRITE,
  LONG_MODE,
  P,
  PagingFixture,
  PS,
  READ,
  RW,
  US,
  USER_RW,
  WRITE,
  XD,
} from './paging-fixture.ts';

const HERE = 0x1000n;

describe('rights of every level count (4.6.1), and reserved bits of every level (4.5.4)', () => {
  const kinds: readonly AccessKind[] = ['read', 'write', 'fetch'];
  const accesses: readonly Access[] = kinds.flatMap((kind) => [true, false].map((user) => ({ kind, user })));
  /** Takes one bit away, or adds one that is reserved, ignored or forbidding. */
  const changes: readonly [string, (entry: bigint) => bigint][] = [
    ['nothing', (entry) => entry],
    ['P', (entry) => entry & ~P],
    ['R/W', (entry) => entry & ~RW],
    ['U/S', (entry) => entry & ~US],
    ['XD', (entry) => entry | XD],
    ['bit 7', (entry) => entry | PS],
    ['bit 8', (entry) => entry | G],
    ['bit 13', (entry) => entry | (1n << 13n)],
    ['bit 45', (entry) => entry | (1n << 45n)],
    ['bit 46', (entry) => entry | (1n << 46n)],
    ['bits 58:52', (entry) => entry | (0x7fn << 52n)],
  ];

  test.each([
    { levels: 4, cases: 12_480, allowed: 4526 },
    { levels: 5, cases: 18_132, allowed: 6246 },
  ] as const)('$levels levels: each change at each level, alone and in pairs of levels', ({ levels, ...counts }) => {
    let cases = 0;
    let allowed = 0;
    for (const page1GB of [true, false]) {
      const cr4 = levels === 5 ? Cr4.LA57 : 0n;
      const fixture = new PagingFixture({ cr4, observed: false, part: { page1GB } });
      const { mmu, memory } = fixture;
      fixture.map(HERE, 64);
      const places = entryPlaces(fixture, levels);
      const built = places.map(({ address }) => memory.read64(address));
      for (const [one, other] of pairsUpTo(levels)) {
        for (const [name, change] of changes) {
          for (const [otherName, otherChange] of changes) {
            const entries: OracleEntry[] = places.map(({ level }, index) => {
              const entry = built[index] as bigint;
              const changed = level === one ? change(entry) : entry;
              return { level, entry: level === other ? otherChange(changed) : changed };
            });
            if (leadsElsewhere(entries, places)) continue;
            for (const access of accesses) {
              for (const [index, { entry }] of entries.entries()) {
                memory.write64((places[index] as (typeof places)[number]).address, entry);
              }
              mmu.writeCr3(mmu.control.cr3);
              const { errorCode } = expectAccess(entries, access, mmu.control, mmu.part);
              const outcome = fixture.outcome(HERE, access);
              const expected = errorCode === null ? 'number' : `PF ${errorCode}`;
              if ((errorCode === null ? typeof outcome : outcome) !== expected) {
                expect(outcome, `${name} at ${one}, ${otherName} at ${other}, ${JSON.stringify(access)}`).toBe(
                  expected,
                );
              }
              cases += 1;
              if (errorCode === null) allowed += 1;
            }
          }
        }
      }
    }
    expect({ cases, allowed }).toEqual(counts);
  });

  function pairsUpTo(levels: 4 | 5): [PagingLevel, PagingLevel][] {
    const all = ([1, 2, 3, 4, 5] as const).filter((level) => level <= levels);
    return all.flatMap((one) =>
      all.filter((other) => other <= one).map((other): [PagingLevel, PagingLevel] => [one, other]),
    );
  }

  function entryPlaces(fixture: PagingFixture, levels: 4 | 5) {
    return Array.from({ length: levels }, (_, index) => {
      const level = (levels - index) as PagingLevel;
      return { level, address: fixture.entryAddress(HERE, level) };
    });
  }

  /** Whether a bit that is added makes an entry, which a walk passes, refer to a frame where nothing was built. */
  function leadsElsewhere(entries: readonly OracleEntry[], places: ReturnType<typeof entryPlaces>): boolean {
    for (const [index, { entry }] of entries.entries()) {
      const next = places[index + 1];
      const stopsHere = (entry & P) === 0n || (entry & (PS | (1n << 46n))) !== 0n;
      if (next === undefined || stopsHere) return false;
      if (entryFrame(entry) !== frameOf(next.address)) return true;
    }
    return false;
  }
});

describe('what a translation remembers', () => {
  test.each([
    [0n, 0],
    [PagingEntry.PWT, 1],
    [PagingEntry.PCD, 2],
    [PagingEntry.PAT_4K, 4],
    [PagingEntry.PWT | PagingEntry.PCD | PagingEntry.PAT_4K, 7],
  ])('4.9.2: PAT, PCD and PWT 0x%x of a PTE are index %i', (bits, index) => {
    const fixture = new PagingFixture();
    fixture.map(HERE, 64, { flags: USER_RW | bits });
    fixture.outcome(HERE);
    expect(fixture.tlb()[0]?.memoryTypeIndex).toBe(index);
  });

  test('4.9.2: the PAT bit of a large page is bit 12, and no part of its frame', () => {
    const fixture = new PagingFixture();
    fixture.map(0x20_0000n, 512, { level: 2, flags: USER_RW | PagingEntry.PAT_LARGE });
    expect(fixture.outcome(0x20_1000n)).toBe(513);
    expect(fixture.tlb()[0]).toMatchObject({ memoryTypeIndex: 4, frame: 512, pages: 512 });
  });

  test('its sources, from the top down, with A and D as the walk left them', () => {
    const fixture = new PagingFixture();
    fixture.map(HERE, 64);
    fixture.outcome(HERE, WRITE);
    const levels = [4, 3, 2, 1] as const;
    expect(fixture.tlb()[0]?.sources).toEqual(
      levels.map((level) => ({ level, address: fixture.entryAddress(HERE, level), entry: fixture.entry(HERE, level) })),
    );
  });
});

describe('watching', () => {
  test('every use of a watched translation is announced, from the moment it is watched until it is not', () => {
    const fixture = new PagingFixture();
    fixture.map(HERE, 64);
    const code = accessCode(READ);
    const access = (): number => fixture.mmu.access(pageNumber(1), code, 0x10);
    for (let time = 0; time < 5; time++) access();
    expect(fixture.take('use')).toEqual([]);
    const [entry] = fixture.tlb();
    if (entry === undefined) throw new Error('nothing cached');
    entry.watched = true;
    access();
    access();
    expect(fixture.take('use')).toHaveLength(2);
    expect(fixture.take('use')[0]).toMatchObject({ cached: entry, address: 0x1010n, access: accessOf(code) });
    entry.watched = false;
    for (let time = 0; time < 5; time++) access();
    expect(fixture.take('use')).toHaveLength(2);
  });

  test('a translation that is watched as soon as it is made: the access that made it is its first use', () => {
    const fixture = new PagingFixture();
    fixture.stream.observe((event) => {
      if (event.kind === 'fill') event.cached.watched = true;
    });
    fixture.map(HERE, 64);
    fixture.outcome(HERE);
    expect(fixture.take('use')).toHaveLength(1);
    fixture.mmu.invlpg(linearAddress(HERE));
    fixture.mmu.speculate(linearAddress(HERE));
    expect(fixture.take('use')).toHaveLength(1);
  });

  test('a large page leaves the filter whole', () => {
    const fixture = new PagingFixture();
    fixture.map(0x4000_0000n, 262_144, { level: 3 });
    const pages = [0x4_0000, 0x4_0001, 0x4_0400, 0x7_ffff].map(pageNumber);
    for (let time = 0; time < 3; time++) for (const page of pages) fixture.mmu.access(page, accessCode(READ));
    const [entry] = fixture.tlb();
    if (entry === undefined) throw new Error('nothing cached');
    entry.watched = true;
    for (const page of pages) fixture.mmu.access(page, accessCode(READ));
    expect(fixture.take('use')).toHaveLength(pages.length);
  });
});

describe('walks step by step', () => {
  test('a lookup, then a walk, one entry a step: the same end as translate', () => {
    const fixture = new PagingFixture();
    fixture.map(HERE, 64);
    const address = linearAddress(HERE);
    expect(fixture.mmu.lookup(address, READ)).toEqual({ kind: 'walk' });
    const walk = fixture.mmu.beginWalk(address, READ);
    const progress = Array.from({ length: 4 }, () => fixture.mmu.stepWalk(walk));
    expect(progress).toEqual(['more', 'more', 'more', 'translated']);
    expect(fixture.take('walk-read').map(({ level }) => level)).toEqual([4, 3, 2, 1]);
    expect(fixture.mmu.lookup(address, READ)).toMatchObject({ kind: 'translated', physical: 64 * 4096 });
    expect(fixture.mmu.lookup(address, WRITE)).toEqual({ kind: 'walk' });
  });

  test('a walk that faults ends with the exception, and has invalidated', () => {
    const fixture = new PagingFixture();
    fixture.entryAddress(HERE);
    const walk = fixture.mmu.beginWalk(linearAddress(HERE + 5n), WRITE);
    while (fixture.mmu.stepWalk(walk) === 'more') {}
    expect(walk.exception).toEqual({ vector: 14, errorCode: 6, address: HERE + 5n });
    expect(fixture.holds()).toEqual([]);
  });

  test('an abandoned walk stays where it is', () => {
    const fixture = new PagingFixture();
    fixture.map(HERE, 64);
    const walk = fixture.mmu.beginWalk(linearAddress(HERE), READ);
    fixture.mmu.abandonWalk(walk);
    fixture.mmu.abandonWalk(walk);
    expect(fixture.mmu.stepWalk(walk)).toBe('abandoned');
    expect(fixture.take('walk-end')).toHaveLength(1);
    expect(fixture.take('walk-read')).toEqual([]);
  });

  test('a speculative walk for a write sets no D (4.8)', () => {
    const fixture = new PagingFixture();
    fixture.map(HERE, 64);
    const walk = fixture.mmu.beginWalk(linearAddress(HERE), WRITE, { speculative: true });
    while (fixture.mmu.stepWalk(walk) === 'more') {}
    expect(fixture.entry(HERE)).toBe(makeEntry(frameNumber(64), USER_RW | A));
    expect(fixture.tlb()[0]?.dirty).toBe(false);
  });

  test('walks of two addresses interleave', () => {
    const fixture = new PagingFixture();
    fixture.map(HERE, 64);
    fixture.map(0x2000n, 65);
    const walks = [HERE, 0x2000n].map((address) =>
      fixture.mmu.beginWalk(linearAddress(address), READ, { speculative: true }),
    );
    for (let step = 0; step < 4; step++) for (const walk of walks) fixture.mmu.stepWalk(walk);
    expect(walks.map(({ entry }) => entry?.frame)).toEqual([64, 65]);
  });
});

describe('control state', () => {
  test('paging off: linear is physical, and nothing is cached', () => {
    const fixture = new PagingFixture();
    fixture.mmu.reset();
    expect(fixture.outcome(0x5000n)).toBe(5);
    expect(fixture.mmu.access(pageNumber(7), accessCode(WRITE))).toBe(7);
    expect(fixture.mmu.speculate(linearAddress(HERE))).toBe(false);
    expect(fixture.holds()).toEqual([]);
  });

  test('32-bit paging is beyond the model, and says so', () => {
    const { mmu } = new PagingFixture();
    mmu.reset();
    expect(() => mmu.writeCr0(Cr0.PE | Cr0.PG)).toThrow(UnsupportedError);
  });

  test('LMA follows PG and LME, and cannot be written', () => {
    const { mmu } = new PagingFixture();
    expect(mmu.control.efer & Efer.LMA).toBe(Efer.LMA);
    mmu.writeEfer(LONG_MODE.efer & ~Efer.LMA);
    expect(mmu.control.efer & Efer.LMA).toBe(Efer.LMA);
    mmu.writeCr0(Cr0.PE);
    expect(mmu.control.efer & Efer.LMA).toBe(0n);
  });

  test('INIT keeps CD and NW, PKRU and PKRS; RESET does not (9.1)', () => {
    const { mmu } = new PagingFixture();
    mmu.wrpkru(0x55);
    mmu.wrpkrs(0xaa);
    mmu.reset('INIT');
    expect(mmu.control).toMatchObject({ cr0: 0x10n, cr3: 0n, cr4: 0n, efer: 0n, pkru: 0x55, pkrs: 0xaa });
    mmu.reset('RESET');
    expect(mmu.control).toMatchObject({ cr0: 0x6000_0010n, pkru: 0, pkrs: 0 });
  });

  test('what changes rights takes effect at once, on what the filter holds too', () => {
    const fixture = new PagingFixture({ cr4: Cr4.SMAP | Cr4.PKE });
    fixture.map(HERE, 64, { flags: P | US | (1n << 59n) });
    const allowed = (access: Access): boolean => {
      for (let time = 0; time < 3; time++) fixture.mmu.access(pageNumber(1), accessCode(access));
      return fixture.mmu.access(pageNumber(1), accessCode(access)) >= 0;
    };
    const supervisor: Access = { kind: 'read', user: false };
    expect([allowed(READ), allowed(supervisor)]).toEqual([true, false]);
    fixture.mmu.setPrivilege(0, true);
    expect([allowed(READ), allowed(supervisor)]).toEqual([true, true]);
    fixture.mmu.wrpkru(0b0100);
    expect([allowed(READ), allowed(supervisor)]).toEqual([false, false]);
    fixture.mmu.wrpkru(0);
    expect([allowed(READ), allowed(supervisor), allowed(KERNEL_WRITE)]).toEqual([true, true, false]);
    fixture.mmu.writeCr0(fixture.mmu.control.cr0 & ~Cr0.WP);
    expect(allowed(KERNEL_WRITE)).toBe(true);
    fixture.mmu.writeCr0(fixture.mmu.control.cr0 | Cr0.WP);
    expect(allowed(KERNEL_WRITE)).toBe(false);
    fixture.mmu.setPrivilege(3, false);
    expect([allowed(READ), allowed(supervisor)]).toEqual([true, false]);
  });

  test('EFLAGS.AC cleared: a supervisor loses at once what the filter let it have', () => {
    const fixture = new PagingFixture({ cr4: Cr4.SMAP });
    fixture.map(HERE, 64);
    const code = accessCode({ kind: 'read', user: false });
    fixture.mmu.setPrivilege(0, true);
    for (let time = 0; time < 3; time++) expect(fixture.mmu.access(pageNumber(1), code)).toBe(64);
    fixture.mmu.setPrivilege(0, false);
    expect(fixture.mmu.access(pageNumber(1), code)).toBe(-1);
  });

  test('an access and its code are one to one', () => {
    for (let code = 0; code < 12; code++) expect(accessCode(accessOf(code as AccessCode))).toBe(code);
  });
});

describe('canonical addresses (SDM 1 3.3.7.1)', () => {
  test.each([
    [0n, 0x7fff_ffff_f000n, true],
    [0n, 0x8000_0000_0000n, false],
    [0n, 0xffff_7fff_ffff_f000n, false],
    [0n, 0xffff_8000_0000_0000n, true],
    [Cr4.LA57, 0x8000_0000_0000n, true],
    [Cr4.LA57, 0x00ff_ffff_ffff_f000n, true],
    [Cr4.LA57, 0x0100_0000_0000_0000n, false],
    [Cr4.LA57, 0xff00_0000_0000_0000n, true],
  ])('CR4.LA57 0x%x: 0x%x', (la57, address, canonical) => {
    const fixture = new PagingFixture({ cr4: la57 });
    expect(fixture.outcome(address)).toBe(canonical ? 'PF 4' : 'GP');
    expect(fixture.mmu.speculate(linearAddress(address))).toBe(false);
    expect(fixture.take('walk-begin')).toHaveLength(canonical ? 2 : 0);
  });
});

describe('the end of memory', () => {
  const beyond = makeEntry(frameNumber(1 << 20), USER_RW);

  test('an access whose tables lie beyond it is unsupported', () => {
    const fixture = new PagingFixture();
    fixture.memory.write64(fixture.entryAddress(HERE, 2), beyond);
    expect(() => fixture.outcome(HERE)).toThrow(UnsupportedError);
  });

  test('speculation that follows such an entry gives up', () => {
    const fixture = new PagingFixture();
    fixture.memory.write64(fixture.entryAddress(HERE, 2), beyond);
    expect(fixture.mmu.speculate(linearAddress(HERE))).toBe(false);
    expect(fixture.take('walk-end').map(({ outcome }) => outcome)).toEqual(['abandoned']);
  });

  test('a translation to beyond it is one: it is the access that nobody answers', () => {
    const fixture = new PagingFixture();
    fixture.map(HERE, 1 << 20);
    expect(fixture.outcome(HERE)).toBe(1 << 20);
    expect(() => fixture.memory.read64(addressInFrame(frameNumber(1 << 20), 0))).toThrow(UnsupportedError);
  });
});

describe('eviction', () => {
  test('an address, and single entries', () => {
    const fixture = new PagingFixture();
    fixture.map(HERE, 64);
    fixture.map(0x2000n, 65);
    fixture.outcome(HERE);
    fixture.outcome(0x2000n);
    expect(fixture.mmu.evict(linearAddress(HERE))).toBe(4);
    expect(fixture.holds()).toEqual(['4K 0x2000']);
    const [entry] = fixture.mmu.cached();
    if (entry === undefined) throw new Error('nothing cached');
    expect([fixture.mmu.evictEntry(entry), fixture.mmu.evictEntry(entry)]).toEqual([true, false]);
    expect(fixture.take('removal').every(({ cause }) => cause === 'eviction')).toBe(true);
    expect(fixture.take('invalidation')).toEqual([]);
  });
});

describe('counters', () => {
  test('hits, misses, walks, reads and shortcuts of a known sequence', () => {
    const fixture = new PagingFixture();
    fixture.map(HERE, 64);
    fixture.map(0x2000n, 65);
    for (let time = 0; time < 10; time++) fixture.mmu.access(pageNumber(1), accessCode(READ));
    fixture.mmu.access(pageNumber(2), accessCode(FETCH));
    fixture.mmu.access(pageNumber(3), accessCode(READ));
    expect(fixture.mmu.counters).toEqual({
      hits: 9,
      misses: 3,
      walks: 3,
      speculativeWalks: 0,
      dirtyWalks: 0,
      entryReads: 6,
      fills: 2,
      sizeOverlaps: 0,
      evictions: 0,
      structureHits: { pml5e: 0, pml4e: 0, pdpte: 0, pde: 2 },
      faults: 1,
      spuriousFaults: 0,
    });
  });
});

test('a run that nobody observes is the same run', () => {
  const outcomes = [true, false].map((observed) => {
    const fixture = new PagingFixture({ observed, policy: () => worstPolicy() });
    fixture.map(HERE, 64);
    const seen = [fixture.outcome(HERE), fixture.outcome(HERE, WRITE), fixture.outcome(0x9000n)];
    return { seen, held: fixture.holds(), counters: fixture.mmu.counters, entry: fixture.entry(HERE) & A };
  });
  expect(outcomes[0]).toEqual(outcomes[1]);
});
