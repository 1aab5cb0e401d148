/**
 * What each operation takes from the TLB and the paging-structure caches, and what it leaves: SDM 3A 4.10.4.1, row by
 * row. Each row caches the same things under two PCIDs, runs one operation, and is held to the exact remainder, so that
 * a promise that is not kept and one that was never made fail alike.
 */
import { describe, expect, test } from 'vitest';
import { linearAddress } from '../../src/arch/address.ts';
import { Cr0, Cr3, Cr4, Efer, InvpcidType } from '../../src/arch/control-registers.ts';
import type { Exception } from '../../src/arch/page-fault.ts';
import { SKYLAKE_CLIENT } from '../../src/mmu/geometry.ts';
import { emulatorPolicy } from '../../src/mmu/policy/emulator.ts';
import { profilePolicy } from '../../src/mmu/policy/profile.ts';
import { worstPolicy } from '../../src/mmu/policy/worst.ts';
import type { FixtureOptions } from '../mmu/paging-fixture.ts';
import { FETCH, G, LONG_MODE, PagingFixture, READ, US, USER_RW, WRITE } from '../mmu/paging-fixture.ts';

const CR4 = Cr4.PGE | Cr4.PCIDE;
const FOUR_K = 0x1000n;
const GLOBAL_4K = 0x2000n;
const TWO_M = 0x20_0000n;
/** In another 1-GByte region: other PDPTE-cache and PDE-cache entries. */
const FAR = 0x4000_0000n;

/** PCIDs 1 and 2, each with its own root and the same four pages; PCID 1 is loaded. */
function cachedInTwoContexts(options: FixtureOptions = {}): PagingFixture {
  const fixture = new PagingFixture({ cr4: CR4, ...options });
  const roots = [fixture.root, fixture.frame()];
  for (const root of roots) {
    fixture.map(FOUR_K, 100, { root });
    fixture.map(GLOBAL_4K, 101, { root, flags: USER_RW | G });
    fixture.map(TWO_M, 512, { root, level: 2 });
    fixture.map(FAR, 102, { root });
  }
  for (const [index, root] of [...roots.entries()].reverse()) {
    fixture.mmu.writeCr3(fixture.cr3(root, index + 1));
    for (const address of [FOUR_K, GLOBAL_4K, TWO_M, FAR]) expect(fixture.outcome(address)).toBeTypeOf('number');
  }
  return fixture;
}

const ONE = {
  fourK: '4K 0x1000 pcid 1',
  twoM: '2M 0x200000 pcid 1',
  far: '4K 0x40000000 pcid 1',
  nearStructures: ['pde 0x0 pcid 1', 'pdpte 0x0 pcid 1', 'pml4e 0x0 pcid 1'],
  farStructures: ['pde 0x40000000 pcid 1', 'pdpte 0x40000000 pcid 1'],
};
/** Filled under PCID 2, the first to be loaded. */
const GLOBAL = '4K 0x2000 G pcid 2';
const ALL_OF_TWO = [
  '2M 0x200000 pcid 2',
  '4K 0x1000 pcid 2',
  '4K 0x40000000 pcid 2',
  'pde 0x0 pcid 2',
  'pde 0x40000000 pcid 2',
  'pdpte 0x0 pcid 2',
  'pdpte 0x40000000 pcid 2',
  'pml4e 0x0 pcid 2',
];
const ALL_STRUCTURES_OF_ONE = [...ONE.nearStructures, ...ONE.farStructures];
const ALL_OF_ONE = [ONE.fourK, ONE.twoM, ONE.far, ...ALL_STRUCTURES_OF_ONE];

interface Row {
  readonly cite: string;
  readonly given: string;
  readonly operation: (fixture: PagingFixture) => Exception | null | undefined;
  readonly expect: readonly string[];
  readonly options?: FixtureOptions;
}

const invlpg =
  (address: bigint) =>
  ({ mmu }: PagingFixture): null => {
    mmu.invlpg(linearAddress(address));
    return null;
  };
const invpcid =
  (type: InvpcidType, pcid: number, address = 0n) =>
  ({ mmu }: PagingFixture): Exception | null =>
    mmu.invpcid(type, pcid, linearAddress(address));
const cr4 =
  (change: (value: bigint) => bigint) =>
  ({ mmu }: PagingFixture): Exception | null =>
    mmu.writeCr4(change(mmu.control.cr4));

const rows: readonly Row[] = [
  {
    cite: '4.10.2',
    given: 'nothing',
    operation: () => null,
    expect: [...ALL_OF_ONE, GLOBAL, ...ALL_OF_TWO],
  },
  {
    cite: '4.10.4.1 INVLPG',
    given: 'INVLPG of a 4-KByte page: the page, and all paging-structure caches of the current PCID, far ones too',
    operation: invlpg(FOUR_K),
    expect: [ONE.twoM, ONE.far, GLOBAL, ...ALL_OF_TWO],
  },
  {
    cite: '4.10.4.1 INVLPG',
    given: 'INVLPG of a global page: the entry goes, though another PCID filled it',
    operation: invlpg(GLOBAL_4K),
    expect: [ONE.fourK, ONE.twoM, ONE.far, ...ALL_OF_TWO],
  },
  {
    cite: '4.10.4.1 INVLPG',
    given: 'INVLPG of any address in a large page: the large page',
    operation: invlpg(TWO_M + 0x1f_f000n),
    expect: [ONE.fourK, ONE.far, GLOBAL, ...ALL_OF_TWO],
  },
  {
    cite: '4.10.4.1 INVLPG',
    given: 'INVLPG of an address that nothing translates: paging-structure caches only',
    operation: invlpg(0x7000_0000_0000n),
    expect: [ONE.fourK, ONE.twoM, ONE.far, GLOBAL, ...ALL_OF_TWO],
  },
  {
    cite: '2A INVLPG',
    given: 'INVLPG of a non-canonical address: nothing',
    operation: invlpg(0x8000_0000_0000n),
    expect: [...ALL_OF_ONE, GLOBAL, ...ALL_OF_TWO],
  },
  {
    cite: 'ADL063',
    given: 'INVLPG of a global page on a part that leaves globals while PCIDs are enabled',
    operation: invlpg(GLOBAL_4K),
    options: { part: { errata: { invlpgKeepsGlobals: true } } },
    expect: [ONE.fourK, ONE.twoM, ONE.far, GLOBAL, ...ALL_OF_TWO],
  },
  {
    cite: 'APM 2 5.5.3',
    given: 'INVLPG with EFER.TCE: of the paging-structure caches only what leads to the page',
    operation: (fixture) => {
      expect(fixture.mmu.writeEfer(LONG_MODE.efer | Efer.TCE)).toBeNull();
      return invlpg(FOUR_K)(fixture);
    },
    options: { part: { tce: true } },
    expect: [ONE.twoM, ONE.far, ...ONE.farStructures, GLOBAL, ...ALL_OF_TWO],
  },
  {
    cite: '4.10.4.1 INVPCID 0',
    given: 'individual address, current PCID: the page and what leads to it',
    operation: invpcid(InvpcidType.individualAddress, 1, FOUR_K),
    expect: [ONE.twoM, ONE.far, ...ONE.farStructures, GLOBAL, ...ALL_OF_TWO],
  },
  {
    cite: '4.10.4.1 INVPCID 0',
    given: 'individual address, global page: the global entry stays',
    operation: invpcid(InvpcidType.individualAddress, 2, GLOBAL_4K),
    expect: [...ALL_OF_ONE, GLOBAL, ...ALL_OF_TWO.filter((name) => !/(pde|pdpte|pml4e) 0x0 /.test(name))],
  },
  {
    cite: '4.10.4.1 INVPCID 1',
    given: 'single context, not the current one',
    operation: invpcid(InvpcidType.singleContext, 2),
    expect: [...ALL_OF_ONE, GLOBAL],
  },
  {
    cite: '4.10.4.1 INVPCID 2',
    given: 'all contexts, globals included',
    operation: invpcid(InvpcidType.allIncludingGlobals, 0),
    expect: [],
  },
  {
    cite: '4.10.4.1 INVPCID 3',
    given: 'all contexts, globals excepted',
    operation: invpcid(InvpcidType.allExceptGlobals, 0),
    expect: [GLOBAL],
  },
  {
    cite: '4.10.4.1 MOV to CR3',
    given: 'bit 63 clear, the current PCID again',
    operation: ({ mmu }) => mmu.writeCr3(mmu.control.cr3),
    expect: [GLOBAL, ...ALL_OF_TWO],
  },
  {
    cite: '4.10.4.1 MOV to CR3',
    given: 'bit 63 clear, to the other PCID: the one being loaded goes, the one being left stays',
    operation: (fixture) => fixture.mmu.writeCr3(fixture.cr3(fixture.root, 2)),
    expect: [...ALL_OF_ONE, GLOBAL],
  },
  {
    cite: '4.10.4.1 MOV to CR3',
    given: 'bit 63 set: nothing goes',
    operation: (fixture) => fixture.mmu.writeCr3(fixture.cr3(fixture.root, 2) | Cr3.NO_FLUSH),
    expect: [...ALL_OF_ONE, GLOBAL, ...ALL_OF_TWO],
  },
  {
    cite: '4.10.4.1 MOV to CR3',
    given: 'a processor that retains nothing (emulator): bit 63 is of no use, and there are no paging-structure caches',
    operation: (fixture) => fixture.mmu.writeCr3(fixture.cr3(fixture.root, 2) | Cr3.NO_FLUSH),
    options: { policy: emulatorPolicy },
    expect: [GLOBAL],
  },
  {
    cite: '4.10.4.1 MOV to CR4',
    given: 'PGE from 1 to 0',
    operation: cr4((value) => value & ~Cr4.PGE),
    expect: [],
  },
  {
    cite: '4.10.4.1 MOV to CR4',
    given: 'PCIDE from 1 to 0',
    operation: cr4((value) => value & ~Cr4.PCIDE),
    expect: [],
  },
  {
    cite: '4.10.4.1 MOV to CR4',
    given: 'SMEP from 0 to 1: the current PCID; the global entry is another PCID’s',
    operation: cr4((value) => value | Cr4.SMEP),
    expect: [GLOBAL, ...ALL_OF_TWO],
  },
  {
    cite: '4.10.4.1 MOV to CR4',
    given: 'SMEP from 1 to 0: nothing',
    operation: cr4((value) => value & ~Cr4.SMEP),
    options: { cr4: CR4 | Cr4.SMEP },
    expect: [...ALL_OF_ONE, GLOBAL, ...ALL_OF_TWO],
  },
  {
    cite: '4.10.4.1 MOV to CR4',
    given: 'SMAP, PKE and PKS: nothing',
    operation: cr4((value) => value | Cr4.SMAP | Cr4.PKE | Cr4.PKS),
    expect: [...ALL_OF_ONE, GLOBAL, ...ALL_OF_TWO],
  },
  {
    cite: '4.10.4.1 MOV to CR0',
    given: 'WP: nothing',
    operation: ({ mmu }) => mmu.writeCr0(mmu.control.cr0 & ~Cr0.WP),
    expect: [...ALL_OF_ONE, GLOBAL, ...ALL_OF_TWO],
  },
  {
    cite: '4.10.4.1 MOV to CR0',
    given: 'PG from 1 to 0, which CR4.PCIDE = 1 forbids; nothing is left anyway once PCIDE is clear',
    operation: (fixture) => {
      expect(fixture.mmu.writeCr0(Cr0.PE)).toEqual({ vector: 13, errorCode: 0 });
      return cr4((value) => value & ~Cr4.PCIDE)(fixture) ?? fixture.mmu.writeCr0(Cr0.PE);
    },
    expect: [],
  },
  {
    cite: '4.10.4.1',
    given: 'WRMSR IA32_EFER: nothing is promised',
    operation: ({ mmu }) => mmu.writeEfer(Efer.LME),
    expect: [...ALL_OF_ONE, GLOBAL, ...ALL_OF_TWO],
  },
  {
    cite: '4.10.4.1 #PF',
    given: 'a page fault: the address in the current PCID, and what leads to it',
    operation: (fixture) => {
      expect(fixture.outcome(0x9000n)).toBe('PF 4');
      return null;
    },
    expect: [ONE.fourK, ONE.twoM, ONE.far, ...ONE.farStructures, GLOBAL, ...ALL_OF_TWO],
  },
  {
    cite: '10.1',
    given: 'INIT',
    operation: ({ mmu }) => {
      mmu.reset('INIT');
      return null;
    },
    expect: [],
  },
];

describe('what is left', () => {
  test.each(rows)('$cite: $given', ({ operation, expect: left, options }) => {
    const fixture = cachedInTwoContexts(options);
    expect(operation(fixture)).toBeNull();
    expect(fixture.holds()).toEqual([...left].sort());
  });

  // Roomy enough for all of it, so that what is left must be the same.
  const elsewhere = rows.filter(({ options }) => options?.policy === undefined);
  test.each(elsewhere)('$cite, on a real part’s geometry: $given', ({ operation, expect: left, options }) => {
    const fixture = cachedInTwoContexts({ ...options, policy: () => profilePolicy(SKYLAKE_CLIENT) });
    expect(operation(fixture)).toBeNull();
    expect(fixture.holds()).toEqual([...left].sort());
  });

  test('4.10.4.1 MOV to CR0: PG from 1 to 0 takes globals too', () => {
    const fixture = new PagingFixture({ cr4: Cr4.PGE });
    fixture.map(GLOBAL_4K, 101, { flags: USER_RW | G });
    fixture.outcome(GLOBAL_4K);
    expect(fixture.holds()).toContain('4K 0x2000 G');
    expect(fixture.mmu.writeCr0(Cr0.PE)).toBeNull();
    expect(fixture.holds()).toEqual([]);
  });

  test('4.10.4.1 MOV to CR3 with PCIDE = 0: PCID 000H, globals excepted', () => {
    const fixture = new PagingFixture({ cr4: Cr4.PGE });
    fixture.map(FOUR_K, 100);
    fixture.map(GLOBAL_4K, 101, { flags: USER_RW | G });
    fixture.outcome(FOUR_K);
    fixture.outcome(GLOBAL_4K);
    fixture.mmu.writeCr3(fixture.mmu.control.cr3);
    expect(fixture.holds()).toEqual(['4K 0x2000 G']);
  });

  test('4.10.2.4: G means nothing while CR4.PGE = 0', () => {
    const fixture = new PagingFixture();
    fixture.map(GLOBAL_4K, 101, { flags: USER_RW | G });
    fixture.outcome(GLOBAL_4K);
    fixture.mmu.writeCr3(fixture.mmu.control.cr3);
    expect(fixture.holds()).toEqual([]);
  });

  test('4.10.1: translations filled before CR4.PCIDE was set are PCID 000H’s', () => {
    const fixture = new PagingFixture({ cr4: Cr4.PGE });
    fixture.map(FOUR_K, 100);
    fixture.outcome(FOUR_K);
    expect(fixture.mmu.writeCr4(fixture.mmu.control.cr4 | Cr4.PCIDE)).toBeNull();
    expect(fixture.holds()).toContain('4K 0x1000');
    fixture.mmu.writeCr3(fixture.cr3(fixture.root, 5));
    fixture.memory.write64(fixture.entryAddress(FOUR_K), 0n);
    expect(fixture.outcome(FOUR_K)).toBe('PF 4');
    fixture.mmu.writeCr3(fixture.cr3(fixture.root, 0) | Cr3.NO_FLUSH);
    expect(fixture.outcome(FOUR_K)).toBe(100);
  });
});

describe('a large page in many slots (4.10.2.3)', () => {
  function fractured(): PagingFixture {
    const fixture = new PagingFixture({ policy: () => worstPolicy({ fracture: true }), cr4: CR4 });
    fixture.map(TWO_M, 512, { level: 2 });
    fixture.map(2n * TWO_M, 1024, { level: 2 });
    for (const offset of [0n, 0x5000n, 0x1f_f000n]) fixture.outcome(TWO_M + offset);
    fixture.outcome(2n * TWO_M);
    return fixture;
  }
  const NEIGHBOUR = '4K of 2M 0x400000';

  test('each piece has a slot and its own frame', () => {
    const fixture = fractured();
    expect(fixture.tlb().map((entry) => [entry.slotPage, entry.frame])).toEqual([
      [0x200, 512],
      [0x205, 517],
      [0x3ff, 1023],
      [0x400, 1024],
    ]);
  });

  test('INVLPG of one address takes every slot of the page, and no other page’s', () => {
    const fixture = fractured();
    fixture.mmu.invlpg(linearAddress(TWO_M + 0x9000n));
    expect(fixture.holds()).toEqual([NEIGHBOUR]);
  });

  test('INVPCID of one address likewise', () => {
    const fixture = fractured();
    fixture.mmu.invpcid(InvpcidType.individualAddress, 0, linearAddress(TWO_M));
    expect(fixture.holds()).toEqual([NEIGHBOUR]);
  });

  test('a page fault takes only the slot that answers for its address', () => {
    const fixture = fractured();
    fixture.memory.write64(fixture.entryAddress(TWO_M, 2), fixture.entry(TWO_M, 2) & ~US);
    fixture.mmu.writeCr4(fixture.mmu.control.cr4 | Cr4.SMAP);
    expect(fixture.outcome(TWO_M, { kind: 'read', user: false })).toBe('PF 1');
    expect(fixture.tlb().map((entry) => entry.slotPage)).toEqual([0x205, 0x3ff, 0x400]);
  });

  test('1-GByte pages: every slot of 262,144 may answer, one INVLPG takes them', () => {
    const fixture = new PagingFixture({ policy: () => worstPolicy({ fracture: true }) });
    fixture.map(FAR, 262_144, { level: 3 });
    for (const page of [0n, 511n, 512n, 262_143n]) {
      expect(fixture.outcome(FAR + page * 0x1000n)).toBe(262_144 + Number(page));
    }
    expect(fixture.tlb()).toHaveLength(4);
    fixture.mmu.invlpg(linearAddress(FAR + 0x1234_5000n));
    expect(fixture.tlb()).toEqual([]);
  });
});

describe('several entries for one address (4.10.2.3)', () => {
  /** A 2-MByte page was split into 4-KByte pages without invalidation, and both got cached. */
  function overlapping(): PagingFixture {
    const fixture = new PagingFixture();
    fixture.map(TWO_M, 512, { level: 2 });
    fixture.outcome(TWO_M + 0x1000n);
    fixture.memory.write64(fixture.entryAddress(TWO_M, 2), 0n);
    fixture.map(TWO_M + 0x1000n, 100);
    const walk = fixture.mmu.beginWalk(linearAddress(TWO_M + 0x1000n), READ, { speculative: true });
    while (fixture.mmu.stepWalk(walk) === 'more') {}
    return fixture;
  }

  test('the oldest is used, and the overlap is counted', () => {
    const fixture = overlapping();
    expect(fixture.tlb()).toHaveLength(2);
    expect(fixture.outcome(TWO_M + 0x1000n)).toBe(513);
    expect(fixture.mmu.counters.sizeOverlaps).toBe(1);
  });

  test('INVLPG takes both', () => {
    const fixture = overlapping();
    fixture.mmu.invlpg(linearAddress(TWO_M + 0x1000n));
    expect(fixture.tlb()).toEqual([]);
  });
});

describe('faults of the operations', () => {
  const GP: Exception = { vector: 13, errorCode: 0 };
  const UD: Exception = { vector: 6 };
  const plain = (): PagingFixture => new PagingFixture();
  const withPcids = (): PagingFixture => new PagingFixture({ cr4: CR4 });
  const NON_CANONICAL = linearAddress(0x8000_0000_0000n);
  const HERE = linearAddress(0x1000n);

  const faults: readonly {
    readonly cite: string;
    readonly given: string;
    readonly run: () => Exception | null;
    readonly expect: Exception | null;
  }[] = [
    {
      cite: '2A INVPCID',
      given: 'not supported',
      run: () => new PagingFixture({ part: { invpcid: false } }).mmu.invpcid(2, 0, HERE),
      expect: UD,
    },
    { cite: '2A INVPCID', given: 'type 4', run: () => withPcids().mmu.invpcid(4 as 0, 0, HERE), expect: GP },
    { cite: '2A INVPCID', given: 'reserved bits', run: () => withPcids().mmu.invpcid(1, 0x1000, HERE), expect: GP },
    {
      cite: '2A INVPCID',
      given: 'type 0, non-canonical: unlike INVLPG, a fault',
      run: () => withPcids().mmu.invpcid(0, 1, NON_CANONICAL),
      expect: GP,
    },
    {
      cite: '2A INVPCID',
      given: 'type 1 does not look at the address',
      run: () => withPcids().mmu.invpcid(1, 1, NON_CANONICAL),
      expect: null,
    },
    { cite: '2A INVPCID', given: 'type 0, PCID 1, PCIDE = 0', run: () => plain().mmu.invpcid(0, 1, HERE), expect: GP },
    { cite: '2A INVPCID', given: 'type 1, PCID 1, PCIDE = 0', run: () => plain().mmu.invpcid(1, 1, HERE), expect: GP },
    {
      cite: '2A INVPCID',
      given: 'type 1, PCID 0, PCIDE = 0',
      run: () => plain().mmu.invpcid(1, 0, HERE),
      expect: null,
    },
    {
      cite: '2A INVPCID',
      given: 'type 3, PCID 1, PCIDE = 0',
      run: () => plain().mmu.invpcid(3, 1, HERE),
      expect: null,
    },
    {
      cite: '4.10.4.1',
      given: 'CR3 bit 63 with PCIDE = 0',
      run: () => plain().mmu.writeCr3(Cr3.NO_FLUSH),
      expect: GP,
    },
    { cite: '2.5', given: 'CR3 bit 46, MAXPHYADDR 46', run: () => withPcids().mmu.writeCr3(1n << 46n), expect: GP },
    { cite: '2.5', given: 'CR3 bit 45, MAXPHYADDR 46', run: () => withPcids().mmu.writeCr3(1n << 45n), expect: null },
    {
      cite: '4.10.1',
      given: 'PCIDE from 0 to 1 with CR3[11:0] not 0',
      run: () => {
        const { mmu } = plain();
        mmu.writeCr3(mmu.control.cr3 | 0x18n);
        return mmu.writeCr4(mmu.control.cr4 | Cr4.PCIDE);
      },
      expect: GP,
    },
    {
      cite: '4.10.1',
      given: 'PCIDE from 0 to 1 outside IA-32e mode',
      run: () => {
        const { mmu } = plain();
        mmu.reset();
        return mmu.writeCr4(Cr4.PAE | Cr4.PCIDE);
      },
      expect: GP,
    },
    {
      cite: '4.1.4',
      given: 'PCIDE on a part without PCIDs',
      run: () => {
        const { mmu } = new PagingFixture({ part: { pcid: false } });
        return mmu.writeCr4(mmu.control.cr4 | Cr4.PCIDE);
      },
      expect: GP,
    },
    {
      cite: '4.1.1',
      given: 'PAE cleared in IA-32e mode',
      run: () => plain().mmu.writeCr4(0n),
      expect: GP,
    },
    {
      cite: '4.1.1',
      given: 'LA57 changed in IA-32e mode',
      run: () => {
        const { mmu } = plain();
        return mmu.writeCr4(mmu.control.cr4 | Cr4.LA57);
      },
      expect: GP,
    },
    { cite: '4.1.1', given: 'LME changed while PG = 1', run: () => plain().mmu.writeEfer(Efer.NXE), expect: GP },
    { cite: '2.5', given: 'PG without PE', run: () => plain().mmu.writeCr0(Cr0.PG), expect: GP },
    { cite: '2.5', given: 'NW without CD', run: () => plain().mmu.writeCr0(Cr0.PE | Cr0.PG | Cr0.NW), expect: GP },
    {
      cite: '4.1.1',
      given: 'PG with LME and without PAE',
      run: () => {
        const { mmu } = plain();
        mmu.reset();
        mmu.writeEfer(Efer.LME);
        return mmu.writeCr0(Cr0.PE | Cr0.PG);
      },
      expect: GP,
    },
  ];

  test.each(faults)('$cite: $given', ({ run, expect: fault }) => {
    expect(run()).toEqual(fault);
  });

  test('a faulting operation changes and invalidates nothing', () => {
    const fixture = cachedInTwoContexts();
    const { cr3, cr4: before } = fixture.mmu.control;
    const held = fixture.holds();
    fixture.events.length = 0;
    fixture.mmu.invpcid(0, 1, NON_CANONICAL);
    fixture.mmu.writeCr3(1n << 62n);
    fixture.mmu.writeCr4(0n);
    expect(fixture.mmu.control).toMatchObject({ cr3, cr4: before });
    expect(fixture.holds()).toEqual(held);
    expect(fixture.events).toEqual([]);
  });
});

describe('walks in flight', () => {
  const operations: readonly [string, (fixture: PagingFixture) => unknown][] = [
    ['INVLPG', invlpg(FOUR_K)],
    ['INVPCID', invpcid(InvpcidType.allExceptGlobals, 0)],
    ['MOV to CR3', ({ mmu }) => mmu.writeCr3(mmu.control.cr3)],
    ['MOV to CR3 with bit 63 set, to another PCID', (f) => f.mmu.writeCr3(f.cr3(f.root, 2) | Cr3.NO_FLUSH)],
    ['MOV to CR4', cr4((value) => value ^ Cr4.PGE)],
    ['WRMSR IA32_EFER', ({ mmu }) => mmu.writeEfer(Efer.LME)],
    ['#PF', (fixture) => fixture.outcome(0x9000n)],
  ];

  test.each(operations)('%s: a walk that began before fills nothing after', (_name, operation) => {
    const fixture = new PagingFixture({ cr4: CR4 });
    fixture.map(FOUR_K, 100);
    const walk = fixture.mmu.beginWalk(linearAddress(FOUR_K), READ, { speculative: true });
    for (let step = 0; step < 3; step++) expect(fixture.mmu.stepWalk(walk)).toBe('more');
    operation(fixture);
    const held = fixture.holds();
    expect(fixture.mmu.stepWalk(walk)).toBe('abandoned');
    expect(fixture.holds()).toEqual(held);
    expect(fixture.mmu.walksInFlight.size).toBe(0);
  });

  test('undisturbed, the same walk fills', () => {
    const fixture = new PagingFixture({ cr4: CR4 });
    fixture.map(FOUR_K, 100);
    const walk = fixture.mmu.beginWalk(linearAddress(FOUR_K), FETCH);
    for (let step = 0; step < 3; step++) expect(fixture.mmu.stepWalk(walk)).toBe('more');
    expect(fixture.mmu.stepWalk(walk)).toBe('translated');
    expect(fixture.holds()).toContain('4K 0x1000');
  });

  test('the entry that was read stays read: a write between two steps is missed below, and seen above', () => {
    const fixture = new PagingFixture();
    fixture.map(FOUR_K, 100);
    const walk = fixture.mmu.beginWalk(linearAddress(FOUR_K), READ);
    for (let step = 0; step < 3; step++) fixture.mmu.stepWalk(walk);
    fixture.memory.write64(fixture.entryAddress(FOUR_K, 2), 0n);
    expect(fixture.mmu.stepWalk(walk)).toBe('translated');
    expect(walk.entry?.frame).toBe(100);
  });
});

describe('what observers are told', () => {
  test('removals with their cause, then the invalidation with their number', () => {
    const fixture = new PagingFixture();
    fixture.map(FOUR_K, 100);
    fixture.outcome(FOUR_K, WRITE);
    fixture.events.length = 0;
    fixture.mmu.invlpg(linearAddress(FOUR_K));
    expect(fixture.events.map((event) => event.kind)).toEqual([
      'removal',
      'removal',
      'removal',
      'removal',
      'invalidation',
    ]);
    expect(fixture.take('invalidation')).toEqual([
      { kind: 'invalidation', processor: 0, by: 'INVLPG', address: FOUR_K, pcid: 0, removed: 4 },
    ]);
  });
});
