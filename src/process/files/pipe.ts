/** A pipe: bytes in order, so many at most, and the numbers of those who may still write and read. */

const PIPE_BYTES = 65536;
/** A write of so many bytes or fewer goes in whole. */
const PIPE_BUF = 4096;

export class Pipe {
  readers = 0;
  writers = 0;
  readonly #bytes = new Uint8Array(PIPE_BYTES);
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get capacity(): number {
    return PIPE_BYTES;
  }

  /** Whether a read would not wait: there is something, or nobody who could write. */
  get readable(): boolean {
    return this.#length > 0 || this.writers === 0;
  }

  /** Whether a write of so many bytes would get at least some of them in, or fail. */
  writable(bytes: number): boolean {
    const room = PIPE_BYTES - this.#length;
    return this.readers === 0 || (bytes <= PIPE_BUF ? room >= bytes : room > 0);
  }

  take(limit: number): Uint8Array {
    const taken = new Uint8Array(Math.min(limit, this.#length));
    for (let index = 0; index < taken.length; index++) {
      taken[index] = this.#bytes[(this.#first + index) % PIPE_BYTES] as number;
    }
    this.#first = (this.#first + taken.length) % PIPE_BYTES;
    this.#length -= taken.length;
    return taken;
  }

  /** Result: how many went in. */
  put(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, PIPE_BYTES - this.#length);
    const end = this.#first + this.#length;
    for (let index = 0; index < count; index++) this.#bytes[(end + index) % PIPE_BYTES] = bytes[index] as number;
    this.#length += count;
    return count;
  }
}
