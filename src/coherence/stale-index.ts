/** The stale translations, by address space and processor, so that a flush looks at nothing else. */
import { type AddressRegion, concerns, EVERY_MM } from './address-region.ts';
import type { TrackedTranslation } from './tracked-translation.ts';

export class StaleIndex {
  readonly #byMm = new Map<number, Map<number, Set<TrackedTranslation>>>();
  /** Those with a missed change that is not due yet, by address space: what a promise has to look at. */
  readonly #undue = new Map<number, Set<TrackedTranslation>>();
  readonly #onProcessor = new Map<number, number>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(tracked: TrackedTranslation): void {
    const processors = setDefault(this.#byMm, tracked.mm, () => new Map<number, Set<TrackedTranslation>>());
    const set = setDefault(processors, tracked.cached.processor, () => new Set<TrackedTranslation>());
    if (set.has(tracked)) return;
    set.add(tracked);
    this.#count(tracked.cached.processor, 1);
  }

  delete(tracked: TrackedTranslation): void {
    const { mm } = tracked;
    this.#undue.get(mm)?.delete(tracked);
    const processors = this.#byMm.get(mm);
    const set = processors?.get(tracked.cached.processor);
    if (processors === undefined || set?.delete(tracked) !== true) return;
    this.#count(tracked.cached.processor, -1);
    if (set.size === 0) processors.delete(tracked.cached.processor);
    if (processors.size === 0) {
      this.#byMm.delete(mm);
      this.#undue.delete(mm);
    }
  }

  /** How many one processor holds. */
  sizeOn(processor: number): number {
    return this.#onProcessor.get(processor) ?? 0;
  }

  #count(processor: number, change: 1 | -1): void {
    this.#size += change;
    this.#onProcessor.set(processor, this.sizeOn(processor) + change);
  }

  /** To be called when changes were missed or became due. */
  refreshDue(tracked: TrackedTranslation): void {
    if (tracked.missed.some(({ due }) => due === null)) {
      setDefault(this.#undue, tracked.mm, () => new Set<TrackedTranslation>()).add(tracked);
    } else {
      this.#undue.get(tracked.mm)?.delete(tracked);
    }
  }

  *undueIn(region: AddressRegion): Generator<TrackedTranslation> {
    const sets = region.mm === EVERY_MM ? this.#undue.values() : [this.#undue.get(region.mm)];
    for (const set of sets) for (const tracked of set ?? []) if (concerns(region, tracked)) yield tracked;
  }

  *on(processor: number, region: AddressRegion): Generator<TrackedTranslation> {
    const byProcessor = region.mm === EVERY_MM ? this.#byMm.values() : [this.#byMm.get(region.mm)];
    for (const processors of byProcessor) {
      for (const tracked of processors?.get(processor) ?? []) if (concerns(region, tracked)) yield tracked;
    }
  }

  *all(): Generator<TrackedTranslation> {
    for (const processors of this.#byMm.values()) for (const set of processors.values()) yield* set;
  }
}

function setDefault<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const value = make();
  map.set(key, value);
  return value;
}
