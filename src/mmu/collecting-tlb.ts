/**
 * A TLB that keeps every version of every translation that a walk has found, several for one page among them: what a
 * processor may hold, from which a search chooses what an access uses (SDM 3A 4.10.2.3: it may use any, or none).
 */
import type { PageNumber } from '../arch/address.ts';
import type { RemovalCause } from '../event/event.ts';
import type { CachedTlbEntry, Mapping, Slot } from './cached-entry.ts';
import { haveSameSources } from './collecting-structures.ts';
import { invalidates } from './invalidation.ts';
import type { Invalidation } from './invalidation.ts';
import { type TlbHost, type TlbStore, UseClock } from './tlb.ts';

export class CollectingTlb implements TlbStore {
  readonly clock = new UseClock(1);
  readonly place = 0;
  readonly #host: TlbHost;
  /** The oldest first. */
  readonly #entries = new Set<CachedTlbEntry>();

  constructor(host: TlbHost) {
    this.#host = host;
  }

  lookup(page: PageNumber, pcid: number, _fetch: boolean): CachedTlbEntry | null {
    return this.find(page, pcid);
  }

  /** The oldest. */
  find(page: PageNumber, pcid: number): CachedTlbEntry | null {
    for (const entry of this.#entries) {
      if ((entry.global || entry.pcid === pcid) && entry.covers(page)) return entry;
    }
    return null;
  }

  /** An entry that would tell nothing new is not made. */
  fill(mapping: Mapping, _page: PageNumber, _fetch: boolean): CachedTlbEntry {
    for (const known of this.#entries) if (isSame(known, mapping)) return known;
    const slot: Slot = mapping;
    const entry = this.#host.create(mapping, slot);
    this.#entries.add(entry);
    this.#host.filled(entry);
    return entry;
  }

  remove(entry: CachedTlbEntry, cause: RemovalCause): boolean {
    if (!this.#entries.delete(entry)) return false;
    this.#host.removed(entry, cause);
    return true;
  }

  invalidate(invalidation: Invalidation, cause: RemovalCause): number {
    let removed = 0;
    for (const entry of this.#entries) {
      if (invalidates(invalidation, entry) && this.remove(entry, cause)) removed += 1;
    }
    return removed;
  }

  entries(): Iterable<CachedTlbEntry> {
    return this.#entries;
  }
}

function isSame(known: CachedTlbEntry, mapping: Mapping): boolean {
  return (
    known.page === mapping.page &&
    known.pages === mapping.pages &&
    known.pcid === mapping.pcid &&
    known.root === mapping.root &&
    known.global === mapping.global &&
    known.dirty === mapping.dirty &&
    haveSameSources(known.sources, mapping.sources)
  );
}
