/**
 * Tells a detector a history, event by event, as a machine and a kernel would: memory is a map, translations are filled
 * from it, and every call is one step. The tests decide what is cached, and for how long.
 */
import {
  addressInFrame,
  addressInPage,
  type FrameNumber,
  frameNumber,
  type PageNumber,
  type PagingLevel,
  type PhysicalAddress,
  pageNumber,
  pagesPerEntry,
  tableIndex,
} from '../../src/arch/address.ts';
import type { AccessKind } from '../../src/arch/page-fault.ts';
import { entryFrame, makeEntry, mapsPage, PagingEntry } from '../../src/arch/paging-entry.ts';
import { present } from '../../src/base/assert.ts';
import { Detector } from '../../src/coherence/detector.ts';
import type { EntrySource, PagingStructureCacheEntry, TlbEntry } from '../../src/event/cached-translation.ts';
import type { AddressRange, FlushAction, FrameUse, MachineEvent } from '../../src/event/event.ts';

const { P, RW, US, A, D, PS, XD } = PagingEntry;
export const USER_RW = P | RW | US | A | D;
export const USER_RO = P | US | A;
export const TABLE = P | RW | US | A;
export const ALL = 0xffff_ffff_ffff_ffffn;
const KIND = { 5: 'pml5e', 4: 'pml4e', 3: 'pdpte', 2: 'pde' } as const;

/** Frames of mm 2's tables for PAGE, and of what it maps. */
export const ROOT = frameNumber(0x10);
export const PDPT = frameNumber(0x11);
export const PD = frameNumber(0x12);
export const PT = frameNumber(0x13);
export const FRAME = frameNumber(0x55);
export const OTHER = frameNumber(0x66);
export const MM = 2;
export const PAGE = pageNumber(0x7f_0000);

export class History {
  readonly memory = new Map<PhysicalAddress, bigint>();
  readonly detector: Detector;
  time = 0;
  #serial = 0;
  #walk = 0;
  #flush = 0;
  readonly where = new Map<number, string>();
  #contexts = new Map<number, { pcid: number; root: FrameNumber }>();

  constructor() {
    this.detector = new Detector({
      read: (address) => this.memory.get(address) ?? 0n,
      locate: (processor) => this.where.get(processor) ?? null,
      levels: 4,
    });
  }

  tell(event: MachineEvent): void {
    this.detector.observe(event, this.time);
  }

  step(): void {
    this.time++;
  }

  /** mm 2 with PAGE mapped to FRAME, read/write for user mode, loaded on processors 0 and 1 as PCID 1. */
  static ordinary(flags = USER_RW): History {
    const history = new History();
    history.tell({ kind: 'address-space', mm: MM, root: ROOT, name: 'a' });
    history.table(ROOT, PDPT, 4);
    history.table(PDPT, PD, 3);
    history.table(PD, PT, 2);
    history.memory.set(history.entry(PT, 1), makeEntry(FRAME, flags));
    for (const processor of [0, 1]) history.load(processor, { pcid: 1, root: ROOT });
    return history;
  }

  /** Address of the entry for a page in the structure at this level. */
  entry(table: FrameNumber, level: PagingLevel, page: PageNumber = PAGE): PhysicalAddress {
    return addressInFrame(table, tableIndex(page, level) * 8);
  }

  table(table: FrameNumber, next: FrameNumber, level: PagingLevel, page: PageNumber = PAGE): void {
    this.memory.set(this.entry(table, level, page), makeEntry(next, TABLE));
  }

  load(processor: number, context: { pcid: number; root: FrameNumber }, noFlush = true): void {
    this.step();
    this.#contexts.set(processor, context);
    const after = makeEntry(context.root, BigInt(context.pcid));
    this.tell({ kind: 'control-write', processor, register: 'CR3', before: 0n, after, noFlush });
  }

  /** What a walk of memory reads now, down to `until`. */
  walk(processor: number, page: PageNumber = PAGE, until: PagingLevel = 1): EntrySource[] {
    const sources: EntrySource[] = [];
    let table = present(this.#contexts.get(processor), 'CR3').root;
    for (let level: PagingLevel = 4; ; level = (level - 1) as PagingLevel) {
      const address = this.entry(table, level, page);
      const entry = this.memory.get(address) ?? 0n;
      sources.push({ level, address, entry });
      if (level === until || mapsPage(entry, level)) return sources;
      table = entryFrame(entry);
    }
  }

  fill(processor: number, { page = PAGE, sources = this.walk(processor, page), global = false } = {}): TlbEntry {
    this.step();
    const last = present(sources.at(-1), 'a source');
    const pages = pagesPerEntry(last.level);
    const first = pageNumber(page - (page % pages));
    const cached: TlbEntry = {
      ...this.#base(processor, first, pages, sources),
      kind: 'tlb',
      global,
      slotPage: first,
      slotPages: pages,
      frame: frameNumber(entryFrame(last.entry) - (entryFrame(last.entry) % pages)),
      dirty: (last.entry & D) !== 0n,
      protectionKey: 0,
      memoryTypeIndex: 0,
    };
    this.tell({ kind: 'fill', processor, cached });
    return cached;
  }

  fillStructure(processor: number, level: 2 | 3 | 4, page: PageNumber = PAGE): PagingStructureCacheEntry {
    this.step();
    const sources = this.walk(processor, page, level);
    const pages = pagesPerEntry(level);
    const cached: PagingStructureCacheEntry = {
      ...this.#base(processor, pageNumber(page - (page % pages)), pages, sources),
      kind: KIND[level],
      level,
      table: entryFrame(present(sources.at(-1), 'a source').entry),
    };
    this.tell({ kind: 'fill', processor, cached });
    return cached;
  }

  #base(processor: number, page: PageNumber, pages: number, sources: readonly EntrySource[]) {
    const { pcid, root } = present(this.#contexts.get(processor), 'CR3');
    return {
      serial: ++this.#serial,
      processor,
      pcid,
      root,
      page,
      pages,
      sources,
      writable: sources.every(({ entry }) => (entry & RW) !== 0n),
      user: sources.every(({ entry }) => (entry & US) !== 0n),
      executable: sources.every(({ entry }) => (entry & XD) === 0n),
      watched: false,
    };
  }

  remove(cached: TlbEntry | PagingStructureCacheEntry): void {
    this.step();
    this.tell({ kind: 'removal', processor: cached.processor, cached, cause: 'INVLPG' });
  }

  /** A store reaches memory; `issued` if it had waited in the store buffer. */
  write(processor: number, address: PhysicalAddress, after: bigint, issued?: number): void {
    this.step();
    const before = this.memory.get(address) ?? 0n;
    this.memory.set(address, after);
    this.tell({
      kind: 'paging-write',
      processor,
      address,
      before,
      after,
      by: 'software',
      issued: issued ?? this.time,
    });
  }

  writePte(processor: number, after: bigint, issued?: number): void {
    this.write(processor, this.entry(PT, 1), after, issued);
  }

  flushBegin(processor: number, ranges: readonly AddressRange[] = [range(PAGE)], { batch = false } = {}): number {
    this.step();
    const flush = ++this.#flush;
    this.tell({ kind: 'flush-begin', processor, flush, reason: 'munmap', ranges, batch, freedTables: false });
    return flush;
  }

  flushReturn(processor: number, flush: number): void {
    this.step();
    this.tell({ kind: 'flush-return', processor, flush });
  }

  flush(processor: number, ranges?: readonly AddressRange[], options?: { batch: boolean }): number {
    const flush = this.flushBegin(processor, ranges, options);
    this.flushReturn(processor, flush);
    return flush;
  }

  batchAdd(processor: number, mm = MM): void {
    this.step();
    this.tell({ kind: 'batch-add', processor, mm });
  }

  promise(processor: number, over: AddressRange = range(PAGE), operation?: number): void {
    this.step();
    const of = operation === undefined ? {} : { operation };
    this.tell({ kind: 'promise', processor, range: over, why: 'munmap returned', ...of });
  }

  decide(processor: number, flush: number | null, action: FlushAction, why: string, over = range(PAGE)): void {
    this.step();
    this.tell({ kind: 'flush-decision', processor, flush, range: over, action, why });
  }

  free(frame: FrameNumber, use: FrameUse = 'user', processor = 0): void {
    this.step();
    this.tell({ kind: 'frame-free', frame, epoch: 1, use, processor });
  }

  allocate(frame: FrameNumber, use: FrameUse = 'user', mm = 3): void {
    this.step();
    this.tell({ kind: 'frame-allocate', frame, epoch: 2, use, mm });
  }

  use(cached: TlbEntry, kind: AccessKind = 'read', { user = true, page = PAGE } = {}): void {
    this.step();
    // A machine reports only the uses of what is watched.
    if (!cached.watched) return;
    const address = addressInPage(page, 0x8);
    this.tell({ kind: 'use', processor: cached.processor, cached, address, access: { kind, user } });
  }

  walkBegin(
    processor: number,
    { shortcut = null as PagingStructureCacheEntry | null, page = PAGE, speculative = false } = {},
  ): number {
    this.step();
    const walk = ++this.#walk;
    const { root } = present(this.#contexts.get(processor), 'CR3');
    const address = addressInPage(page, 0);
    const access = { kind: 'read', user: true } as const;
    this.tell({ kind: 'walk-begin', processor, walk, address, access, speculative, root, shortcut });
    return walk;
  }

  walkRead(
    processor: number,
    walk: number,
    source: Omit<EntrySource, 'entry'>,
    { shortcut = null as PagingStructureCacheEntry | null, speculative = false } = {},
  ): void {
    this.step();
    const entry = this.memory.get(source.address) ?? 0n;
    this.tell({ kind: 'walk-read', processor, walk, ...source, entry, speculative, shortcut });
  }

  walkEnd(processor: number, walk: number): void {
    this.step();
    this.tell({ kind: 'walk-end', processor, walk, outcome: 'translated' });
  }

  interrupts(processor: number, enabled: boolean): void {
    this.step();
    this.tell({ kind: 'interrupts', processor, enabled });
  }

  generation(processor: number, generation: number, mm = MM): void {
    this.step();
    this.tell({ kind: 'generation', processor, mm, generation });
  }

  slot(processor: number, generation: number, { pcid = 1, mm = MM } = {}): void {
    this.step();
    this.tell({ kind: 'slot', processor, slot: 0, pcid, mm, generation });
  }

  begin(processor: number, operation: number, name: string, mm = MM): void {
    this.tell({ kind: 'operation-begin', processor, operation, name, mm });
  }

  end(processor: number, operation: number): void {
    this.tell({ kind: 'operation-end', processor, operation });
  }

  /** What was reported: severity and stage of each violation. */
  verdict(): string[] {
    return this.detector.report().violations.map(({ severity, stage }) => `${severity} ${stage}`);
  }
}

export function range(page: PageNumber, { pages = 1, mm = MM } = {}): AddressRange {
  return { mm, start: addressInPage(page, 0), end: addressInPage(pageNumber(page + pages), 0) };
}

export function allOf(mm: number): AddressRange {
  return { mm, start: addressInPage(pageNumber(0), 0), end: ALL as AddressRange['end'] };
}

export const largePage = (frame: FrameNumber): bigint => makeEntry(frame, USER_RW | PS);
