/** What an MMU counts, for reports. */
import type { PagingStructureCacheEntry } from '../event/cached-translation.ts';

export interface MmuCounters {
  /** Accesses answered by a TLB entry. */
  readonly hits: number;
  /** Accesses for which no TLB entry answered. */
  readonly misses: number;
  /** Walks begun, by accesses and by speculation. */
  readonly walks: number;
  readonly speculativeWalks: number;
  /** Walks begun although a TLB entry answered, because a write must set D. */
  readonly dirtyWalks: number;
  /** Paging-structure entries read. */
  readonly entryReads: number;
  /** TLB entries made. */
  readonly fills: number;
  /** TLB entries made while one of another size already answered for the page. */
  readonly sizeOverlaps: number;
  /** TLB entries lost by replacement or eviction. */
  readonly evictions: number;
  /** Walks that started from an entry of each paging-structure cache. */
  readonly structureHits: Readonly<Record<PagingStructureCacheEntry['kind'], number>>;
  readonly faults: number;
  /** Faults that memory does not call for: a cached translation did. */
  readonly spuriousFaults: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends number ? number : Mutable<T[K]> };

/** The counters while they count. */
export type Tally = Mutable<MmuCounters>;

export function newTally(): Tally {
  return {
    hits: 0,
    misses: 0,
    walks: 0,
    speculativeWalks: 0,
    dirtyWalks: 0,
    entryReads: 0,
    fills: 0,
    sizeOverlaps: 0,
    evictions: 0,
    structureHits: { pml5e: 0, pml4e: 0, pdpte: 0, pde: 0 },
    faults: 0,
    spuriousFaults: 0,
  };
}
