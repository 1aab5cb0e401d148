/** 256 bits, one for each vector, read 32 at a time: the form of IRR, ISR and TMR (SDM 3A 11.8.4 figure 11-20). */

export class VectorSet {
  readonly #words = new Uint32Array(8);

  has(vector: number): boolean {
    return ((this.word(vector >>> 5) >>> (vector & 31)) & 1) === 1;
  }

  add(vector: number): void {
    this.#words[vector >>> 5] = this.word(vector >>> 5) | (1 << (vector & 31));
  }

  delete(vector: number): void {
    this.#words[vector >>> 5] = this.word(vector >>> 5) & ~(1 << (vector & 31));
  }

  clear(): void {
    this.#words.fill(0);
  }

  /** Bit n is vector 32 * index + n. */
  word(index: number): number {
    return this.#words[index] ?? 0;
  }

  /** The highest vector, or -1 when there is none. */
  highest(): number {
    for (let index = 7; index >= 0; index--) {
      const word = this.word(index);
      if (word !== 0) return index * 32 + 31 - Math.clz32(word);
    }
    return -1;
  }
}
