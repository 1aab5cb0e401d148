/**
 * The hot path in front of the modelled TLB: direct-mapped, one half for data and one for fetches. It holds a strict
 * subset of what a lookup in the first-level TLB would return, with the accesses that the present control state allows,
 * so that hitting it decides nothing that the model would decide otherwise. Entries that somebody watches are never here.
 *
 * A hit stamps the slot's place in the first-level TLB with the time of use, which is all that an LRU order needs. So
 * forgetting a page is never noticed: the next access finds the same entry in the TLB, and notes the same use.
 *
 * Generated code has the filter in lines of its own (filter-lines.ts), which change whenever this does.
 */
import type { FrameNumber, PageNumber } from '../arch/address.ts';
import { assert } from '../base/assert.ts';
import { FETCH_CODES } from './access-rights.ts';
import type { AccessCode } from './access-rights.ts';
import type { CachedTlbEntry } from './cached-entry.ts';
import { FilterLines, type FilterPlace, LINE_BYTES } from './filter-lines.ts';
import type { UseClock } from './tlb.ts';

const HALF = 1024;
const MASK = HALF - 1;
/** No page number. */
const EMPTY = -1;
const FETCH_SHIFT = Math.log2(HALF / FETCH_CODES);

/** What generated code must know of its lines: their number is a power of two in each half, that of fetches the second. */
export const FILTER_SLOTS = HALF;
export const FILTER_LINE_BYTES = 2 * HALF * LINE_BYTES;

export class AccessFilter {
  readonly enabled: boolean;
  readonly pages = new Float64Array(2 * HALF).fill(EMPTY);
  /** Bit n set: access code n is allowed. */
  readonly allowed = new Int32Array(2 * HALF);
  readonly frames = new Float64Array(2 * HALF);
  /** Where in `clock.stamps` a use is noted. */
  readonly places = new Int32Array(2 * HALF);
  readonly clock: UseClock;
  #lines: FilterLines | null = null;

  constructor(clock: UseClock, enabled: boolean) {
    this.clock = clock;
    this.enabled = enabled;
  }

  /** From now on keeps lines for generated code as well, and the times of use there. It is asked for once. */
  moveTo(place: FilterPlace): void {
    this.clear();
    const { buffer, stamps, time } = place;
    this.clock.moveTo(new Float64Array(buffer, time, 1), new Float64Array(buffer, stamps, this.clock.stamps.length));
    this.#lines = new FilterLines(place, 2 * HALF);
  }

  /** Whether generated code finds the page for such an access. */
  hasLine(page: PageNumber, code: AccessCode): boolean {
    return this.#lines?.allows(AccessFilter.indexOf(page, code), page, code) ?? false;
  }

  static indexOf(page: PageNumber, code: AccessCode): number {
    return (page & MASK) | ((code & FETCH_CODES) << FETCH_SHIFT);
  }

  /** Whether accesses may go through the entry unseen. */
  accepts(entry: CachedTlbEntry): boolean {
    return this.enabled && !entry.watched;
  }

  /** An entry that the filter accepts is what a lookup of the page found, at `place`. */
  set(page: PageNumber, code: AccessCode, entry: CachedTlbEntry, allowed: number, place: number): void {
    const index = AccessFilter.indexOf(page, code);
    this.pages[index] = page;
    this.allowed[index] = allowed;
    this.frames[index] = entry.frameOf(page);
    this.places[index] = place;
    this.#lines?.set(index, page, allowed, entry.frameOf(page), place);
  }

  /** Forgets the pages that the entry answers for. */
  drop(entry: CachedTlbEntry): void {
    const { slotPage, slotPages } = entry;
    const slots = Math.min(slotPages, HALF);
    for (let offset = 0; offset < slots; offset++) {
      const index = (slotPage + offset) & MASK;
      this.#dropIfCovered(entry, index);
      this.#dropIfCovered(entry, index | HALF);
    }
  }

  /** So many hits of a page that is here, the last of them now. */
  noteUses(page: PageNumber, code: AccessCode, hits: number): void {
    const index = AccessFilter.indexOf(page, code);
    assert(this.pages[index] === page, 'a hit is of a page that the filter holds');
    this.clock.now += hits;
    this.clock.stamps[this.places[index] as number] = this.clock.now;
  }

  /** Forgets the pages that lie in a frame. */
  forget(frame: FrameNumber): void {
    for (let index = 0; index < 2 * HALF; index++) if (this.frames[index] === frame) this.#empty(index);
  }

  clear(): void {
    this.pages.fill(EMPTY);
    this.#lines?.clear();
  }

  #dropIfCovered(entry: CachedTlbEntry, index: number): void {
    if (entry.covers(this.pages[index] as PageNumber)) this.#empty(index);
  }

  #empty(index: number): void {
    this.pages[index] = EMPTY;
    this.#lines?.drop(index);
  }
}
