/** The bytes of a regular file, read from their source at first need, and grown by writes. */
import { PAGE_BYTES } from '../../arch/address.ts';
import type { FileContent } from '../../kernel/mm/vm_object.ts';

const INITIAL_CAPACITY = 4096;
/** No file of a program gets larger: EFBIG. */
export const FILE_BYTES_LIMIT = 1 << 30;

export class FileData implements FileContent {
  #source: (() => Uint8Array) | null;
  #bytes = new Uint8Array(0);
  #size: number;
  #version = 0;

  /** `size` is what the source will have. */
  constructor(source: () => Uint8Array, size: number) {
    this.#source = source;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  /** Changes with each write: mappings made from then on see it. */
  get version(): number {
    return this.#version;
  }

  /** A view, valid until the next write. */
  read(offset: number, length: number): Uint8Array {
    this.#load();
    return this.#bytes.subarray(Math.min(offset, this.#size), Math.min(offset + length, this.#size));
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#load();
    const end = offset + bytes.length;
    if (end > this.#size) this.truncate(end);
    this.#bytes.set(bytes, offset);
    this.#version++;
  }

  truncate(size: number): void {
    this.#load();
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, 2 * this.#bytes.length, INITIAL_CAPACITY));
      grown.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = grown;
    }
    if (size < this.#size) this.#bytes.fill(0, size, this.#size);
    this.#size = size;
    this.#version++;
  }

  page(index: number): Uint8Array {
    return this.read(index * PAGE_BYTES, PAGE_BYTES);
  }

  #load(): void {
    if (this.#source === null) return;
    this.#bytes = Uint8Array.from(this.#source());
    this.#size = this.#bytes.length;
    this.#source = null;
  }
}
