/**
 * A directory of this machine as programs see it: read only, and nothing outside. Links are never followed here: every
 * directory on the way is looked at, and one that is a link is not there.
 */
import {
  constants,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../base/errors.ts';
import type { HostRoot, HostStatus } from '../process/files/host-port.ts';

export class DirectoryRoot implements HostRoot {
  readonly #root: string;

  /** Throws InputError when there is no such directory. */
  constructor(root: string) {
    try {
      this.#root = realpathSync(root);
      if (!lstatSync(this.#root).isDirectory()) throw new InputError('is no directory', { file: root });
    } catch (error) {
      if (error instanceof InputError) throw error;
      throw new InputError('no such directory', { file: root });
    }
  }

  status(path: readonly string[]): HostStatus | null {
    if (!this.#isInside(path)) return null;
    let found: ReturnType<typeof lstatSync>;
    try {
      found = lstatSync(this.#join(path));
    } catch {
      // It has gone since its directory was listed, or may not be looked at.
      return null;
    }
    const kind = found.isFile()
      ? 'file'
      : found.isDirectory()
        ? 'directory'
        : found.isSymbolicLink()
          ? 'symlink'
          : null;
    if (kind === null) return null;
    return { kind, mode: found.mode & 0o7777, size: found.size, modified: found.mtimeMs / 1000 };
  }

  list(path: readonly string[]): readonly string[] {
    if (path.length > 0 && this.status(path)?.kind !== 'directory') return [];
    try {
      return readdirSync(this.#join(path));
    } catch {
      // A directory that may not be read is an empty one to programs.
      return [];
    }
  }

  read(path: readonly string[]): Uint8Array {
    if (this.status(path)?.kind !== 'file') return new Uint8Array(0);
    let descriptor: number;
    try {
      descriptor = openSync(this.#join(path), constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch {
      return new Uint8Array(0);
    }
    try {
      return readFileSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  link(path: readonly string[]): string {
    if (this.status(path)?.kind !== 'symlink') return '';
    return readlinkSync(this.#join(path));
  }

  /** Every directory on the way is one, and no link. */
  #isInside(path: readonly string[]): boolean {
    if (
      path.some((name) => name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0'))
    ) {
      return false;
    }
    for (let depth = 1; depth < path.length; depth++) {
      try {
        if (!lstatSync(this.#join(path.slice(0, depth))).isDirectory()) return false;
      } catch {
        return false;
      }
    }
    return true;
  }

  #join(path: readonly string[]): string {
    return join(this.#root, ...path);
  }
}
