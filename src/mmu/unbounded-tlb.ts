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
import type { TlbHost, TlbStore, UseClock } from './tlb.ts';

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

  *entries(): Iterable<CachedTlbEntry> {
    for (const slots of this.bySlot) yield* slots.values();
  }

  /** The entries that an invalidation of `page` may concern: in its slots, and pieces of larger pages. */
  *near(page: PageNumber, extent: Invalidation['extent']): Iterable<CachedTlbEntry> {
    for (const pages of SLOT_PAGES) {
      const entry = this.slots(pages).get(regionStart(page, pages));
      if (entry !== undefined) yield entry;
    }
    if (extent === 'page') yield* this.fractured;
  }
}

export class UnboundedTlb implements TlbStore {
  readonly clock: UseClock = { now: 0, stamps: new Float64Array(1) };
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
    let removed = 0;
    for (const bucket of this.#concerned(invalidation)) {
      const { page, extent } = invalidation;
      const candidates = page === null ? bucket.entries() : bucket.near(page, extent);
      for (const entry of candidates) {
        if (invalidates(invalidation, entry) && this.remove(entry, cause)) removed += 1;
      }
    }
    return removed;
  }

  *entries(): Iterable<CachedTlbEntry> {
    yield* this.#global.entries();
    for (const bucket of this.#byPcid.values()) yield* bucket.entries();
  }

  *#concerned({ pcid, globals }: Invalidation): Iterable<Bucket> {
    if (globals !== 'none') yield this.#global;
    if (pcid === null) yield* this.#byPcid.values();
    else yield this.#bucket(pcid);
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
