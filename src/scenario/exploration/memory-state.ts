/**
 * A running fingerprint of memory: the sum of one number for each word that differs from what it was after booting, which
 * is the same in every execution. Words are looked at again only when they were written.
 */
import { addressInFrame, type FrameNumber, PAGE_BYTES, type PhysicalAddress } from '../../arch/address.ts';
import { Hash } from '../../explore/hash.ts';
import type { PhysicalMemory } from '../../machine/machine.ts';

/** Memory as it is after booting, by word. */
export type BootImage = BigUint64Array;

export function imageOf(memory: PhysicalMemory): BootImage {
  const image = new BigUint64Array((memory.frames * PAGE_BYTES) / 8);
  for (let word = 0; word < image.length; word++) image[word] = memory.read64((word * 8) as PhysicalAddress);
  return image;
}

export class MemoryState {
  readonly #memory: PhysicalMemory;
  readonly #image: BootImage;
  readonly #written = new Set<PhysicalAddress>();
  readonly #framesWritten = new Set<FrameNumber>();
  /** For each word that differs from the image, the two halves of its number. */
  readonly #low = new Map<PhysicalAddress, number>();
  readonly #high = new Map<PhysicalAddress, number>();
  readonly #hash = new Hash();
  readonly #words = new Uint32Array(2);
  #sumLow = 0;
  #sumHigh = 0;

  constructor(memory: PhysicalMemory, image: BootImage) {
    this.#memory = memory;
    this.#image = image;
  }

  /** The word is about to be written. */
  written(address: PhysicalAddress): void {
    this.#written.add(address);
  }

  frameWritten(frame: FrameNumber): void {
    this.#framesWritten.add(frame);
  }

  tellState(hash: Hash): void {
    for (const frame of this.#framesWritten) {
      for (let offset = 0; offset < PAGE_BYTES; offset += 8) this.#look(addressInFrame(frame, offset));
    }
    for (const address of this.#written) this.#look(address);
    this.#framesWritten.clear();
    this.#written.clear();
    hash.word(this.#sumLow);
    hash.word(this.#sumHigh);
  }

  #look(address: PhysicalAddress): void {
    const value = this.#memory.read64(address);
    const before = this.#low.get(address);
    if (value === this.#image[address / 8]) {
      if (before === undefined) return;
      this.#add(-before, -(this.#high.get(address) as number));
      this.#low.delete(address);
      this.#high.delete(address);
      return;
    }
    this.#hash.reset();
    this.#hash.number(address);
    this.#hash.quad(value);
    this.#hash.finish(this.#words);
    const [low = 0, high = 0] = this.#words;
    if (before !== undefined) this.#add(-before, -(this.#high.get(address) as number));
    this.#add(low, high);
    this.#low.set(address, low);
    this.#high.set(address, high);
  }

  #add(low: number, high: number): void {
    this.#sumLow = (this.#sumLow + low) | 0;
    this.#sumHigh = (this.#sumHigh + high) | 0;
  }
}
