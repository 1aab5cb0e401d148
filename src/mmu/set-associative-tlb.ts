/**
 * Two levels of set-associative TLB with LRU replacement, after a real part's geometry. The second level neither contains
 * the first nor excludes it: a walk fills both, a hit in the second fills the first. An entry lives as long as some place
 * holds it. The replacement that parts really use is not published; LRU is (model).
 */
import type { PageNumber } from '../arch/address.ts';
import { present } from '../base/assert.ts';
import type { RemovalCause } from '../event/event.ts';
import { slotOf } from './cached-entry.ts';
import type { CachedTlbEntry, Mapping } from './cached-entry.ts';
import type { TlbArrayGeometry } from './geometry.ts';
import { invalidates } from './invalidation.ts';
import type { Invalidation } from './invalidation.ts';
import { type TlbHost, type TlbStore, UseClock } from './tlb.ts';

/** One array of the TLB; its ways are places [base, base + sets * ways) among all. */
interface TlbArray {
  readonly geometry: TlbArrayGeometry;
  readonly base: number;
}

/** The slots of one size that an access of some kind looks for in one array. */
interface Lane {
  readonly array: TlbArray;
  readonly slotPages: number;
}

export class SetAssociativeTlb implements TlbStore {
  readonly clock: UseClock;
  readonly #host: TlbHost;
  readonly #places: (CachedTlbEntry | null)[];
  readonly #placesOf = new Map<CachedTlbEntry, number[]>();
  /** Indexed by level - 1; in each, lanes by slot size, largest first. */
  readonly #data: readonly (readonly Lane[])[];
  readonly #fetch: readonly (readonly Lane[])[];
  #place = 0;

  constructor(host: TlbHost, geometries: readonly TlbArrayGeometry[]) {
    this.#host = host;
    const arrays: TlbArray[] = [];
    let base = 0;
    for (const geometry of geometries) {
      arrays.push({ geometry, base });
      base += geometry.sets * geometry.ways;
    }
    this.#places = new Array<CachedTlbEntry | null>(base).fill(null);
    this.clock = new UseClock(base);
    this.#data = [lanes(arrays, 1, 'data'), lanes(arrays, 2, 'data')];
    this.#fetch = [lanes(arrays, 1, 'fetch'), lanes(arrays, 2, 'fetch')];
  }

  get place(): number {
    return this.#place;
  }

  lookup(page: PageNumber, pcid: number, fetch: boolean): CachedTlbEntry | null {
    const [first, second] = this.#levels(fetch);
    const near = this.#search(first, page, pcid);
    if (near >= 0) {
      this.#touch(near);
      this.#place = near;
      return this.#at(near);
    }
    const far = this.#search(second, page, pcid);
    if (far < 0) return null;
    this.#touch(far);
    const entry = this.#at(far);
    this.#place = this.#insert(first, entry) ?? far;
    return entry;
  }

  find(page: PageNumber, pcid: number): CachedTlbEntry | null {
    for (const level of [...this.#data, ...this.#fetch]) {
      const place = this.#search(level, page, pcid);
      if (place >= 0) return this.#at(place);
    }
    return null;
  }

  fill(mapping: Mapping, page: PageNumber, fetch: boolean): CachedTlbEntry | null {
    const created = new Map<number, CachedTlbEntry>();
    let nearest: CachedTlbEntry | null = null;
    const levels = this.#levels(fetch);
    for (let level = levels.length - 1; level >= 0; level--) {
      const lane = levels[level]?.find(({ slotPages }) => slotPages <= mapping.pages);
      if (lane === undefined) continue;
      const slot = slotOf(page, lane.slotPages);
      let entry = created.get(lane.slotPages);
      if (entry === undefined) {
        this.#removeConflicting(mapping, slot.page, slot.pages);
        entry = this.#host.create(mapping, slot);
        created.set(lane.slotPages, entry);
      }
      this.#place = this.#insertInto(lane.array, entry);
      nearest = entry;
    }
    for (const entry of created.values()) this.#host.filled(entry);
    return nearest;
  }

  remove(entry: CachedTlbEntry, cause: RemovalCause): boolean {
    const places = this.#placesOf.get(entry);
    if (places === undefined) return false;
    for (const place of places) this.#places[place] = null;
    this.#placesOf.delete(entry);
    this.#host.removed(entry, cause);
    return true;
  }

  invalidate(invalidation: Invalidation, cause: RemovalCause): number {
    let removed = 0;
    for (const entry of this.#placesOf.keys()) {
      if (invalidates(invalidation, entry) && this.remove(entry, cause)) removed += 1;
    }
    return removed;
  }

  entries(): Iterable<CachedTlbEntry> {
    return this.#placesOf.keys();
  }

  #levels(fetch: boolean): readonly [readonly Lane[], readonly Lane[]] {
    const [first, second] = fetch ? this.#fetch : this.#data;
    return [present(first, 'first level'), present(second, 'second level')];
  }

  #at(place: number): CachedTlbEntry {
    return present(this.#places[place], 'an entry at its place');
  }

  #touch(place: number): void {
    this.clock.stamps[place] = this.clock.now;
  }

  /** The place of the oldest match, or -1. */
  #search(lanesOfLevel: readonly Lane[], page: PageNumber, pcid: number): number {
    let found = -1;
    let serial = Number.POSITIVE_INFINITY;
    for (const { array, slotPages } of lanesOfLevel) {
      const start = startOfSet(array, page, slotPages);
      for (let place = start; place < start + array.geometry.ways; place++) {
        const entry = this.#places[place] ?? null;
        if (entry === null || entry.slotPages !== slotPages || !entry.covers(page)) continue;
        if ((entry.global || entry.pcid === pcid) && entry.serial < serial) {
          found = place;
          serial = entry.serial;
        }
      }
    }
    return found;
  }

  /** Puts an entry that is already in the store into a level that has room for its size; its place there, if any. */
  #insert(lanesOfLevel: readonly Lane[], entry: CachedTlbEntry): number | null {
    const lane = lanesOfLevel.find(({ slotPages }) => slotPages === entry.slotPages);
    return lane === undefined ? null : this.#insertInto(lane.array, entry);
  }

  #insertInto(array: TlbArray, entry: CachedTlbEntry): number {
    const place = this.#victim(array, entry);
    const leaving = this.#places[place] ?? null;
    if (leaving !== null) this.#leave(place, leaving);
    this.#places[place] = entry;
    const places = this.#placesOf.get(entry);
    if (places === undefined) this.#placesOf.set(entry, [place]);
    else places.push(place);
    this.#touch(place);
    this.#host.changed(entry);
    return place;
  }

  /** An empty way of the set, or the one used longest ago. */
  #victim(array: TlbArray, entry: CachedTlbEntry): number {
    const start = startOfSet(array, entry.slotPage, entry.slotPages);
    let victim = start;
    for (let place = start; place < start + array.geometry.ways; place++) {
      if (this.#places[place] === null) return place;
      if (present(this.clock.stamps[place], 'a stamp') < present(this.clock.stamps[victim], 'a stamp')) victim = place;
    }
    return victim;
  }

  #leave(place: number, entry: CachedTlbEntry): void {
    const places = present(this.#placesOf.get(entry), 'places of a resident entry').filter((other) => other !== place);
    if (places.length === 0) {
      this.#placesOf.delete(entry);
      this.#host.removed(entry, 'replacement');
    } else {
      this.#placesOf.set(entry, places);
      this.#host.changed(entry);
    }
  }

  /** A processor holds one entry for one slot of one context. */
  #removeConflicting(mapping: Mapping, slotPage: PageNumber, slotPages: number): void {
    for (const lane of [...this.#data, ...this.#fetch].flat()) {
      if (lane.slotPages !== slotPages) continue;
      const start = startOfSet(lane.array, slotPage, slotPages);
      for (let place = start; place < start + lane.array.geometry.ways; place++) {
        const entry = this.#places[place] ?? null;
        if (entry === null || entry.slotPage !== slotPage || entry.slotPages !== slotPages) continue;
        if (entry.global === mapping.global && (entry.global || entry.pcid === mapping.pcid)) {
          this.remove(entry, 'conflict');
        }
      }
    }
  }
}

function lanes(arrays: readonly TlbArray[], level: 1 | 2, kind: 'data' | 'fetch'): Lane[] {
  return arrays
    .filter(({ geometry }) => geometry.level === level && geometry.serves.includes(kind))
    .flatMap((array) => array.geometry.slotPages.map((slotPages) => ({ array, slotPages })))
    .sort((one, other) => other.slotPages - one.slotPages);
}

function startOfSet({ geometry, base }: TlbArray, page: PageNumber, slotPages: number): number {
  return base + (Math.floor(page / slotPages) % geometry.sets) * geometry.ways;
}
