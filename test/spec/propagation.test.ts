/**
 * How changes of paging-structure entries reach accesses, and what may lag behind until software invalidates: SDM 3A
 * 4.10.2.3, 4.10.3, 4.10.4.2 to 4.10.4.4, and 4.8 for A and D. Every row that shows staleness has a twin that shows the
 * remedy.
 */
import { describe, expect, test } from 'vitest';
import { linearAddress, physicalAddress } from '../../src/arch/address.ts';
import { Cr4 } from '../../src/arch/control-registers.ts';
import { makeEntry } from '../../src/arch/paging-entry.ts';
import { emulatorPolicy } from '../../src/mmu/policy/emulator.ts';
import { worstPolicy } from '../../src/mmu/policy/worst.ts';
import {
  A,
  D,
  FETCH,
  KERNEL_READ,
  P,
  PagingFixture,
  PS,
  READ,
  RW,
  US,
  USER_RW,
  WRITE,
  XD,
} from '../mmu/paging-fixture.ts';

const HERE = 0x1000n;
/** Same page table as HERE. */
const NEXT = 0x2000n;

function mapped(flags = USER_RW, options: ConstructorParameters<typeof PagingFixture>[0] = {}): PagingFixture {
  const fixture = new PagingFixture(options);
  fixture.map(HERE, 100, { flags });
  return fixture;
}

/** Changes the PTE of HERE in memory, as a store of another processor would. */
function setEntry(fixture: PagingFixture, entry: bigint): void {
  fixture.memory.write64(fixture.entryAddress(HERE), entry);
}

describe('a change that nobody invalidated', () => {
  const rows: readonly {
    readonly cite: string;
    readonly given: string;
    readonly before: bigint;
    readonly after: bigint;
    readonly access: typeof READ;
    /** With the translation cached, and without. */
    readonly expect: readonly [cached: number | string, fresh: number | string];
  }[] = [
    {
      cite: '4.10.4.2',
      given: 'P from 1 to 0: the page stays reachable',
      before: makeEntry(100 as never, USER_RW),
      after: 0n,
      access: READ,
      expect: [100, 'PF 4'],
    },
    {
      cite: '4.10.4.2',
      given: 'another frame: the old one is used',
      before: makeEntry(100 as never, USER_RW),
      after: makeEntry(200 as never, USER_RW),
      access: READ,
      expect: [100, 200],
    },
    {
      cite: '4.10.4.2',
      given: 'U/S from 1 to 0: user accesses go on',
      before: makeEntry(100 as never, USER_RW),
      after: makeEntry(100 as never, P | RW),
      access: READ,
      expect: [100, 'PF 5'],
    },
    {
      cite: '4.10.4.2',
      given: 'XD from 0 to 1: fetches go on',
      before: makeEntry(100 as never, USER_RW),
      after: makeEntry(100 as never, USER_RW | XD),
      access: FETCH,
      expect: [100, 'PF 21'],
    },
    {
      cite: '4.10.4.3',
      given: 'XD from 1 to 0: one spurious fault',
      before: makeEntry(100 as never, USER_RW | XD),
      after: makeEntry(100 as never, USER_RW),
      access: FETCH,
      expect: ['PF 21', 100],
    },
    {
      cite: '4.10.4.3',
      given: 'U/S from 0 to 1: one spurious fault',
      before: makeEntry(100 as never, P | RW),
      after: makeEntry(100 as never, USER_RW),
      access: READ,
      expect: ['PF 5', 100],
    },
  ];

  test.each(rows)('$cite: $given', ({ before, after, access, expect: [cached, fresh] }) => {
    const fixture = mapped();
    setEntry(fixture, before);
    expect(fixture.outcome(HERE, KERNEL_READ)).toBe(100);
    setEntry(fixture, after);
    expect(fixture.outcome(HERE, access)).toBe(cached);
    fixture.mmu.invlpg(linearAddress(HERE));
    expect(fixture.outcome(HERE, access)).toBe(fresh);
  });

  test('4.10.4.3: R/W from 0 to 1: one spurious fault, which invalidates, and no second', () => {
    const fixture = mapped(P | US);
    expect(fixture.outcome(HERE)).toBe(100);
    setEntry(fixture, makeEntry(100 as never, USER_RW));
    expect(fixture.outcome(HERE, WRITE)).toBe('PF 7');
    expect(fixture.mmu.counters.spuriousFaults).toBe(1);
    expect(fixture.outcome(HERE, WRITE)).toBe(100);
    expect(fixture.mmu.counters).toMatchObject({ faults: 1, spuriousFaults: 1 });
  });

  test('4.10.4.3: a fault that memory calls for is not spurious, and recurs', () => {
    const fixture = mapped(P | US);
    fixture.outcome(HERE);
    expect([fixture.outcome(HERE, WRITE), fixture.outcome(HERE, WRITE)]).toEqual(['PF 7', 'PF 7']);
    expect(fixture.mmu.counters).toMatchObject({ faults: 2, spuriousFaults: 0 });
  });

  test('4.10.4.2: R/W from 1 to 0 on a page cached dirty: writes go on', () => {
    const fixture = mapped();
    fixture.outcome(HERE, WRITE);
    setEntry(fixture, makeEntry(100 as never, P | US | A | D));
    expect(fixture.outcome(HERE, WRITE)).toBe(100);
    fixture.mmu.invlpg(linearAddress(HERE));
    expect(fixture.outcome(HERE, WRITE)).toBe('PF 7');
  });

  test('4.10.4.3: P from 0 to 1 needs nothing: what is not present is never cached', () => {
    const fixture = mapped();
    setEntry(fixture, 0n);
    expect(fixture.outcome(HERE)).toBe('PF 4');
    setEntry(fixture, makeEntry(100 as never, USER_RW));
    expect(fixture.outcome(HERE)).toBe(100);
    expect(fixture.mmu.counters.spuriousFaults).toBe(0);
  });
});

describe('accessed and dirty (4.8)', () => {
  test('a read sets A on every level and D on none', () => {
    const fixture = mapped();
    fixture.outcome(HERE);
    for (const level of [4, 3, 2, 1] as const) expect(fixture.entry(HERE, level) & (A | D)).toBe(A);
  });

  test('a write sets D in the entry that maps the page only', () => {
    const fixture = mapped();
    fixture.outcome(HERE, WRITE);
    for (const level of [4, 3, 2] as const) expect(fixture.entry(HERE, level) & (A | D)).toBe(A);
    expect(fixture.entry(HERE) & (A | D)).toBe(A | D);
  });

  test('a write through an entry that was cached clean walks again to set D, and only the first does', () => {
    const fixture = mapped();
    fixture.outcome(HERE);
    fixture.outcome(HERE, WRITE);
    fixture.outcome(HERE, WRITE);
    expect(fixture.entry(HERE) & D).toBe(D);
    expect(fixture.mmu.counters).toMatchObject({ misses: 1, dirtyWalks: 1, walks: 2 });
    expect(fixture.tlb().map((entry) => entry.dirty)).toEqual([true]);
  });

  test('even where the page has been split since: the entry that was cached clean does not stand in the way', () => {
    const fixture = new PagingFixture();
    const large = 0x20_0000n;
    const place = fixture.map(large, 512, { level: 2 });
    fixture.outcome(large);
    fixture.memory.write64(place, 0n);
    fixture.map(large, 512);
    for (let time = 0; time < 3; time++) expect(fixture.outcome(large, WRITE)).toBe(512);
    expect(fixture.mmu.counters.dirtyWalks).toBe(1);
    expect(fixture.holds()).not.toContain('2M 0x200000');
  });

  test('that walk meets what memory says now: a page that went away meanwhile faults', () => {
    const fixture = mapped();
    fixture.outcome(HERE);
    setEntry(fixture, 0n);
    expect(fixture.outcome(HERE)).toBe(100);
    expect(fixture.outcome(HERE, WRITE)).toBe('PF 6');
  });

  test('a denied access leaves the last entry’s A alone, and sets it in those passed', () => {
    const fixture = mapped(P | RW);
    expect(fixture.outcome(HERE)).toBe('PF 5');
    expect(fixture.entry(HERE) & A).toBe(0n);
    for (const level of [4, 3, 2] as const) expect(fixture.entry(HERE, level) & A).toBe(A);
  });

  test('A cleared without invalidation is not set again while the translation is cached', () => {
    const fixture = mapped();
    fixture.outcome(HERE);
    setEntry(fixture, makeEntry(100 as never, USER_RW));
    fixture.outcome(HERE);
    expect(fixture.entry(HERE) & A).toBe(0n);
    fixture.mmu.invlpg(linearAddress(HERE));
    fixture.outcome(HERE);
    expect(fixture.entry(HERE) & A).toBe(A);
  });

  test('D cleared without invalidation is lost: later writes do not set it', () => {
    const fixture = mapped();
    fixture.outcome(HERE, WRITE);
    setEntry(fixture, makeEntry(100 as never, USER_RW | A));
    fixture.outcome(HERE, WRITE);
    expect(fixture.entry(HERE) & D).toBe(0n);
    fixture.mmu.invlpg(linearAddress(HERE));
    fixture.outcome(HERE, WRITE);
    expect(fixture.entry(HERE) & D).toBe(D);
  });

  test('speculation sets A, on a page that no rights would let be read; never D', () => {
    const fixture = mapped(P | XD);
    expect(fixture.mmu.speculate(linearAddress(HERE))).toBe(true);
    expect(fixture.entry(HERE) & (A | D)).toBe(A);
    expect(fixture.outcome(HERE, WRITE)).toBe('PF 7');
  });

  test('the update is the walk’s own write, announced as such', () => {
    const fixture = mapped();
    fixture.outcome(HERE);
    fixture.events.length = 0;
    fixture.outcome(HERE, WRITE);
    const before = makeEntry(100 as never, USER_RW | A);
    expect(fixture.take('paging-write')).toEqual([
      {
        kind: 'paging-write',
        processor: 0,
        address: fixture.entryAddress(HERE),
        before,
        after: before | D,
        by: 'walk',
        issued: 0,
      },
    ]);
  });
});

describe('paging-structure caches (4.10.3)', () => {
  /** HERE was used; then its PDE was pointed to another page table, in which NEXT has another frame. */
  function movedTable(options: ConstructorParameters<typeof PagingFixture>[0] = {}): PagingFixture {
    const fixture = mapped(USER_RW, options);
    fixture.map(NEXT, 101);
    fixture.outcome(HERE);
    const table = fixture.frame();
    fixture.memory.write64(physicalAddress(table * 4096 + 16), makeEntry(102 as never, USER_RW));
    fixture.memory.write64(fixture.entryAddress(HERE, 2), makeEntry(table, USER_RW));
    return fixture;
  }

  test('a page never touched before is translated through the old table', () => {
    const fixture = movedTable();
    expect(fixture.outcome(NEXT)).toBe(101);
    expect(fixture.mmu.counters.structureHits).toEqual({ pml5e: 0, pml4e: 0, pdpte: 0, pde: 1 });
  });

  test('what was built behind a shortcut says so: it carries the sources of the shortcut too', () => {
    const fixture = movedTable();
    fixture.outcome(NEXT);
    const entry = fixture.tlb().find(({ slotPage }) => slotPage === 2);
    expect(entry?.sources.map(({ level }) => level)).toEqual([4, 3, 2, 1]);
    expect(entry?.sources[2]?.entry).not.toBe(fixture.entry(NEXT, 2));
    expect(entry?.sources.map(({ address }) => address)[2]).toBe(fixture.entryAddress(NEXT, 2));
  });

  test('INVLPG of an address far away is enough to forget it', () => {
    const fixture = movedTable();
    fixture.mmu.invlpg(linearAddress(0x7f00_0000_0000n));
    expect(fixture.outcome(NEXT)).toBe(102);
    expect(fixture.outcome(HERE)).toBe(100);
  });

  test.each([
    ['without paging-structure caches', () => worstPolicy({ pagingStructureCaches: false })],
    ['on an emulator', emulatorPolicy],
  ])('%s the new table is used at once', (_name, policy) => {
    expect(movedTable({ policy }).outcome(NEXT)).toBe(102);
  });

  test('an entry is made though nothing below it is mapped', () => {
    const fixture = new PagingFixture();
    fixture.entryAddress(HERE);
    expect(fixture.mmu.speculate(linearAddress(HERE))).toBe(false);
    expect(fixture.holds()).toEqual(['pde 0x0', 'pdpte 0x0', 'pml4e 0x0']);
  });

  test('no entry is made from one that is not present, has a reserved bit set, or maps a page', () => {
    const fixture = new PagingFixture();
    const place = fixture.map(0x20_0000n, 512, { level: 2 });
    fixture.outcome(0x20_0000n);
    expect(fixture.holds()).toEqual(['2M 0x200000', 'pdpte 0x0', 'pml4e 0x0']);
    fixture.mmu.invlpg(linearAddress(0x20_0000n));
    for (const broken of [0n, makeEntry(512 as never, USER_RW | PS | (1n << 13n)), 1n | (1n << 50n)]) {
      fixture.memory.write64(place, broken);
      fixture.mmu.speculate(linearAddress(0x20_0000n));
      expect(fixture.holds()).toEqual(['pdpte 0x0', 'pml4e 0x0']);
    }
  });

  test('rights are combined: R/W cleared above stays in force below until it is forgotten', () => {
    const fixture = mapped();
    const upper = fixture.entryAddress(HERE, 3);
    const writable = fixture.memory.read64(upper);
    fixture.memory.write64(upper, writable & ~RW);
    fixture.outcome(HERE);
    fixture.memory.write64(upper, writable);
    expect(fixture.outcome(HERE, WRITE)).toBe('PF 7');
    expect(fixture.mmu.counters.spuriousFaults).toBe(1);
    expect(fixture.outcome(HERE, WRITE)).toBe(100);
  });

  test('5-level paging adds PML5E entries', () => {
    const fixture = new PagingFixture({ cr4: Cr4.LA57 });
    fixture.map(HERE, 100);
    expect(fixture.mmu.control.levels).toBe(5);
    fixture.outcome(HERE);
    expect(fixture.holds()).toEqual(['4K 0x1000', 'pde 0x0', 'pdpte 0x0', 'pml4e 0x0', 'pml5e 0x0']);
    fixture.outcome(0x80_0000_0000n);
    expect(fixture.mmu.counters.structureHits.pml5e).toBe(1);
  });
});

describe('global translations (4.10.2.4)', () => {
  test('one filled under another address space answers in this one', () => {
    const fixture = new PagingFixture({ cr4: Cr4.PGE });
    const other = fixture.frame();
    fixture.map(HERE, 100, { flags: USER_RW | (1n << 8n) });
    fixture.map(HERE, 200, { root: other });
    fixture.outcome(HERE);
    fixture.mmu.writeCr3(fixture.cr3(other));
    expect(fixture.outcome(HERE)).toBe(100);
    fixture.mmu.invlpg(linearAddress(HERE));
    expect(fixture.outcome(HERE)).toBe(200);
  });
});

describe('speculation of the worst processor', () => {
  /** Processor 1 has the root loaded and touched nothing; what processor 0 writes may be cached there already. */
  function twoProcessors(speculation: boolean): PagingFixture {
    const fixture = new PagingFixture({ processors: 2 });
    fixture.map(HERE, 100);
    // What was built after CR3 was loaded is discovered through the entries written under the loaded root.
    if (speculation) {
      fixture.memory.beforePagingWrite((address) => {
        for (const mmu of fixture.mmus) mmu.speculateTowards(address);
      });
    }
    return fixture;
  }
  const OTHER = 1;

  test('a leaf entry about to change is cached by who never touched it', () => {
    const fixture = twoProcessors(true);
    fixture.memory.store(0, fixture.entryAddress(HERE), 0n, 0);
    expect(fixture.outcome(HERE, READ, fixture.mmus[OTHER])).toBe(100);
  });

  test('without speculation it is not', () => {
    const fixture = twoProcessors(false);
    fixture.memory.store(0, fixture.entryAddress(HERE), 0n, 0);
    expect(fixture.outcome(HERE, READ, fixture.mmus[OTHER])).toBe('PF 4');
  });

  test('a page-directory entry about to change: any page below is reached through the old table', () => {
    const fixture = twoProcessors(true);
    fixture.map(NEXT, 101);
    fixture.memory.store(0, fixture.entryAddress(HERE, 2), 0n, 0);
    expect(fixture.outcome(NEXT, READ, fixture.mmus[OTHER])).toBe(101);
    expect(fixture.holds(fixture.mmus[OTHER])).toContain('pde 0x0');
  });

  test('upper entries likewise, and 2-MByte pages', () => {
    for (const level of [3, 4] as const) {
      const fixture = twoProcessors(true);
      fixture.map(0x20_0000n, 512, { level: 2 });
      fixture.memory.store(0, fixture.entryAddress(HERE, level), 0n, 0);
      expect(fixture.outcome(0x20_1000n, READ, fixture.mmus[OTHER])).toBe(513);
    }
  });

  test('an address space that is not loaded is not reached', () => {
    const fixture = twoProcessors(true);
    const other = fixture.mmus[OTHER];
    const elsewhere = fixture.frame();
    other?.writeCr3(fixture.cr3(elsewhere));
    fixture.memory.store(0, fixture.entryAddress(HERE), 0n, 0);
    expect(fixture.holds(other)).toEqual([]);
    expect(fixture.holds()).toContain('4K 0x1000');
  });

  test('one table under two addresses: both are reached', () => {
    const fixture = twoProcessors(true);
    const alias = 0x4000_0000n;
    fixture.memory.store(0, fixture.entryAddress(alias, 2), fixture.entry(HERE, 2), 0);
    fixture.memory.store(0, fixture.entryAddress(HERE), 0n, 0);
    expect(fixture.outcome(HERE, READ, fixture.mmus[OTHER])).toBe(100);
    expect(fixture.outcome(alias + HERE, READ, fixture.mmus[OTHER])).toBe(100);
  });

  test('addresses of the upper half are reached with their sign', () => {
    const fixture = twoProcessors(true);
    const kernel = 0xffff_8000_0000_0000n;
    fixture.map(kernel, 300);
    fixture.memory.store(0, fixture.entryAddress(kernel), 0n, 0);
    expect(fixture.holds(fixture.mmus[OTHER])).toContain('4K 0xffff800000000000');
  });

  test('a table that the hierarchy no longer refers to is not walked to', () => {
    const fixture = twoProcessors(true);
    const entry = fixture.entryAddress(HERE);
    fixture.outcome(HERE, READ);
    fixture.memory.store(0, fixture.entryAddress(HERE, 2), 0n, 0);
    for (const mmu of fixture.mmus) mmu.writeCr3(mmu.control.cr3);
    fixture.memory.store(0, entry, makeEntry(999 as never, USER_RW), 0);
    fixture.memory.store(0, entry, 0n, 0);
    expect(fixture.tlb(fixture.mmus[OTHER])).toEqual([]);
  });

  test('a frame that was a table stays marked when it is zeroed, and the words that change are announced', () => {
    const fixture = twoProcessors(false);
    fixture.outcome(HERE);
    const table = Math.floor(fixture.entryAddress(HERE) / 4096);
    fixture.events.length = 0;
    fixture.memory.zeroFrame(0, table as never);
    expect(fixture.take('paging-write').map(({ address, after }) => [address, after])).toEqual([
      [fixture.entryAddress(HERE), 0n],
    ]);
    expect(fixture.memory.isPagingStructure(table as never)).toBe(true);
  });
});
