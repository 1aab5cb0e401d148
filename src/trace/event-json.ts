/** The JSON form of every event: one row for each kind, field by field, under the names of `event/event.ts`. */
import type { FrameNumber, LinearAddress, PageNumber, PagingLevel, PhysicalAddress } from '../arch/address.ts';
import { type Access, type AccessKind, type Exception, Vector } from '../arch/page-fault.ts';
import type {
  CachedTranslation,
  EntrySource,
  PagingStructureCacheEntry,
  TlbEntry,
} from '../event/cached-translation.ts';
import type { AddressRange, FlushAction, FrameUse, MachineEvent, RemovalCause } from '../event/event.ts';
import {
  bits,
  type Fields,
  flag,
  type JsonCodec,
  list,
  Mismatch,
  mismatch,
  natural,
  nullable,
  object,
  oneOf,
  oneOfNumbers,
  optional,
  text,
} from './json-codec.ts';

const processor = natural();
const linear = bits<LinearAddress>();
const physical = natural<PhysicalAddress>();
const frame = natural<FrameNumber>();
const page = natural<PageNumber>();
const level = oneOfNumbers<PagingLevel>(1, 2, 3, 4, 5);

const access = object<Access>({
  kind: oneOf<AccessKind>({ read: true, write: true, fetch: true }),
  user: flag,
  implicit: optional(flag),
});

const pageFault = object<Extract<Exception, { vector: typeof Vector.PF }>>({
  vector: oneOfNumbers(Vector.PF),
  errorCode: natural(),
  address: bits(),
});
const generalProtection = object<Extract<Exception, { vector: typeof Vector.GP }>>({
  vector: oneOfNumbers(Vector.GP),
  errorCode: natural(),
});
const invalidOpcode = object<Extract<Exception, { vector: typeof Vector.UD }>>({ vector: oneOfNumbers(Vector.UD) });

const exception: JsonCodec<Exception> = {
  print: (value, known) => {
    if (value.vector === Vector.PF) return pageFault.print(value, known);
    return value.vector === Vector.GP ? generalProtection.print(value, known) : invalidOpcode.print(value, known);
  },
  parse: (json, known) => {
    const vector = tag(json, 'vector');
    if (vector === Vector.PF) return pageFault.parse(json, known);
    return vector === Vector.GP ? generalProtection.parse(json, known) : invalidOpcode.parse(json, known);
  },
};

const range = object<AddressRange>({ mm: natural(), start: linear, end: linear });

const source = object<EntrySource>({ level, address: physical, entry: bits() });

/** An observer's mark is its own: it is not told, and a translation that is read back has none. */
const unwatched: JsonCodec<boolean> = { print: () => undefined, parse: () => false };

const translation = {
  serial: natural(),
  processor,
  pcid: natural(),
  root: frame,
  page,
  pages: natural(),
  sources: list(source),
  watched: unwatched,
  writable: flag,
  user: flag,
  executable: flag,
};

const tlbEntry = object<TlbEntry>({
  kind: oneOf({ tlb: true }),
  ...translation,
  global: flag,
  slotPage: page,
  slotPages: natural(),
  frame,
  dirty: flag,
  protectionKey: natural(),
  memoryTypeIndex: natural(),
});

const pagingStructureCacheEntry = object<PagingStructureCacheEntry>({
  kind: oneOf({ pml5e: true, pml4e: true, pdpte: true, pde: true }),
  ...translation,
  level,
  table: frame,
});

const wholeTranslation: JsonCodec<CachedTranslation> = {
  print: (value, known) =>
    value.kind === 'tlb' ? tlbEntry.print(value, known) : pagingStructureCacheEntry.print(value, known),
  parse: (json, known) =>
    tag(json, 'kind') === 'tlb' ? tlbEntry.parse(json, known) : pagingStructureCacheEntry.parse(json, known),
};

/** In full the first time, then by serial. */
const cached: JsonCodec<CachedTranslation> = {
  print: (value, known) => {
    if (known.get(value.serial) === value) return value.serial;
    known.set(value.serial, value);
    return wholeTranslation.print(value, known);
  },
  parse: (json, known) => {
    if (typeof json === 'number') {
      const value = known.get(json);
      if (value === undefined) throw mismatch(json, 'a translation, or the serial of one told before');
      return value;
    }
    const value = wholeTranslation.parse(json, known);
    known.set(value.serial, value);
    return value;
  },
};

const cachedUpperEntry: JsonCodec<PagingStructureCacheEntry> = {
  print: cached.print,
  parse: (json, known) => {
    const value = cached.parse(json, known);
    if (value.kind === 'tlb') throw mismatch(json, 'an entry of a paging-structure cache');
    return value;
  },
};

const cause = oneOf<RemovalCause>({
  INVLPG: true,
  INVPCID: true,
  INVLPGB: true,
  'MOV to CR3': true,
  'MOV to CR0': true,
  'MOV to CR4': true,
  'WRMSR EFER': true,
  'VM entry': true,
  '#PF': true,
  INIT: true,
  eviction: true,
  replacement: true,
  conflict: true,
});

const action = oneOf<FlushAction>({ full: true, partial: true, skip: true });
const use = oneOf<FrameUse>({ user: true, 'page-table': true, kernel: true });

type Kind = MachineEvent['kind'];
type EventOf<K extends Kind> = Extract<MachineEvent, { readonly kind: K }>;

const EVENTS: { readonly [K in Kind]: Fields<Omit<EventOf<K>, 'kind'>> } = {
  'store-buffered': { processor, address: physical, value: bits() },
  'store-drained': { processor, address: physical, value: bits() },
  'paging-write': {
    processor,
    address: physical,
    before: bits(),
    after: bits(),
    by: oneOf({ software: true, walk: true }),
    issued: natural(),
  },
  'walk-begin': {
    processor,
    walk: natural(),
    address: linear,
    access,
    speculative: flag,
    root: frame,
    shortcut: nullable(cachedUpperEntry),
  },
  'walk-read': {
    processor,
    walk: natural(),
    level,
    address: physical,
    entry: bits(),
    speculative: flag,
    shortcut: nullable(cachedUpperEntry),
  },
  'walk-end': { processor, walk: natural(), outcome: oneOf({ translated: true, fault: true, abandoned: true }) },
  fill: { processor, cached },
  removal: { processor, cached, cause },
  use: { processor, cached, address: linear, access },
  invalidation: { processor, by: cause, address: nullable(linear), pcid: nullable(natural()), removed: natural() },
  invlpgb: {
    processor,
    broadcast: natural(),
    address: nullable(linear),
    pages: nullable(natural()),
    pcid: nullable(natural()),
  },
  tlbsync: { processor },
  'control-write': {
    processor,
    register: oneOf({ CR0: true, CR3: true, CR4: true, EFER: true, PKRU: true, PKRS: true, CPL: true }),
    before: bits(),
    after: bits(),
    noFlush: flag,
  },
  exception: { processor, exception },
  'virtual-processor': { processor, running: flag },
  interrupts: { processor, enabled: flag },
  'ipi-send': {
    processor,
    ipi: natural(),
    vector: natural(),
    delivery: oneOf({ fixed: true, NMI: true, INIT: true, SIPI: true }),
    target: natural(),
  },
  'ipi-accept': { processor, ipi: natural(), vector: natural(), coalesced: flag },
  'interrupt-begin': { processor, vector: natural() },
  'interrupt-end': { processor, vector: natural() },
  'address-space': { mm: natural(), root: frame, name: text },
  'address-space-end': { mm: natural() },
  'frame-allocate': { frame, epoch: natural(), use, mm: natural() },
  'frame-free': { frame, epoch: natural(), use, processor },
  'operation-begin': { processor, operation: natural(), name: text, mm: natural() },
  'operation-end': { processor, operation: natural() },
  'flush-begin': {
    processor,
    flush: natural(),
    reason: text,
    ranges: list(range),
    batch: flag,
    freedTables: flag,
  },
  'flush-return': { processor, flush: natural() },
  'batch-add': { processor, mm: natural() },
  'flush-decision': { processor, flush: nullable(natural()), range, action, why: text },
  promise: { processor, range, why: text, operation: optional(natural()) },
  generation: { processor, mm: natural(), generation: natural() },
  slot: { processor, slot: natural(), pcid: natural(), mm: natural(), generation: natural() },
  switch: { processor, from: natural(), to: natural(), flushed: flag },
  lazy: { processor, lazy: flag },
  task: { processor, task: text },
  assertion: { processor, id: text, detail: text },
};

const CODECS: ReadonlyMap<string, JsonCodec<MachineEvent>> = new Map(
  Object.entries(EVENTS).map(([kind, fields]) => {
    const own = { print: () => kind, parse: () => kind } satisfies JsonCodec<string>;
    return [kind, object<MachineEvent>({ kind: own, ...fields } as unknown as Fields<MachineEvent>)];
  }),
);

/** All kinds of events. */
export const EVENT_KINDS: readonly string[] = [...CODECS.keys()];

export const eventJson: JsonCodec<MachineEvent> = {
  print: (event, known) => codecOf(event.kind).print(event, known),
  parse: (json, known) => codecOf(tag(json, 'kind')).parse(json, known),
};

function codecOf(kind: unknown): JsonCodec<MachineEvent> {
  const codec = typeof kind === 'string' ? CODECS.get(kind) : undefined;
  if (codec === undefined) throw new Mismatch(`kind: ${mismatch(kind, 'the kind of an event').message}`);
  return codec;
}

function tag(json: unknown, field: string): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw mismatch(json, 'an object');
  return (json as Record<string, unknown>)[field];
}
