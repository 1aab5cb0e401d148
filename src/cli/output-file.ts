/** Files that a run writes: opened before it begins, so that nothing is computed for a file that cannot be written. */
import { closeSync, openSync, realpathSync, writeSync } from 'node:fs';
import { InputError } from '../base/errors.ts';

export class OutputFile {
  readonly #file: string;
  readonly #descriptor: number;

  /** Throws InputError when it cannot be opened, or is one of the files that are to be kept. */
  constructor(file: string, { keep }: { readonly keep: readonly string[] }) {
    this.#file = file;
    if (keep.some((other) => isSame(file, other))) throw new InputError('is already read or written here', { file });
    this.#descriptor = this.#try(() => openSync(file, 'w'));
  }

  write(bytes: Uint8Array): void {
    for (let written = 0; written < bytes.length; ) {
      const at = written;
      written += this.#try(() => writeSync(this.#descriptor, bytes, at));
    }
  }

  close(): void {
    this.#try(() => closeSync(this.#descriptor));
  }

  #try<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
      throw new InputError(`cannot be written: ${REASONS[String(error.code)] ?? String(error.code)}`, {
        file: this.#file,
      });
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such folder',
  ENOTDIR: 'no such folder',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOSPC: 'no space left',
  EROFS: 'read-only file system',
};

function isSame(file: string, other: string): boolean {
  try {
    return realpathSync(file) === realpathSync(other);
  } catch {
    // One of them does not exist, so they are not one file.
    return false;
  }
}
