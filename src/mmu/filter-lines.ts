/**
 * The access filter once more, laid out for generated code: a line of 16 bytes for each slot, little-endian.
 *
 *   bytes 0-7    the page's linear address, and in bits 11:0 the accesses that the line allows: bit n is access code n
 *   bytes 8-11   where the page frame lies in the buffer
 *   bytes 12-15  where in the buffer a use is noted
 *
 * A line whose bits 11:0 are zero is empty. A line never allows stores to a frame that is guarded, and there is none for
 * a frame that no memory answers for: such accesses take the slow path. Otherwise the lines hold what the filter holds.
 */
import type { FrameNumber, PageNumber } from '../arch/address.ts';
import { PAGE_BYTES } from '../arch/address.ts';
import type { FrameGuards } from '../memory/frame-guards.ts';

export const LINE_BYTES = 16;
const WORDS = LINE_BYTES / 4;
/** Access codes 4 to 7 are writes. */
const WRITES = 0xf0;

export interface FilterPlace {
  readonly buffer: ArrayBuffer;
  /** Where the lines begin, those of the data half first. */
  readonly lines: number;
  /** Where guest-physical memory begins. */
  readonly memory: number;
  /** Where the time of the last use of each place is noted, and the time itself: 8 bytes each. */
  readonly stamps: number;
  readonly time: number;
  readonly guards: FrameGuards;
}

export class FilterLines {
  readonly #words: Int32Array;
  readonly #place: FilterPlace;

  constructor(place: FilterPlace, slots: number) {
    this.#place = place;
    this.#words = new Int32Array(place.buffer, place.lines, slots * WORDS);
    this.clear();
  }

  set(slot: number, page: PageNumber, allowed: number, frame: FrameNumber, place: number): void {
    const { guards, memory, stamps } = this.#place;
    const word = slot * WORDS;
    const known = frame < guards.of.length;
    const accesses = known ? (guards.guarded(frame) ? allowed & ~WRITES : allowed) : 0;
    this.#words[word] = ((page & 0xf_ffff) << 12) | accesses;
    this.#words[word + 1] = Math.floor(page / 0x10_0000);
    this.#words[word + 2] = memory + frame * PAGE_BYTES;
    this.#words[word + 3] = stamps + 8 * place;
  }

  allows(slot: number, page: PageNumber, code: number): boolean {
    const low = this.#words[slot * WORDS] as number;
    const high = this.#words[slot * WORDS + 1] as number;
    return ((low >> code) & 1) !== 0 && low >>> 12 === (page & 0xf_ffff) && high >>> 0 === Math.floor(page / 0x10_0000);
  }

  drop(slot: number): void {
    this.#words[slot * WORDS] = 0;
  }

  clear(): void {
    this.#words.fill(0);
  }
}
