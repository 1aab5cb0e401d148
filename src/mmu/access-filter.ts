/**
 * The hot path in front of the modelled TLB: direct-mapped, one half for data and one for fetches. It holds a strict
 * subset of what a lookup in the first-level TLB would return, with the accesses that the present control state allows,
 * so that hitting it decides nothing that the model would decide otherwise. Entries that somebody watches are never here.
 *
 * A hit stamps the slot's place in the first-level TLB with the time of use, which is all that an LRU order needs.
 */
import type { PageNumber } from '../arch/address.ts';
import { FETCH_CODES } from './access-rights.ts';
import type { AccessCode } from './access-rights.ts';
import type { CachedTlbEntry } from './cached-entry.ts';
import type { UseClock } from './tlb.ts';

const HALF = 1024;
const MASK = HALF - 1;
/** No page number. */
const EMPTY = -1;
const FETCH_SHIFT = Math.log2(HALF / FETCH_CODES);

export class AccessFilter {
  readonly enabled: boolean;
  readonly pages = new Float64Array(2 * HALF).fill(EMPTY);
  /** Bit n set: access code n is allowed. */
  readonly allowed = new Int32Array(2 * HALF);
  readonly frames = new Float64Array(2 * HALF);
  /** Where in `clock.stamps` a use is noted. */
  readonly places = new Int32Array(2 * HALF);
  readonly clock: UseClock;

  constructor(clock: UseClock, enabled: boolean) {
    this.clock = clock;
    this.enabled = enabled;
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

  clear(): void {
    this.pages.fill(EMPTY);
  }

  #dropIfCovered(entry: CachedTlbEntry, index: number): void {
    if (entry.covers(this.pages[index] as PageNumber)) this.pages[index] = EMPTY;
  }
}
