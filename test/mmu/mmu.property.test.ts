/**
 * Random programs against an MMU: with everything invalidated after each change it must agree with a walk that caches
 * nothing; and the filter in front of the TLB must change nothing at all, under any policy.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PagingLevel } from '../../src/arch/address.ts';
import {
  addressInFrame,
  frameNumber,
  isCanonical,
  linearAddress,
  offsetOf,
  pageOf,
  tableIndex,
} from '../../src/arch/address.ts';
import { Cr0, Cr3, Cr4, InvpcidType } from '../../src/arch/control-registers.ts';
import type { Access } from '../../src/arch/page-fault.ts';
import { entryFrame, makeEntry, mapsPage, protectionKeyBits } from '../../src/arch/paging-entry.ts';
import { accessCode } from '../../src/mmu/access-rights.ts';
import { SKYLAKE_CLIENT, ZEN_2 } from '../../src/mmu/geometry.ts';
import type { TranslationCacheGeometry } from '../../src/mmu/geometry.ts';
import { emulatorPolicy } from '../../src/mmu/policy/emulator.ts';
import type { TlbPolicy } from '../../src/mmu/policy/policy.ts';
import { profilePolicy } from '../../src/mmu/policy/profile.ts';
import { worstPolicy } from '../../src/mmu/policy/worst.ts';
import { expectAccess } from './access-oracle.ts';
import type { OracleEntry } from './access-oracle.ts';
import { A, D, G, P, PagingFixture, RW, US, XD } from './paging-fixture.ts';

const SEED = 20_260_101;

/** Few enough to meet again, in several tables, with 2-MByte and 1-GByte regions among them, in both halves. */
const ADDRESSES = [
  0x0n,
  0x1000n,
  0x2000n,
  0x1f_f000n,
  0x20_0000n,
  0x20_3000n,
  0x40_0000n,
  0x4000_0000n,
  0x4020_1000n,
  0x80_0000_0000n,
  0xffff_8000_0000_0000n,
  0xffff_ffff_ffff_f000n,
].map(linearAddress);
const NON_CANONICAL = linearAddress(0x8000_0000_0000n);

const ROOTS = 2;

const address = fc.constantFrom(...ADDRESSES);
const access: fc.Arbitrary<Access> = fc.constantFrom<Access[]>(
  { kind: 'read', user: true },
  { kind: 'write', user: true },
  { kind: 'fetch', user: true },
  { kind: 'read', user: false },
  { kind: 'write', user: false },
  { kind: 'fetch', user: false },
  { kind: 'read', user: false, implicit: true },
);
const flag = (bit: bigint): fc.Arbitrary<bigint> => fc.constantFrom(0n, bit);
/** Mostly present and permissive, so that accesses get somewhere. */
const flags = fc
  .tuple(
    fc.constantFrom(P, P, P, P, 0n),
    fc.constantFrom(RW, RW, 0n),
    fc.constantFrom(US, US, 0n),
    flag(A),
    flag(D),
    flag(G),
    fc.constantFrom(0n, 0n, 0n, XD),
    fc.constantFrom(0n, protectionKeyBits(1)),
    fc.constantFrom(0n, 0n, 0n, 0n, 0n, 0n, 0n, 1n << 50n),
  )
  .map((bits) => bits.reduce((union, bit) => union | bit, 0n));

type Operation =
  | { readonly kind: 'access'; readonly address: bigint; readonly access: Access }
  | {
      readonly kind: 'map';
      readonly address: bigint;
      readonly level: 1 | 2 | 3;
      readonly flags: bigint;
      readonly root: number;
    }
  | {
      readonly kind: 'table';
      readonly address: bigint;
      readonly level: 2 | 3 | 4;
      readonly flags: bigint;
      readonly root: number;
    }
  | { readonly kind: 'cr3'; readonly root: number; readonly pcid: number; readonly noFlush: boolean }
  | { readonly kind: 'invlpg' | 'evict' | 'speculate'; readonly address: bigint }
  | { readonly kind: 'invpcid'; readonly type: InvpcidType; readonly pcid: number; readonly address: bigint }
  | { readonly kind: 'cr4'; readonly toggle: bigint }
  | { readonly kind: 'wp'; readonly set: boolean }
  | { readonly kind: 'ac'; readonly set: boolean }
  | { readonly kind: 'pkru'; readonly value: number }
  | { readonly kind: 'watch'; readonly which: number };

const root = fc.nat(ROOTS - 1);
const accessOperation: fc.Arbitrary<Operation> = fc.record({ kind: fc.constant('access' as const), address, access });
const change: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('map' as const),
      address,
      level: fc.constantFrom(1, 1, 2, 3),
      flags,
      root,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('table' as const),
      address,
      level: fc.constantFrom(2, 3, 4),
      flags,
      root,
    }),
  },
  fc.record({
    kind: fc.constant('cr4' as const),
    toggle: fc.constantFrom(Cr4.PGE, Cr4.SMEP, Cr4.SMAP, Cr4.PKE, Cr4.PCIDE),
  }),
  fc.record({ kind: fc.constant('wp' as const), set: fc.boolean() }),
  fc.record({ kind: fc.constant('ac' as const), set: fc.boolean() }),
  fc.record({ kind: fc.constant('pkru' as const), value: fc.constantFrom(0, 4, 8, 0xffff_ffff) }),
);
const hardware: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant('cr3' as const), root, pcid: fc.constantFrom(0, 1), noFlush: fc.boolean() }),
  fc.record({ kind: fc.constantFrom('invlpg' as const, 'evict' as const, 'speculate' as const), address }),
  fc.record({
    kind: fc.constant('invpcid' as const),
    type: fc.constantFrom<InvpcidType[]>(0, 1, 2, 3),
    pcid: fc.constantFrom(0, 1),
    address,
  }),
  fc.record({ kind: fc.constant('watch' as const), which: fc.nat(20) }),
);

class Program {
  readonly fixture: PagingFixture;
  readonly #roots: readonly ReturnType<PagingFixture['frame']>[];

  constructor(policy: () => TlbPolicy, { filter, observed }: { filter: boolean; observed: boolean }) {
    this.fixture = new PagingFixture({ policy, filter, observed, cr4: Cr4.PGE, part: { page1GB: true } });
    this.#roots = [this.fixture.root, this.fixture.frame()];
    for (const [index, each] of this.#roots.entries()) {
      for (const [number, place] of ADDRESSES.entries())
        this.fixture.map(place, 100 + 20 * index + number, { root: each });
    }
  }

  /** What an access led to; null for everything else. */
  run(operation: Operation): string | null {
    const { fixture } = this;
    const { mmu, memory } = fixture;
    const { control } = mmu;
    switch (operation.kind) {
      case 'access': {
        const place = linearAddress(operation.address);
        const frame = mmu.access(pageOf(place), accessCode(operation.access), offsetOf(place));
        return frame >= 0
          ? `frame ${frame}`
          : JSON.stringify(mmu.pendingFault, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
      }
      case 'map': {
        const frame = frameNumber(operation.level === 1 ? 200 : operation.level === 2 ? 512 : 262_144);
        const large = operation.level === 1 ? 0n : 1n << 7n;
        this.#write(operation, makeEntry(frame, operation.flags | large));
        return null;
      }
      case 'table': {
        const place = this.#place(operation);
        if (place === null) return null;
        const before = memory.read64(place);
        if (mapsPage(before, operation.level)) return null;
        memory.write64(place, makeEntry(entryFrame(before), operation.flags & ~(1n << 50n)));
        return null;
      }
      case 'cr3': {
        const noFlush = operation.noFlush && control.pcide ? Cr3.NO_FLUSH : 0n;
        const pcid = control.pcide ? operation.pcid : 0;
        mmu.writeCr3(fixture.cr3(this.#roots[operation.root] as never, pcid) | noFlush);
        return null;
      }
      case 'invlpg':
        mmu.invlpg(linearAddress(operation.address));
        return null;
      case 'evict':
        mmu.evict(linearAddress(operation.address));
        return null;
      case 'speculate':
        mmu.speculate(linearAddress(operation.address));
        return null;
      case 'invpcid':
        mmu.invpcid(operation.type, operation.pcid, linearAddress(operation.address));
        return null;
      case 'cr4':
        mmu.writeCr4(control.cr4 ^ operation.toggle);
        return null;
      case 'wp':
        mmu.writeCr0(operation.set ? control.cr0 | Cr0.WP : control.cr0 & ~Cr0.WP);
        return null;
      case 'ac':
        mmu.setPrivilege(0, operation.set);
        return null;
      case 'pkru':
        mmu.wrpkru(operation.value);
        return null;
      case 'watch': {
        const cached = [...mmu.cached()];
        const entry = cached[operation.which % Math.max(1, cached.length)];
        if (entry !== undefined) entry.watched = !entry.watched;
        return null;
      }
    }
  }

  #write(operation: { address: bigint; level: PagingLevel; root: number }, entry: bigint): void {
    const place = this.#place(operation);
    if (place !== null) this.fixture.memory.write64(place, entry);
  }

  /** Where the entry is, unless an upper entry is absent or maps a page: the tables themselves stay where they are. */
  #place({ address: place, level, root: which }: { address: bigint; level: PagingLevel; root: number }) {
    const page = pageOf(linearAddress(place));
    let table = this.#roots[which] as ReturnType<PagingFixture['frame']>;
    for (let above: PagingLevel = 4; above > level; above = (above - 1) as PagingLevel) {
      const entry = this.fixture.memory.read64(addressInFrame(table, tableIndex(page, above) * 8));
      if (entry === 0n || mapsPage(entry, above)) return null;
      table = entryFrame(entry);
    }
    return addressInFrame(table, tableIndex(page, level) * 8);
  }
}

describe('with everything invalidated after each change', () => {
  /** Reads the entries that control an address as they are in memory. */
  function entriesOf(program: Program, place: bigint): OracleEntry[] {
    const { memory, mmu } = program.fixture;
    const page = pageOf(linearAddress(place));
    const entries: OracleEntry[] = [];
    let table = mmu.control.root;
    for (let level: PagingLevel = 4; level >= 1; level = (level - 1) as PagingLevel) {
      const entry = memory.read64(addressInFrame(table, tableIndex(page, level) * 8));
      entries.push({ level, entry });
      if ((entry & P) === 0n || mapsPage(entry, level) || (entry & (1n << 50n)) !== 0n) break;
      table = entryFrame(entry);
    }
    return entries;
  }

  test.each([
    ['worst', () => worstPolicy()],
    ['worst, fractured', () => worstPolicy({ fracture: true })],
    ['skylake', () => profilePolicy(SKYLAKE_CLIENT)],
    ['zen 2', () => profilePolicy(ZEN_2)],
    ['emulator', emulatorPolicy],
  ])('%s agrees with a walk that caches nothing', (_name, policy) => {
    let accesses = 0;
    fc.assert(
      fc.property(
        fc.array(fc.oneof(accessOperation, change, hardware), { maxLength: 60, size: 'max' }),
        (operations) => {
          const program = new Program(policy, { filter: true, observed: false });
          const { mmu } = program.fixture;
          for (const operation of operations) {
            if (operation.kind !== 'access') {
              program.run(operation);
              mmu.invpcid(InvpcidType.allIncludingGlobals, 0, linearAddress(0n));
              continue;
            }
            accesses += 1;
            const entries = entriesOf(program, operation.address);
            const { part, control } = mmu;
            const { errorCode } = expectAccess(entries, operation.access, control, part);
            const result = mmu.translate(linearAddress(operation.address), operation.access);
            if (result.kind === 'fault') {
              expect(result.exception).toEqual({ vector: 14, errorCode, address: operation.address });
            } else {
              expect(errorCode).toBeNull();
              const last = entries.at(-1) as OracleEntry;
              const size = 4096 * 512 ** (last.level - 1);
              const frame = entryFrame(last.entry) * 4096;
              expect(result.physical).toBe(frame - (frame % size) + Number(operation.address % BigInt(size)));
            }
          }
        },
      ),
      { seed: SEED, numRuns: 150 },
    );
    expect(accesses).toBeGreaterThan(1000);
  });
});

describe('the filter changes nothing', () => {
  /** So small that everything collides. */
  const TINY: TranslationCacheGeometry = {
    name: 'tiny',
    arrays: [
      { name: 'L1D', level: 1, serves: ['data'], slotPages: [1], sets: 2, ways: 2 },
      { name: 'L1D 2M', level: 1, serves: ['data'], slotPages: [512], sets: 1, ways: 1 },
      { name: 'L1I', level: 1, serves: ['fetch'], slotPages: [1, 512], sets: 1, ways: 2 },
      { name: 'L2', level: 2, serves: ['data', 'fetch'], slotPages: [1, 512], sets: 2, ways: 3 },
    ],
    pagingStructureCaches: { pml5e: 0, pml4e: 1, pdpte: 1, pde: 2 },
    source: 'none: made to collide',
  };

  test.each([
    ['worst', () => worstPolicy()],
    ['worst, fractured', () => worstPolicy({ fracture: true })],
    ['tiny', () => profilePolicy(TINY)],
    ['skylake', () => profilePolicy(SKYLAKE_CLIENT)],
    ['zen 2', () => profilePolicy(ZEN_2)],
    ['emulator', emulatorPolicy],
  ])('%s: outcomes, counts, events and what is held are the same with and without', (_name, policy) => {
    let hits = 0;
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 8, arbitrary: accessOperation }, change, hardware), {
          maxLength: 120,
          size: 'max',
        }),
        (operations) => {
          const fast = new Program(policy, { filter: true, observed: true });
          const slow = new Program(policy, { filter: false, observed: true });
          for (const operation of operations) {
            // The first time may fill, the second sets the filter, the third goes through it.
            for (let time = 0; time < (operation.kind === 'access' ? 3 : 1); time++) {
              const outcomes = [fast.run(operation), slow.run(operation)];
              if (outcomes[0] !== outcomes[1]) expect(outcomes[0]).toBe(outcomes[1]);
            }
          }
          expect(fast.fixture.mmu.counters).toEqual(slow.fixture.mmu.counters);
          const held = ({ fixture }: Program) => [...fixture.mmu.cached()].map(({ serial }) => serial);
          expect(held(fast)).toEqual(held(slow));
          const told = ({ fixture }: Program) => fixture.events.map(({ kind }) => kind);
          expect(told(fast)).toEqual(told(slow));
          hits += fast.fixture.mmu.counters.hits;
        },
      ),
      { seed: SEED, numRuns: 80 },
    );
    expect(hits).toBeGreaterThan(1000);
  });
});

describe('not canonical', () => {
  test('an access is #GP, whatever is mapped, and caches nothing', () => {
    const { fixture } = new Program(worstPolicy, { filter: true, observed: false });
    expect(isCanonical(pageOf(NON_CANONICAL), 4)).toBe(false);
    expect(fixture.outcome(NON_CANONICAL)).toBe('GP');
    expect(fixture.holds()).toEqual([]);
  });
});
