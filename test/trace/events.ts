/** Arbitrary events of every kind, for properties over all of them. */
import fc from 'fast-check';
import type { FrameNumber, LinearAddress, PageNumber, PagingLevel, PhysicalAddress } from '../../src/arch/address.ts';
import type { Access, Exception } from '../../src/arch/page-fault.ts';
import type {
  CachedTranslation,
  EntrySource,
  PagingStructureCacheEntry,
  TlbEntry,
} from '../../src/event/cached-translation.ts';
import type { AddressRange, MachineEvent, RemovalCause } from '../../src/event/event.ts';

const small = fc.nat({ max: 300 });
const processor = fc.nat({ max: 3 });
const word = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const linear = word as fc.Arbitrary<LinearAddress>;
const physical = fc.nat({ max: 2 ** 52 - 1 }) as fc.Arbitrary<PhysicalAddress>;
const frame = fc.nat({ max: 2 ** 40 - 1 }) as fc.Arbitrary<FrameNumber>;
const page = fc.nat({ max: 2 ** 52 - 1 }) as fc.Arbitrary<PageNumber>;
const level = fc.constantFrom<PagingLevel>(1, 2, 3, 4, 5);
const flag = fc.boolean();
/** Among them strings that look like numbers of the format, and all of Unicode. */
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('0x12', '', 'null', '"', '\\'));
const cause = fc.constantFrom<RemovalCause>('INVLPG', 'INVPCID', 'MOV to CR3', '#PF', 'INIT', 'eviction', 'conflict');

const access: fc.Arbitrary<Access> = fc.record(
  { kind: fc.constantFrom('read', 'write', 'fetch'), user: flag, implicit: flag },
  { requiredKeys: ['kind', 'user'] },
);

const exception: fc.Arbitrary<Exception> = fc.oneof(
  fc.record({ vector: fc.constant(14 as const), errorCode: small, address: word }),
  fc.record({ vector: fc.constant(13 as const), errorCode: small }),
  fc.record({ vector: fc.constant(6 as const) }),
);

const range: fc.Arbitrary<AddressRange> = fc.record({ mm: small, start: linear, end: linear });
const source: fc.Arbitrary<EntrySource> = fc.record({ level, address: physical, entry: word });

const translation = {
  processor,
  pcid: fc.nat({ max: 4095 }),
  root: frame,
  page,
  pages: fc.constantFrom(1, 512, 512 * 512),
  sources: fc.array(source, { maxLength: 5 }),
  watched: fc.constant(false),
  writable: flag,
  user: flag,
  executable: flag,
};

const tlbEntry = (serial: number): fc.Arbitrary<TlbEntry> =>
  fc.record({
    kind: fc.constant('tlb' as const),
    serial: fc.constant(serial),
    ...translation,
    global: flag,
    slotPage: page,
    slotPages: fc.constantFrom(1, 512),
    frame,
    dirty: flag,
    protectionKey: fc.nat({ max: 15 }),
    memoryTypeIndex: fc.nat({ max: 7 }),
  });

const upperEntry = (serial: number): fc.Arbitrary<PagingStructureCacheEntry> =>
  fc.record({
    kind: fc.constantFrom('pml5e' as const, 'pml4e' as const, 'pdpte' as const, 'pde' as const),
    serial: fc.constant(serial),
    ...translation,
    level,
    table: frame,
  });

/** Some translations, each the only one of its serial. */
const translations: fc.Arbitrary<{ upper: PagingStructureCacheEntry[]; all: CachedTranslation[] }> = fc
  .tuple(fc.tuple(upperEntry(1), upperEntry(2)), fc.tuple(tlbEntry(3), tlbEntry(4), tlbEntry(5)))
  .map(([upper, leaves]) => ({ upper: [...upper], all: [...upper, ...leaves] }));

const is = <K extends string>(kind: K): fc.Arbitrary<K> => fc.constant(kind);

function eventsAbout(
  cached: fc.Arbitrary<CachedTranslation>,
  upper: fc.Arbitrary<PagingStructureCacheEntry>,
): { [K in MachineEvent['kind']]: fc.Arbitrary<Extract<MachineEvent, { kind: K }>> } {
  const shortcut = fc.option(upper, { nil: null });
  return {
    'store-buffered': fc.record({ kind: is('store-buffered'), processor, address: physical, value: word }),
    'store-drained': fc.record({ kind: is('store-drained'), processor, address: physical, value: word }),
    'paging-write': fc.record({
      kind: is('paging-write'),
      processor,
      address: physical,
      before: word,
      after: word,
      by: fc.constantFrom('software' as const, 'walk' as const),
      issued: small,
    }),
    invlpgb: fc.record({
      kind: is('invlpgb'),
      processor,
      broadcast: small,
      address: fc.option(linear, { nil: null }),
      pages: fc.option(small, { nil: null }),
      pcid: fc.option(small, { nil: null }),
    }),
    tlbsync: fc.record({ kind: is('tlbsync'), processor }),
    'virtual-processor': fc.record({ kind: is('virtual-processor'), processor, running: flag }),
    'walk-begin': fc.record({
      kind: is('walk-begin'),
      processor,
      walk: small,
      address: linear,
      access,
      speculative: flag,
      root: frame,
      shortcut,
    }),
    'walk-read': fc.record({
      kind: is('walk-read'),
      processor,
      walk: small,
      level,
      address: physical,
      entry: word,
      speculative: flag,
      shortcut,
    }),
    'walk-end': fc.record({
      kind: is('walk-end'),
      processor,
      walk: small,
      outcome: fc.constantFrom('translated' as const, 'fault' as const, 'abandoned' as const),
    }),
    fill: fc.record({ kind: is('fill'), processor, cached }),
    removal: fc.record({ kind: is('removal'), processor, cached, cause }),
    use: fc.record({ kind: is('use'), processor, cached, address: linear, access }),
    invalidation: fc.record({
      kind: is('invalidation'),
      processor,
      by: cause,
      address: fc.option(linear, { nil: null }),
      pcid: fc.option(small, { nil: null }),
      removed: small,
    }),
    'control-write': fc.record({
      kind: is('control-write'),
      processor,
      register: fc.constantFrom('CR0' as const, 'CR3' as const, 'CR4' as const, 'EFER' as const, 'CPL' as const),
      before: word,
      after: word,
      noFlush: flag,
    }),
    exception: fc.record({ kind: is('exception'), processor, exception }),
    interrupts: fc.record({ kind: is('interrupts'), processor, enabled: flag }),
    'ipi-send': fc.record({
      kind: is('ipi-send'),
      processor,
      ipi: small,
      vector: fc.nat({ max: 255 }),
      delivery: fc.constantFrom('fixed' as const, 'NMI' as const, 'INIT' as const, 'SIPI' as const),
      target: processor,
    }),
    'ipi-accept': fc.record({
      kind: is('ipi-accept'),
      processor,
      ipi: small,
      vector: fc.nat({ max: 255 }),
      coalesced: flag,
    }),
    'interrupt-begin': fc.record({ kind: is('interrupt-begin'), processor, vector: fc.nat({ max: 3 }) }),
    'interrupt-end': fc.record({ kind: is('interrupt-end'), processor, vector: fc.nat({ max: 3 }) }),
    'address-space': fc.record({ kind: is('address-space'), mm: small, root: frame, name: text }),
    'address-space-end': fc.record({ kind: is('address-space-end'), mm: small }),
    'frame-allocate': fc.record({
      kind: is('frame-allocate'),
      frame,
      epoch: small,
      use: fc.constantFrom('user' as const, 'page-table' as const, 'kernel' as const),
      mm: small,
    }),
    'frame-free': fc.record({
      kind: is('frame-free'),
      frame,
      epoch: small,
      use: fc.constantFrom('user' as const, 'page-table' as const, 'kernel' as const),
      processor,
    }),
    'operation-begin': fc.record({
      kind: is('operation-begin'),
      processor,
      operation: fc.nat({ max: 4 }),
      name: text,
      mm: small,
    }),
    'operation-end': fc.record({ kind: is('operation-end'), processor, operation: fc.nat({ max: 4 }) }),
    'flush-begin': fc.record({
      kind: is('flush-begin'),
      processor,
      flush: fc.nat({ max: 4 }),
      reason: text,
      ranges: fc.array(range, { maxLength: 3 }),
      batch: flag,
      freedTables: flag,
    }),
    'flush-return': fc.record({ kind: is('flush-return'), processor, flush: fc.nat({ max: 4 }) }),
    'batch-add': fc.record({ kind: is('batch-add'), processor, mm: small }),
    'flush-decision': fc.record({
      kind: is('flush-decision'),
      processor,
      flush: fc.option(small, { nil: null }),
      range,
      action: fc.constantFrom('full' as const, 'partial' as const, 'skip' as const),
      why: text,
    }),
    promise: fc.record(
      { kind: is('promise'), processor, range, why: text, operation: small },
      { requiredKeys: ['kind', 'processor', 'range', 'why'] },
    ),
    generation: fc.record({ kind: is('generation'), processor, mm: small, generation: small }),
    slot: fc.record({ kind: is('slot'), processor, slot: small, pcid: small, mm: small, generation: small }),
    switch: fc.record({ kind: is('switch'), processor, from: small, to: small, flushed: flag }),
    lazy: fc.record({ kind: is('lazy'), processor, lazy: flag }),
    task: fc.record({ kind: is('task'), processor, task: text }),
    assertion: fc.record({ kind: is('assertion'), processor, id: text, detail: text }),
  };
}

/** The kinds of which there are arbitrary events: all, or this file does not compile. */
export const ARBITRARY_KINDS: readonly string[] = Object.keys(eventsAbout(fc.constant(never()), fc.constant(never())));

/** A run of events about a few translations, of all kinds. */
export const eventRuns: fc.Arbitrary<MachineEvent[]> = translations.chain(({ upper, all }) =>
  fc.array(fc.oneof(...Object.values(eventsAbout(fc.constantFrom(...all), fc.constantFrom(...upper)))), {
    minLength: 20,
    maxLength: 60,
    size: 'max',
  }),
);

function never(): never {
  return undefined as never;
}
