/**
 * What the MMU asks of a store of TLB entries (SDM 3A 4.10.2). Which entries are kept, for how long, and which of
 * several that match is used, is the store's to choose: that is where policies differ.
 */
import type { PageNumber } from '../arch/address.ts';
import type { RemovalCause } from '../event/event.ts';
import type { CachedTlbEntry, Mapping, Slot } from './cached-entry.ts';
import type { Invalidation } from './invalidation.ts';

/** How the store makes and loses entries; the MMU announces them. */
export interface TlbHost {
  create(mapping: Mapping, slot: Slot): CachedTlbEntry;
  /** The entry is now in the store. */
  filled(entry: CachedTlbEntry): void;
  /** The entry is in no place of the store any more. */
  removed(entry: CachedTlbEntry, cause: RemovalCause): void;
  /** A lookup of the entry's pages may now have another answer, though the entry itself may still be somewhere. */
  changed(entry: CachedTlbEntry): void;
}

/**
 * Time of last use for each place of a first-level TLB. The MMU advances `now` once before each lookup and fill. Stores
 * that never replace anything have one place, and read it never. Both live in typed arrays, so that generated code may
 * keep them.
 */
export class UseClock {
  stamps: Float64Array;
  #time = new Float64Array(1);

  constructor(places: number) {
    this.stamps = new Float64Array(places);
  }

  get now(): number {
    return this.#time[0] as number;
  }

  set now(value: number) {
    this.#time[0] = value;
  }

  /** Goes on in these arrays. */
  moveTo(time: Float64Array<ArrayBuffer>, stamps: Float64Array<ArrayBuffer>): void {
    time[0] = this.now;
    stamps.set(this.stamps);
    this.#time = time;
    this.stamps = stamps;
  }
}

export interface TlbStore {
  readonly clock: UseClock;
  /** The entry that a data access or fetch of the page uses in the context of `pcid`, noted as used now; or null. */
  lookup(page: PageNumber, pcid: number, fetch: boolean): CachedTlbEntry | null;
  /** Where the last successful lookup or fill found or put its entry. */
  readonly place: number;
  /** Keeps a mapping that a walk for `page` found. The entry that serves this access, or null if none was kept. */
  fill(mapping: Mapping, page: PageNumber, fetch: boolean): CachedTlbEntry | null;
  /** Removes what the invalidation promises away; the number of entries removed. */
  invalidate(invalidation: Invalidation, cause: RemovalCause): number;
  /** Removes one entry from wherever it is; says whether it was here. */
  remove(entry: CachedTlbEntry, cause: RemovalCause): boolean;
  /** As `lookup` by a data access, but only looking: no use is noted and nothing moves. */
  find(page: PageNumber, pcid: number): CachedTlbEntry | null;
  entries(): Iterable<CachedTlbEntry>;
}
