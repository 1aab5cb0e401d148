/**
 * Files as programs find them: regular files, directories, symbolic links, devices and pipes. Everything lives in memory;
 * directories and files of the host's view are read when somebody first looks, and never written back.
 */
import { O, S } from '../../arch/linux-files.ts';
import { FileData } from './file-data.ts';
import type { Pipe } from './pipe.ts';

export interface InodeFacts {
  readonly ino: number;
  /** Permission bits. */
  mode: number;
  links: number;
  /** Nanoseconds since 1970. */
  modified: bigint;
}

export type Inode = FileInode | DirectoryInode | SymlinkInode | DeviceInode | PipeInode;

export interface FileInode extends InodeFacts {
  readonly kind: 'file';
  readonly data: FileData;
}

export interface DirectoryInode extends InodeFacts {
  readonly kind: 'directory';
  readonly children: () => Map<string, Inode>;
  /** Itself, for the root. */
  parent: DirectoryInode | null;
}

export interface SymlinkInode extends InodeFacts {
  readonly kind: 'symlink';
  /** `executable`: the path of what the process that asks runs, for /proc/self/exe. */
  readonly target: (executable: string) => string;
}

export interface DeviceInode extends InodeFacts {
  readonly kind: 'device';
  readonly device: 'null' | 'zero' | 'full' | 'random' | 'stdin' | 'stdout' | 'stderr';
}

export interface PipeInode extends InodeFacts {
  readonly kind: 'pipe';
  readonly pipe: Pipe;
}

/** Hands out inodes. */
export class Inodes {
  readonly #now: () => bigint;
  #last = 0;

  /** `now`: nanoseconds since 1970. */
  constructor(now: () => bigint) {
    this.#now = now;
  }

  get now(): bigint {
    return this.#now();
  }

  file(mode: number, data = new FileData(() => new Uint8Array(0), 0), modified = this.#now()): FileInode {
    return { kind: 'file', ...this.#facts(mode, modified), data };
  }

  directory(mode: number, load: () => Map<string, Inode> = () => new Map(), modified = this.#now()): DirectoryInode {
    let loaded: Map<string, Inode> | null = null;
    const directory: DirectoryInode = {
      kind: 'directory',
      ...this.#facts(mode, modified),
      parent: null,
      children: () => {
        if (loaded !== null) return loaded;
        loaded = load();
        for (const child of loaded.values()) if (child.kind === 'directory') child.parent = directory;
        return loaded;
      },
    };
    return directory;
  }

  symlink(target: (executable: string) => string, modified = this.#now()): SymlinkInode {
    return { kind: 'symlink', ...this.#facts(0o777, modified), target };
  }

  device(device: DeviceInode['device']): DeviceInode {
    return { kind: 'device', ...this.#facts(0o666, this.#now()), device };
  }

  pipe(pipe: Pipe): PipeInode {
    return { kind: 'pipe', ...this.#facts(0o600, this.#now()), pipe };
  }

  #facts(mode: number, modified: bigint): InodeFacts {
    return { ino: ++this.#last, mode, links: 1, modified };
  }
}

/** st_mode: the type of the file and its permissions. Standard streams look like pipes. */
export function modeOf(inode: Inode): number {
  switch (inode.kind) {
    case 'file':
      return S.S_IFREG | inode.mode;
    case 'directory':
      return S.S_IFDIR | inode.mode;
    case 'symlink':
      return S.S_IFLNK | inode.mode;
    case 'pipe':
      return S.S_IFIFO | inode.mode;
    case 'device':
      return (isStream(inode) ? S.S_IFIFO : S.S_IFCHR) | inode.mode;
  }
}

export function isStream({ device }: DeviceInode): boolean {
  return device === 'stdin' || device === 'stdout' || device === 'stderr';
}

export function sizeOf(inode: Inode, executable: string): number {
  if (inode.kind === 'file') return inode.data.size;
  return inode.kind === 'symlink' ? inode.target(executable).length : 0;
}

export function mayRead(flags: number): boolean {
  return (flags & O.O_PATH) === 0 && (flags & O.O_ACCMODE) !== O.O_WRONLY;
}

export function mayWrite(flags: number): boolean {
  return (flags & O.O_PATH) === 0 && (flags & O.O_ACCMODE) !== O.O_RDONLY;
}
