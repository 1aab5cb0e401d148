/**
 * Where the kernel's variables live: eight bytes each, handed out in order from frame 1 of physical memory upwards. Frame
 * 0 stays unused, so that address 0 names no variable. Variables are never handed back: a store to a dead one may still
 * wait in another processor's store buffer.
 */
import { addressInFrame, frameNumber, PAGE_BYTES, type PhysicalAddress } from '../arch/address.ts';
import type { StateSink } from '../base/state-sink.ts';
import { assert } from './bug.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { Cell } from './cell.ts';
import type { Hardware } from './hardware.ts';

const CELL_BYTES = 8;
const FIRST_FRAME = 1;

export class KernelData {
  readonly #hardware: Hardware;
  readonly #limit: number;
  #next: number = addressInFrame(frameNumber(FIRST_FRAME), 0);

  /** Takes the frames [1, 1 + frames). */
  constructor(hardware: Hardware, frames: number) {
    assert(FIRST_FRAME + frames <= hardware.frames, `no room for ${frames} frames of kernel data`);
    this.#hardware = hardware;
    this.#limit = (FIRST_FRAME + frames) * PAGE_BYTES;
  }

  tellState(sink: StateSink): void {
    sink.number(this.#next);
  }

  allocate<T>(initial: T, encode: (value: T) => bigint, decode: (bits: bigint) => T): Cell<T> {
    if (this.#next + CELL_BYTES > this.#limit) {
      throw new UnsupportedError(`more kernel variables than ${this.#limit - PAGE_BYTES} bytes hold: raise dataFrames`);
    }
    this.#hardware.touch?.('kernel data', 0, 'write');
    const address = this.#next as PhysicalAddress;
    this.#next += CELL_BYTES;
    this.#hardware.poke(address, encode(initial));
    return { address, encode, decode };
  }
}
