/**
 * Everything that one processor has cached of the paging structures - TLB, paging-structure caches, and the filter in
 * front of the TLB - with the events and counts of what enters and leaves.
 */
import type { LinearAddress, PageNumber } from '../arch/address.ts';
import type { CachedTranslation } from '../event/cached-translation.ts';
import type { RemovalCause } from '../event/event.ts';
import type { EventStream } from '../event/stream.ts';
import { AccessFilter } from './access-filter.ts';
import { isFetch } from './access-rights.ts';
import type { AccessCode } from './access-rights.ts';
import { CachedTlbEntry } from './cached-entry.ts';
import type { Mapping, Slot } from './cached-entry.ts';
import type { Tally } from './counters.ts';
import type { Invalidation } from './invalidation.ts';
import type { TlbPolicy } from './policy/policy.ts';
import type { Serials } from './serials.ts';
import type { StructureStore } from './structure-store.ts';
import type { TlbHost, TlbStore } from './tlb.ts';

export interface TranslationCachesOptions {
  readonly processor: number;
  readonly policy: TlbPolicy;
  readonly stream: EventStream;
  readonly serials: Serials;
  readonly tally: Tally;
  readonly filter: boolean;
}

export class TranslationCaches {
  readonly tlb: TlbStore;
  readonly structures: StructureStore;
  readonly filter: AccessFilter;
  readonly #processor: number;
  readonly #stream: EventStream;
  readonly #serials: Serials;
  readonly #tally: Tally;
  readonly #keepsCleanEntries: boolean;
  /** Ticks of the TLB's clock that were no hits in the filter. */
  #otherTicks = 0;

  constructor({ processor, policy, stream, serials, tally, filter }: TranslationCachesOptions) {
    this.#processor = processor;
    this.#stream = stream;
    this.#serials = serials;
    this.#tally = tally;
    this.#keepsCleanEntries = policy.keepsCleanEntries;
    this.structures = policy.createPagingStructureCaches((entry, cause) => this.#announceRemoval(entry, cause));
    this.tlb = policy.createTlb(this.#host());
    this.filter = new AccessFilter(this.tlb.clock, filter);
  }

  /** Accesses that the filter answered. */
  get filterHits(): number {
    return this.tlb.clock.now - this.#otherTicks;
  }

  *entries(): Iterable<CachedTranslation> {
    yield* this.tlb.entries();
    yield* this.structures.entries();
  }

  /** The TLB entry that an access uses, or null. */
  lookup(page: PageNumber, pcid: number, code: AccessCode): CachedTlbEntry | null {
    this.#tick();
    return this.tlb.lookup(page, pcid, isFetch(code));
  }

  /** Keeps what a walk for the page found; if the policy keeps nothing, the entry is the access's alone. */
  fill(mapping: Mapping, page: PageNumber, code: AccessCode): CachedTlbEntry {
    this.#tick();
    const other = this.tlb.find(page, mapping.pcid);
    if (other !== null && other.pages !== mapping.pages) this.#tally.sizeOverlaps += 1;
    return this.tlb.fill(mapping, page, isFetch(code)) ?? this.#create(mapping, mapping);
  }

  /** Drops the entries of the page that lack D: the walk that sets it replaces them, or each write would walk again. */
  dropClean(page: PageNumber, pcid: number): void {
    if (this.#keepsCleanEntries) return;
    for (;;) {
      const entry = this.tlb.find(page, pcid);
      if (entry === null || entry.dirty) return;
      this.tlb.remove(entry, 'conflict');
    }
  }

  /** Removes what the invalidation names; the number of entries removed. */
  remove(invalidation: Invalidation, cause: RemovalCause): number {
    return this.tlb.invalidate(invalidation, cause) + this.structures.invalidate(invalidation, cause);
  }

  removeEntry(cached: CachedTranslation, cause: RemovalCause): boolean {
    if (cached.kind !== 'tlb') return this.structures.remove(cached, cause);
    return cached instanceof CachedTlbEntry && this.tlb.remove(cached, cause);
  }

  /** As `remove`, by an operation that observers are told of. */
  invalidate(invalidation: Invalidation, by: RemovalCause, address: LinearAddress | null): void {
    const removed = this.remove(invalidation, by);
    if (!this.#stream.listening) return;
    const { pcid } = invalidation;
    this.#stream.emit({ kind: 'invalidation', processor: this.#processor, by, address, pcid, removed });
  }

  #host(): TlbHost {
    return {
      create: (mapping, slot) => this.#create(mapping, slot),
      filled: (entry) => {
        this.#tally.fills += 1;
        if (this.#stream.listening) this.#stream.emit({ kind: 'fill', processor: this.#processor, cached: entry });
      },
      removed: (entry, cause) => {
        this.filter.drop(entry);
        if (cause === 'replacement' || cause === 'eviction') this.#tally.evictions += 1;
        this.#announceRemoval(entry, cause);
      },
      changed: (entry) => this.filter.drop(entry),
    };
  }

  #create(mapping: Mapping, slot: Slot): CachedTlbEntry {
    return new CachedTlbEntry(mapping, slot, this.#serials.next(), (entry) => this.filter.drop(entry));
  }

  #tick(): void {
    this.tlb.clock.now += 1;
    this.#otherTicks += 1;
  }

  #announceRemoval(cached: CachedTranslation, cause: RemovalCause): void {
    if (this.#stream.listening) this.#stream.emit({ kind: 'removal', processor: this.#processor, cached, cause });
  }
}
