/** Sets of small numbers as bits in words. A set that ends early contains nothing beyond its end. */

export type BitSet = Uint32Array;

export const EMPTY_SET: BitSet = new Uint32Array(0);

export function setHas(set: BitSet, member: number): boolean {
  return (((set[member >>> 5] ?? 0) >>> (member & 31)) & 1) === 1;
}

/** A set that grows. */
export class GrowingSet {
  words: BitSet = new Uint32Array(4);

  clear(): void {
    this.words.fill(0);
  }

  has(member: number): boolean {
    return setHas(this.words, member);
  }

  add(member: number): void {
    const word = member >>> 5;
    if (word >= this.words.length) this.#reserve(word + 1);
    this.words[word] = (this.words[word] as number) | (1 << (member & 31));
  }

  addAll(other: BitSet): void {
    if (other.length > this.words.length) this.#reserve(other.length);
    const { words } = this;
    for (let word = 0; word < other.length; word++) words[word] = (words[word] as number) | (other[word] as number);
  }

  #reserve(length: number): void {
    const grown = new Uint32Array(Math.max(length, this.words.length * 2));
    grown.set(this.words);
    this.words = grown;
  }
}

/** Into `members`: what both sets contain, ascending. */
export function intersect(a: BitSet, b: BitSet, members: number[]): void {
  members.length = 0;
  const length = Math.min(a.length, b.length);
  for (let word = 0; word < length; word++) {
    let bits = (a[word] as number) & (b[word] as number);
    while (bits !== 0) {
      members.push(word * 32 + 31 - Math.clz32(bits & -bits));
      bits &= bits - 1;
    }
  }
}
