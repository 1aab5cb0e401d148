/** Keeps each distinct set once and hands out its number, so that a million states can share a few thousand sets. */
import { type BitSet, EMPTY_SET } from './bit-set.ts';

export class SetPool {
  readonly #sets: BitSet[] = [EMPTY_SET];
  readonly #byHash = new Map<number, number[]>();

  get size(): number {
    return this.#sets.length;
  }

  /** The number of the set with these members; 0 is the empty set. */
  intern(words: BitSet): number {
    let length = words.length;
    while (length > 0 && words[length - 1] === 0) length--;
    if (length === 0) return 0;
    let hash = length;
    for (let word = 0; word < length; word++) {
      hash = Math.imul(hash ^ (words[word] as number), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    const candidates = this.#byHash.get(hash);
    if (candidates !== undefined) {
      for (const candidate of candidates) if (equal(this.get(candidate), words, length)) return candidate;
    }
    const number = this.#sets.length;
    this.#sets.push(words.slice(0, length));
    if (candidates === undefined) this.#byHash.set(hash, [number]);
    else candidates.push(number);
    return number;
  }

  get(number: number): BitSet {
    return this.#sets[number] as BitSet;
  }
}

function equal(set: BitSet, words: BitSet, length: number): boolean {
  if (set.length !== length) return false;
  for (let word = 0; word < length; word++) if (set[word] !== words[word]) return false;
  return true;
}
