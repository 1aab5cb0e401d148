/** A hash table from fingerprints of 64 bits to a number, in typed arrays: 12 bytes a slot, at most three quarters full. */
import { assert } from '../base/assert.ts';

export class StateTable {
  #mask: number;
  #low: Uint32Array;
  #high: Uint32Array;
  /** 0 marks a free slot, so values are kept plus one. */
  #values: Int32Array;
  #size = 0;

  constructor(slots = 1024) {
    assert((slots & (slots - 1)) === 0, 'a power of two slots');
    this.#mask = slots - 1;
    this.#low = new Uint32Array(slots);
    this.#high = new Uint32Array(slots);
    this.#values = new Int32Array(slots);
  }

  get size(): number {
    return this.#size;
  }

  /** The value, or -1. */
  get(low: number, high: number): number {
    return (this.#values[this.#slot(low, high)] as number) - 1;
  }

  set(low: number, high: number, value: number): void {
    assert(value >= 0, 'a value that can be told from none');
    let slot = this.#slot(low, high);
    if (this.#values[slot] === 0) {
      if ((this.#size + 1) * 4 > (this.#mask + 1) * 3) {
        this.#grow();
        slot = this.#slot(low, high);
      }
      this.#size++;
      this.#low[slot] = low;
      this.#high[slot] = high;
    }
    this.#values[slot] = value + 1;
  }

  #slot(low: number, high: number): number {
    let slot = low & this.#mask;
    while (this.#values[slot] !== 0 && (this.#low[slot] !== low || this.#high[slot] !== high)) {
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  #grow(): void {
    const [low, high, values] = [this.#low, this.#high, this.#values];
    const slots = (this.#mask + 1) * 2;
    this.#mask = slots - 1;
    this.#low = new Uint32Array(slots);
    this.#high = new Uint32Array(slots);
    this.#values = new Int32Array(slots);
    for (let old = 0; old < values.length; old++) {
      if (values[old] === 0) continue;
      const slot = this.#slot(low[old] as number, high[old] as number);
      this.#low[slot] = low[old] as number;
      this.#high[slot] = high[old] as number;
      this.#values[slot] = values[old] as number;
    }
  }
}
