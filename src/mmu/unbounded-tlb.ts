/**
 * A TLB that never runs out of room and never forgets of its own accord: what it loses, an operation took. Where several
 * entries match, the oldest is used, since the manual lets a processor use any (SDM 3A 4.10.2.3).
 */
import type { PageNumber } from '../arch/address.ts';
import { pagesPerEntry, regionStart } from '../arch/address.ts';
import type { RemovalCause } from '../event/event.ts';
import { slotOf } from './cached-entry.ts';
import type { CachedTlbEntry, Mapping } from './cached-entry.ts';
import { invalidates } from './invalidation.ts';
import type { Invalidation } from './invalidation.ts';
import { type TlbHost, type TlbStore, UseClock } from './tlb.ts';

/** The numbers of pages that a slot can answer for. */
const SLOT_PAGES: readonly number[] = [pagesPerEntry(1), pagesPerEntry(2), pagesPerEntry(3)];

/** The entries of one PCID, or the global ones. */
class Bucket {
  /** For each of SLOT_PAGES, entries by the first page of their slot. */
  readonly bySlot: readonly Map<number, CachedTlbEntry>[] = SLOT_PAGES.map(() => new Map());
  /** Those that answer for a piece of a larger page. */
  readonly fractured = new Set<CachedTlbEntry>();

  slots(pages: number): Map<number, CachedTlbEntry> {
    return this.bySlot[SLOT_PAGES.indexOf(pages)] as Map<number, CachedTlbEntry>;
  }

  oldest(page: PageNumber, than: CachedTlbEntry | null): CachedTlbEntry | null {
    let oldest = than;
    for (let size = 0; size < SLOT_PAGES.length; size++) {
      const slots = this.bySlot[size] as Map<number, CachedTlbEntry>;
      if (slots.size === 0) continue;
      const entry = slots.get(regionStart(page, SLOT_PAGES[size] as number));
      if (entry !== undefined && (oldest === null || entry.serial < oldest.serial)) oldest = entry;
    }
    return oldest;
  }

  add(entry: CachedTlbEntry): void {
    this.slots(entry.slotPages).set(entry.slotPage, entry);
    if (entry.slotPages < entry.pages) this.fractured.add(entry);
  }

  delete(entry: CachedTlbEntry): boolean {
    const slots = this.slots(entry.slotPages);
    if (slots.get(entry.slotPage) !== entry) return false;
    this.fractured.delete(entry);
    return slots.delete(entry.slotPage);
  }

  /** Calls `visit` with every entry; it may delete what it is given. */
  visit(visit: (entry: CachedTlbEntry) => void): void {
    for (const slots of this.bySlot) for (const entry of slots.values()) visit(entry);
  }

  /** As `visit`, with those that an invalidation of `page` may concern: in its slots, and pieces of larger pages. */
  visitNear(page: PageNumber, extent: Invalidation['extent'], visit: (entry: CachedTlbEntry) => void): void {
    for (let size = 0; size < SLOT_PAGES.length; size++) {
      const slots = this.bySlot[size] as Map<number, CachedTlbEntry>;
      const entry = slots.size === 0 ? undefined : slots.get(regionStart(page, SLOT_PAGES[size] as number));
      if (entry !== undefined) visit(entry);
    }
    if (extent === 'page') for (const entry of this.fractured) visit(entry);
  }
}

export class UnboundedTlb implements TlbStore {
  readonly clock = new UseClock(1);
  readonly place = 0;
  readonly #host: TlbHost;
  readonly #fracture: boolean;
  readonly #global = new Bucket();
  readonly #byPcid = new Map<number, Bucket>();

  /** `fracture`: keep each 4-KByte piece of a large page in a slot of its own. */
  constructor(host: TlbHost, options: { readonly fracture: boolean }) {
    this.#host = host;
    this.#fracture = options.fracture;
  }

  lookup(page: PageNumber, pcid: number, _fetch: boolean): CachedTlbEntry | null {
    return this.find(page, pcid);
  }

  find(page: PageNumber, pcid: number): CachedTlbEntry | null {
    const own = this.#byPcid.get(pcid);
    return this.#global.oldest(page, own === undefined ? null : own.oldest(page, null));
  }

  fill(mapping: Mapping, page: PageNumber, _fetch: boolean): CachedTlbEntry {
    const slot = slotOf(page, this.#fracture ? 1 : mapping.pages);
    const bucket = mapping.global ? this.#global : this.#bucket(mapping.pcid);
    const conflicting = bucket.slots(slot.pages).get(slot.page);
    if (conflicting !== undefined) this.remove(conflicting, 'conflict');
    const entry = this.#host.create(mapping, slot);
    bucket.add(entry);
    this.#host.filled(entry);
    return entry;
  }

  remove(entry: CachedTlbEntry, cause: RemovalCause): boolean {
    const bucket = entry.global ? this.#global : this.#byPcid.get(entry.pcid);
    if (bucket === undefined || !bucket.delete(entry)) return false;
    this.#host.removed(entry, cause);
    return true;
  }

  invalidate(invalidation: Invalidation, cause: RemovalCause): number {
    const { pcid, page, globals, extent } = invalidation;
    let removed = 0;
    const remove = (entry: CachedTlbEntry): void => {
      if (invalidates(invalidation, entry) && this.remove(entry, cause)) removed += 1;
    };
    const concern = (bucket: Bucket): void => {
      if (page === null) bucket.visit(remove);
      else bucket.visitNear(page, extent, remove);
    };
    if (globals !== 'none') concern(this.#global);
    if (pcid !== null) concern(this.#bucket(pcid));
    else for (const bucket of this.#byPcid.values()) concern(bucket);
    return removed;
  }

  entries(): Iterable<CachedTlbEntry> {
    const entries: CachedTlbEntry[] = [];
    this.#global.visit((entry) => entries.push(entry));
    for (const bucket of this.#byPcid.values()) bucket.visit((entry) => entries.push(entry));
    return entries;
  }

  #bucket(pcid: number): Bucket {
    let bucket = this.#byPcid.get(pcid);
    if (bucket === undefined) {
      bucket = new Bucket();
      this.#byPcid.set(pcid, bucket);
    }
    return bucket;
  }
}
