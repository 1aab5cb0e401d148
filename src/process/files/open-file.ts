/** Open file descriptions, shared by the descriptors that were duplicated or inherited from one another; tables of descriptors. */
import { assert } from '../../base/assert.ts';
import type { Inode } from './inode.ts';
import { mayRead, mayWrite } from './inode.ts';

export class OpenFile {
  readonly inode: Inode;
  /** O_ flags: access mode, O_APPEND, O_NONBLOCK. */
  flags: number;
  /** The path that it was opened by. */
  readonly path: string;
  /** Bytes, or entries of a directory. */
  offset = 0;
  #references = 0;

  constructor(inode: Inode, flags: number, path: string) {
    this.inode = inode;
    this.flags = flags;
    this.path = path;
    if (inode.kind === 'pipe') {
      if (mayRead(flags)) inode.pipe.readers++;
      if (mayWrite(flags)) inode.pipe.writers++;
    }
  }

  retain(): this {
    this.#references++;
    return this;
  }

  release(): void {
    assert(this.#references > 0, 'a file that is closed is open');
    if (--this.#references > 0 || this.inode.kind !== 'pipe') return;
    if (mayRead(this.flags)) this.inode.pipe.readers--;
    if (mayWrite(this.flags)) this.inode.pipe.writers--;
  }
}

export const DESCRIPTORS_LIMIT = 1024;

interface Descriptor {
  readonly file: OpenFile;
  closeOnExec: boolean;
}

export class DescriptorTable {
  /** Tasks that share it (CLONE_FILES). */
  users = 1;
  readonly #descriptors = new Map<number, Descriptor>();

  get(number: number): OpenFile | null {
    return this.#descriptors.get(number)?.file ?? null;
  }

  get size(): number {
    return this.#descriptors.size;
  }

  closeOnExec(number: number): boolean {
    return this.#descriptors.get(number)?.closeOnExec ?? false;
  }

  setCloseOnExec(number: number, closeOnExec: boolean): void {
    const descriptor = this.#descriptors.get(number);
    if (descriptor !== undefined) descriptor.closeOnExec = closeOnExec;
  }

  /** The lowest free number from `least` on, or null when there is none. */
  add(file: OpenFile, closeOnExec: boolean, least = 0): number | null {
    let number = least;
    while (this.#descriptors.has(number)) number++;
    if (number >= DESCRIPTORS_LIMIT) return null;
    this.put(number, file, closeOnExec);
    return number;
  }

  /** At this number, whatever was there. */
  put(number: number, file: OpenFile, closeOnExec: boolean): void {
    file.retain();
    this.close(number);
    this.#descriptors.set(number, { file, closeOnExec });
  }

  /** False when there is nothing. */
  close(number: number): boolean {
    const descriptor = this.#descriptors.get(number);
    if (descriptor === undefined) return false;
    this.#descriptors.delete(number);
    descriptor.file.release();
    return true;
  }

  copy(): DescriptorTable {
    const copy = new DescriptorTable();
    for (const [number, { file, closeOnExec }] of this.#descriptors) copy.put(number, file, closeOnExec);
    return copy;
  }

  exec(): void {
    for (const [number, { closeOnExec }] of [...this.#descriptors]) if (closeOnExec) this.close(number);
  }

  /** One user less; with the last, everything is closed. */
  leave(): void {
    if (--this.users > 0) return;
    for (const number of [...this.#descriptors.keys()]) this.close(number);
  }
}
