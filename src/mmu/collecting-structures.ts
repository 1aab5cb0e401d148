/**
 * Paging-structure caches that keep every entry of every version that a walk has passed, several for one region among
 * them: what a processor may hold, from which a search chooses what it uses (SDM 3A 4.10.3.2: it may use any, or none).
 */
import type { PageNumber, PagingLevel, PagingLevels } from '../arch/address.ts';
import type { EntrySource, PagingStructureCacheEntry } from '../event/cached-translation.ts';
import type { RemovalCause } from '../event/event.ts';
import { invalidates } from './invalidation.ts';
import type { Invalidation } from './invalidation.ts';
import type { StructureStore } from './structure-store.ts';

export class CollectingStructures implements StructureStore {
  readonly #removed: (entry: PagingStructureCacheEntry, cause: RemovalCause) => void;
  /** The oldest first. */
  readonly #entries = new Set<PagingStructureCacheEntry>();

  constructor(removed: (entry: PagingStructureCacheEntry, cause: RemovalCause) => void) {
    this.#removed = removed;
  }

  /** The oldest of those nearest to the page's own. */
  lookup(page: PageNumber, pcid: number, levels: PagingLevels): PagingStructureCacheEntry | null {
    for (let level: PagingLevel = 2; level <= levels; level++) {
      const entry = this.find(page, pcid, level as PagingLevel);
      if (entry !== null) return entry;
    }
    return null;
  }

  find(page: PageNumber, pcid: number, level: PagingLevel): PagingStructureCacheEntry | null {
    for (const entry of this.#entries) {
      if (entry.level === level && entry.pcid === pcid && translates(entry, page)) return entry;
    }
    return null;
  }

  accepts(_page: PageNumber, _pcid: number, level: PagingLevel): boolean {
    return level !== 1;
  }

  /** An entry that would tell nothing new is not kept. */
  fill(entry: PagingStructureCacheEntry): boolean {
    for (const known of this.#entries) if (isSame(known, entry)) return false;
    this.#entries.add(entry);
    return true;
  }

  remove(entry: PagingStructureCacheEntry, cause: RemovalCause): boolean {
    if (!this.#entries.delete(entry)) return false;
    this.#removed(entry, cause);
    return true;
  }

  invalidate(invalidation: Invalidation, cause: RemovalCause): number {
    let removed = 0;
    for (const entry of this.#entries) {
      if (invalidates(invalidation, entry) && this.remove(entry, cause)) removed += 1;
    }
    return removed;
  }

  entries(): Iterable<PagingStructureCacheEntry> {
    return this.#entries;
  }
}

function translates({ page, pages }: PagingStructureCacheEntry, wanted: PageNumber): boolean {
  return wanted >= page && wanted < page + pages;
}

function isSame(a: PagingStructureCacheEntry, b: PagingStructureCacheEntry): boolean {
  return (
    a.level === b.level &&
    a.page === b.page &&
    a.pcid === b.pcid &&
    a.root === b.root &&
    haveSameSources(a.sources, b.sources)
  );
}

/** Whether two translations were built from the same entries with the same values. */
export function haveSameSources(a: readonly EntrySource[], b: readonly EntrySource[]): boolean {
  return (
    a.length === b.length &&
    a.every((source, index) => source.address === b[index]?.address && source.entry === b[index]?.entry)
  );
}
