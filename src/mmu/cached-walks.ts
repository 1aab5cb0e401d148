/**
 * Walks together with what they leave behind: what a finished walk found is cached, a page fault invalidates what would
 * translate its address, and whatever invalidates ends the walks in flight.
 */
import type { LinearAddress, PageNumber } from '../arch/address.ts';
import { addressInPage, offsetOf, pageOf } from '../arch/address.ts';
import type { Access } from '../arch/page-fault.ts';
import { present } from '../base/assert.ts';
import type { RemovalCause } from '../event/event.ts';
import type { EventStream } from '../event/stream.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { accessOf, isWrite } from './access-rights.ts';
import type { AccessCode } from './access-rights.ts';
import type { CachedTlbEntry } from './cached-entry.ts';
import type { ControlState } from './control-state.ts';
import type { Tally } from './counters.ts';
import { memoryAllows } from './inspect.ts';
import { byPageFault } from './invalidation.ts';
import type { Invalidation } from './invalidation.ts';
import { PageWalker } from './page-walker.ts';
import type { Serials } from './serials.ts';
import type { TranslationCaches } from './translation-caches.ts';
import type { Walk, WalkOrigin, WalkProgress } from './walk.ts';

export interface CachedWalksOptions {
  readonly processor: number;
  readonly memory: PhysicalMemory;
  readonly control: ControlState;
  readonly caches: TranslationCaches;
  readonly stream: EventStream;
  readonly serials: Serials;
  readonly tally: Tally;
}

/** What a walk is for; `speculative`: for no access. */
export interface WalkRequest {
  readonly address: LinearAddress;
  readonly access: Access;
  readonly speculative: boolean;
}

export class CachedWalks {
  readonly #processor: number;
  readonly #memory: PhysicalMemory;
  readonly #control: ControlState;
  readonly #caches: TranslationCaches;
  readonly #stream: EventStream;
  readonly #tally: Tally;
  readonly #walker: PageWalker;

  constructor({ processor, memory, control, caches, stream, serials, tally }: CachedWalksOptions) {
    this.#processor = processor;
    this.#memory = memory;
    this.#control = control;
    this.#caches = caches;
    this.#stream = stream;
    this.#tally = tally;
    const { structures } = caches;
    this.#walker = new PageWalker({ processor, memory, control, structures, stream, serials, tally });
  }

  /** Those begun and not ended. */
  get inFlight(): ReadonlySet<Walk> {
    return this.#walker.inFlight;
  }

  /** `from`: where it starts, if not where the paging-structure caches let it. */
  begin(request: WalkRequest, from?: WalkOrigin): Walk {
    return this.#walker.begin(request, from);
  }

  /** Reads one entry. When that ends the walk, what it found is cached, or the page fault has invalidated. */
  step(walk: Walk): WalkProgress {
    if (walk.progress !== 'more') return walk.progress;
    const progress = this.#walker.step(walk);
    if (progress === 'translated') this.#complete(walk);
    else if (progress === 'fault') this.pageFault(walk.address, walk.code, { fromCache: walk.shortcut !== null });
    return progress;
  }

  finish(walk: Walk): WalkProgress {
    let progress: WalkProgress;
    do progress = this.step(walk);
    while (progress === 'more');
    return progress;
  }

  abandon(walk: Walk): void {
    if (walk.progress === 'more') this.#walker.end(walk, 'abandoned');
  }

  abandonAll(): void {
    this.#walker.abandonAll();
  }

  /** `fromCache`: memory itself may not call for the fault. */
  pageFault(address: LinearAddress, code: AccessCode, { fromCache }: { readonly fromCache: boolean }): void {
    const page = pageOf(address);
    this.#tally.faults += 1;
    if (fromCache && memoryAllows(this.#memory, this.#control, page, code)) this.#tally.spuriousFaults += 1;
    this.invalidate(byPageFault(this.#control, page), '#PF', address);
  }

  invalidate(invalidation: Invalidation, by: RemovalCause, address: LinearAddress | null): void {
    this.#walker.abandonAll();
    this.#caches.invalidate(invalidation, by, address);
  }

  /** An access goes through the entry: those who watch it are told. */
  announceUse(entry: CachedTlbEntry, page: PageNumber, code: AccessCode, offset: number): void {
    if (!entry.watched || !this.#stream.listening) return;
    const address = addressInPage(page, offset);
    this.#stream.emit({ kind: 'use', processor: this.#processor, cached: entry, address, access: accessOf(code) });
  }

  #complete(walk: Walk): void {
    const mapping = present(walk.mapping, 'the mapping of a finished walk');
    const { page, code } = walk;
    if (isWrite(code) && !walk.speculative) this.#caches.dropClean(page, walk.pcid);
    walk.entry = this.#caches.fill(mapping, page, code);
    if (!walk.speculative) this.announceUse(walk.entry, page, code, offsetOf(walk.address));
  }
}
