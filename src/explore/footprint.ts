/**
 * What a step read and wrote, as a set of resources: words of memory, the state of a processor, a list that is shared.
 * Resources are numbers whose meaning is the model's own. Two steps of different threads whose footprints do not conflict
 * commute, and neither changes what the other does: that is the whole of the contract, and it is why a footprint must name
 * everything that decides what the step does, its own being possible included.
 *
 * A footprint is observed, of a step that was taken in some state. It stays true as long as only steps that are
 * independent of it are taken meanwhile, and that is all that the search asks of it.
 */
import { type BitSet, GrowingSet } from './bit-set.ts';

export interface Footprint {
  readonly reads: readonly number[];
  /** Read, written or both. */
  readonly writes: readonly number[];
  /** It may have touched anything: for steps that are rare, or not understood. */
  readonly everything: boolean;
}

/** For each resource who reads and who writes it, so that the conflicts of a new footprint are found at once. */
export class ResourceIndex {
  readonly #readers = new Map<number, GrowingSet>();
  readonly #writers = new Map<number, GrowingSet>();
  readonly #everywhere = new GrowingSet();
  readonly #all = new GrowingSet();

  add(member: number, { reads, writes, everything }: Footprint): void {
    this.#all.add(member);
    if (everything) this.#everywhere.add(member);
    for (const resource of reads) setOf(this.#readers, resource).add(member);
    for (const resource of writes) setOf(this.#writers, resource).add(member);
  }

  /** Those that conflict with the footprint. */
  conflicts({ reads, writes, everything }: Footprint): BitSet {
    const found = new GrowingSet();
    if (everything) found.addAll(this.#all.words);
    found.addAll(this.#everywhere.words);
    for (const resource of reads) addAll(found, this.#writers.get(resource));
    for (const resource of writes) {
      addAll(found, this.#readers.get(resource));
      addAll(found, this.#writers.get(resource));
    }
    return found.words;
  }
}

export function footprintKey({ reads, writes, everything }: Footprint): string {
  return everything ? '*' : `${reads.join(' ')}|${writes.join(' ')}`;
}

function setOf(sets: Map<number, GrowingSet>, resource: number): GrowingSet {
  let set = sets.get(resource);
  if (set === undefined) {
    set = new GrowingSet();
    sets.set(resource, set);
  }
  return set;
}

function addAll(into: GrowingSet, set: GrowingSet | undefined): void {
  if (set !== undefined) into.addAll(set.words);
}
