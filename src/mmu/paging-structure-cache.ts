/**
 * The paging-structure caches: PML5E, PML4E, PDPTE and PDE (SDM 3A 4.10.3). Each holds what the entries down to its own
 * level told, for the region of linear addresses that the entry translates, tagged with a PCID. An entry is made whenever
 * a walk passes a present entry that refers to another structure, even where nothing below is mapped.
 */
import type { PageNumber, PagingLevel, PagingLevels } from '../arch/address.ts';
import { pagesPerEntry } from '../arch/address.ts';
import { present } from '../base/assert.ts';
import type { PagingStructureCacheEntry } from '../event/cached-translation.ts';
import type { RemovalCause } from '../event/event.ts';
import type { PagingStructureCacheGeometry } from './geometry.ts';
import { invalidates } from './invalidation.ts';
import type { Invalidation } from './invalidation.ts';
import type { StructureStore } from './structure-store.ts';

export const UNBOUNDED: PagingStructureCacheGeometry = {
  pml5e: Number.POSITIVE_INFINITY,
  pml4e: Number.POSITIVE_INFINITY,
  pdpte: Number.POSITIVE_INFINITY,
  pde: Number.POSITIVE_INFINITY,
};

export const NO_PAGING_STRUCTURE_CACHES: PagingStructureCacheGeometry = { pml5e: 0, pml4e: 0, pdpte: 0, pde: 0 };

type Kind = PagingStructureCacheEntry['kind'];

/** Levels of the entries that these caches hold. */
type CachedLevel = Exclude<PagingLevel, 1>;

export const CACHE_KIND = { 2: 'pde', 3: 'pdpte', 4: 'pml4e', 5: 'pml5e' } as const satisfies Record<CachedLevel, Kind>;

/** Bits 56:12 of a linear address: what is above repeats bit 56, or bit 47. */
const PAGE_BITS = 2 ** 45;
const PCIDS = 4096;

export class PagingStructureCaches implements StructureStore {
  readonly #removed: (entry: PagingStructureCacheEntry, cause: RemovalCause) => void;
  readonly #capacity: PagingStructureCacheGeometry;
  /** By level; in each the least recently used comes first. */
  readonly #caches: ReadonlyMap<CachedLevel, Map<number, PagingStructureCacheEntry>> = new Map([
    [2, new Map()],
    [3, new Map()],
    [4, new Map()],
    [5, new Map()],
  ]);

  constructor(
    capacity: PagingStructureCacheGeometry,
    removed: (entry: PagingStructureCacheEntry, cause: RemovalCause) => void,
  ) {
    this.#capacity = capacity;
    this.#removed = removed;
  }

  /** The entry from which a walk of the page starts, the one nearest to the page's own; noted as used now. Or null. */
  lookup(page: PageNumber, pcid: number, levels: PagingLevels): PagingStructureCacheEntry | null {
    for (let level: PagingLevel = 2; level <= levels; level++) {
      const entry = this.find(page, pcid, level as CachedLevel);
      if (entry === null) continue;
      this.#use(level as CachedLevel, entry);
      return entry;
    }
    return null;
  }

  find(page: PageNumber, pcid: number, level: PagingLevel): PagingStructureCacheEntry | null {
    if (level === 1) return null;
    return this.#cache(level).get(keyOf(page, pcid, level)) ?? null;
  }

  /** Whether a new entry for the page would be kept: there is such a cache, and no older entry for the region in it. */
  accepts(page: PageNumber, pcid: number, level: PagingLevel): boolean {
    return level !== 1 && this.#capacity[CACHE_KIND[level]] > 0 && this.find(page, pcid, level) === null;
  }

  fill(entry: PagingStructureCacheEntry): boolean {
    const level = entry.level as CachedLevel;
    const cache = this.#cache(level);
    if (cache.size >= this.#capacity[entry.kind]) {
      for (const oldest of cache.values()) {
        this.remove(oldest, 'replacement');
        break;
      }
    }
    cache.set(keyOf(entry.page, entry.pcid, level), entry);
    return true;
  }

  remove(entry: PagingStructureCacheEntry, cause: RemovalCause): boolean {
    const level = entry.level as CachedLevel;
    const key = keyOf(entry.page, entry.pcid, level);
    const cache = this.#cache(level);
    if (cache.get(key) !== entry) return false;
    cache.delete(key);
    this.#removed(entry, cause);
    return true;
  }

  invalidate(invalidation: Invalidation, cause: RemovalCause): number {
    const { pcid, page, structures } = invalidation;
    let removed = 0;
    for (const [level, cache] of this.#caches) {
      if (cache.size === 0) continue;
      if (structures === 'path' && page !== null && pcid !== null) {
        const entry = this.find(page, pcid, level);
        if (entry !== null && this.remove(entry, cause)) removed += 1;
      } else {
        for (const entry of cache.values()) {
          if (invalidates(invalidation, entry) && this.remove(entry, cause)) removed += 1;
        }
      }
    }
    return removed;
  }

  *entries(): Iterable<PagingStructureCacheEntry> {
    for (const cache of this.#caches.values()) yield* cache.values();
  }

  #cache(level: CachedLevel): Map<number, PagingStructureCacheEntry> {
    return present(this.#caches.get(level), 'a paging-structure cache');
  }

  /** Moves the entry to the end of its cache's order, where room is scarce. */
  #use(level: CachedLevel, entry: PagingStructureCacheEntry): void {
    if (this.#capacity[entry.kind] === Number.POSITIVE_INFINITY) return;
    const key = keyOf(entry.page, entry.pcid, level);
    const cache = this.#cache(level);
    cache.delete(key);
    cache.set(key, entry);
  }
}

/** A region of one size and a PCID as one exact number. */
function keyOf(page: PageNumber, pcid: number, level: CachedLevel): number {
  return Math.floor((page % PAGE_BITS) / pagesPerEntry(level)) * PCIDS + pcid;
}
