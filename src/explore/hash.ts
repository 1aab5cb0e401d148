import type { StateSink } from '../base/state-sink.ts';

/**
 * A running hash of 64 bits in two words, for fingerprints of states and for what a thread has observed: absorbing the
 * same numbers in the same order gives the same words. Two multiply-and-rotate lanes, finished with an avalanche. Not
 * for cryptography; with n distinct states about n²/2⁶⁵ pairs collide.
 */
export class Hash implements StateSink {
  #low = 0x243f6a88;
  #high = 0x85a308d3;

  reset(): void {
    this.#low = 0x243f6a88;
    this.#high = 0x85a308d3;
  }

  /** Absorbs the low 32 bits. */
  word(value: number): void {
    const low = Math.imul(this.#low ^ value, 0x9e3779b1);
    this.#low = ((low << 13) | (low >>> 19)) ^ this.#high;
    const high = Math.imul((this.#high + value) | 0, 0x85ebca6b);
    this.#high = (((high << 17) | (high >>> 15)) + low) | 0;
  }

  number(value: number): void {
    this.word(value);
    this.word(Math.floor(value / 2 ** 32));
  }

  /** Absorbs all 64 bits. */
  quad(value: bigint): void {
    this.word(Number(BigInt.asIntN(32, value)));
    this.word(Number(BigInt.asIntN(32, value >> 32n)));
  }

  text(value: string): void {
    this.word(value.length);
    for (let at = 0; at < value.length; at++) this.word(value.charCodeAt(at));
  }

  /** Absorbs another hash as it stands. */
  hash(other: Hash): void {
    this.word(other.#low);
    this.word(other.#high);
  }

  /** Takes over the state of another. */
  copy(other: Hash): void {
    this.#low = other.#low;
    this.#high = other.#high;
  }

  finish(into: Uint32Array): void {
    const low = avalanche(this.#low ^ Math.imul(this.#high, 0xc2b2ae35));
    into[0] = low;
    into[1] = avalanche(this.#high ^ Math.imul(low, 0x27d4eb2f));
  }
}

function avalanche(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x21f0aaad);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
