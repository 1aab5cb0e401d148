/** What walks and invalidations ask of a store of paging-structure-cache entries (SDM 3A 4.10.3). */
import type { PageNumber, PagingLevel, PagingLevels } from '../arch/address.ts';
import type { PagingStructureCacheEntry } from '../event/cached-translation.ts';
import type { RemovalCause } from '../event/event.ts';
import type { Invalidation } from './invalidation.ts';

export interface StructureStore {
  /** The entry from which a walk of the page starts, noted as used now; or null. */
  lookup(page: PageNumber, pcid: number, levels: PagingLevels): PagingStructureCacheEntry | null;
  /** An entry of this level that would translate the page, or null. */
  find(page: PageNumber, pcid: number, level: PagingLevel): PagingStructureCacheEntry | null;
  /** Whether a new entry for the page might be kept. */
  accepts(page: PageNumber, pcid: number, level: PagingLevel): boolean;
  /** Says whether the entry is in the store now. */
  fill(entry: PagingStructureCacheEntry): boolean;
  /** Says whether the entry was here. */
  remove(entry: PagingStructureCacheEntry, cause: RemovalCause): boolean;
  /** Removes what the invalidation promises away; the number of entries removed. */
  invalidate(invalidation: Invalidation, cause: RemovalCause): number;
  entries(): Iterable<PagingStructureCacheEntry>;
}
