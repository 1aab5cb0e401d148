/**
 * The one file system of a run: the host's view with everything that programs change on top, in memory. Symbolic links and
 * `..` are followed here, name by name, so no path leads out of the view.
 */
import { ERRNO } from '../../arch/linux-errno.ts';
import { NAME_MAX } from '../../arch/linux-files.ts';
import { decodeBytes } from '../user-memory.ts';
import { FileData } from './file-data.ts';
import type { HostRoot } from './host-port.ts';
import { type DirectoryInode, type Inode, Inodes } from './inode.ts';

const LINKS_LIMIT = 40;
const NANOSECONDS = 1_000_000_000n;

/** Where a path leads: a directory, a name in it, and what bears that name, if anything does. */
export interface Place {
  readonly parent: DirectoryInode;
  /** `.` where the path names a directory without a name of its own, as `/` does. */
  readonly name: string;
  readonly inode: Inode | null;
}

export interface Lookup {
  readonly from: DirectoryInode;
  /** Whether a symbolic link at the end is followed. */
  readonly follow: boolean;
  /** For /proc/self/exe. */
  readonly executable: string;
}

export class FileSystem {
  readonly inodes: Inodes;
  readonly root: DirectoryInode;

  /** `now`: nanoseconds since 1970. */
  constructor(host: HostRoot | null, now: () => bigint) {
    this.inodes = new Inodes(now);
    this.root =
      host === null ? this.inodes.directory(0o755) : this.inodes.directory(0o755, () => this.#fromHost(host, []));
    this.root.parent = this.root;
    this.#addSpecialFiles();
  }

  /** A negative errno when the path leads nowhere. */
  lookup(path: string, { from, follow, executable }: Lookup): Place | number {
    if (path === '') return -ERRNO.ENOENT;
    let links = 0;
    let directory = path.startsWith('/') ? this.root : from;
    let names = path.split('/').filter((name) => name !== '' && name !== '.');
    let mustBeDirectory = /\/\.?$|^\.$|\/\.$/.test(path);
    let place: Place = { parent: directory, name: '.', inode: directory };
    for (let at = 0; at < names.length; at++) {
      const name = names[at] as string;
      if (name.length > NAME_MAX) return -ERRNO.ENAMETOOLONG;
      if (name === '..') {
        directory = directory.parent ?? this.root;
        place = { parent: directory, name: '.', inode: directory };
        continue;
      }
      const inode = directory.children().get(name) ?? null;
      const last = at === names.length - 1;
      if (inode?.kind === 'symlink' && (!last || follow || mustBeDirectory)) {
        if (++links > LINKS_LIMIT) return -ERRNO.ELOOP;
        const target = inode.target(executable);
        if (target.startsWith('/')) directory = this.root;
        if (last && target.endsWith('/')) mustBeDirectory = true;
        names = [...target.split('/').filter((part) => part !== '' && part !== '.'), ...names.slice(at + 1)];
        at = -1;
        place = { parent: directory, name: '.', inode: directory };
        continue;
      }
      place = { parent: directory, name, inode };
      if (last) break;
      if (inode === null) return -ERRNO.ENOENT;
      if (inode.kind !== 'directory') return -ERRNO.ENOTDIR;
      directory = inode;
    }
    if (mustBeDirectory && place.inode !== null && place.inode.kind !== 'directory') return -ERRNO.ENOTDIR;
    return place;
  }

  /** As `lookup`, of something that exists. */
  find(path: string, lookup: Lookup): Inode | number {
    const place = this.lookup(path, lookup);
    if (typeof place === 'number') return place;
    return place.inode ?? -ERRNO.ENOENT;
  }

  attach({ parent }: Pick<Place, 'parent'>, name: string, inode: Inode): void {
    parent.children().set(name, inode);
    if (inode.kind === 'directory') inode.parent = parent;
    parent.modified = this.inodes.now;
  }

  detach({ parent, name }: Pick<Place, 'parent' | 'name'>): void {
    const inode = parent.children().get(name);
    if (inode !== undefined) inode.links--;
    parent.children().delete(name);
    parent.modified = this.inodes.now;
  }

  /** The absolute path of a directory. */
  pathOf(directory: DirectoryInode): string {
    const names: string[] = [];
    for (let at = directory; at !== this.root && at.parent !== null; at = at.parent) {
      const child = at;
      const name = [...at.parent.children()].find(([, inode]) => inode === child)?.[0];
      if (name === undefined) return '(unreachable)';
      names.unshift(name);
    }
    return `/${names.join('/')}`;
  }

  /** Puts a file at an absolute path, with the directories on the way. */
  install(path: string, inode: Inode): void {
    const names = path.split('/').filter((name) => name !== '' && name !== '.' && name !== '..');
    let directory = this.root;
    for (const name of names.slice(0, -1)) {
      const there = directory.children().get(name);
      if (there?.kind === 'directory') {
        directory = there;
        continue;
      }
      const made = this.inodes.directory(0o755);
      this.attach({ parent: directory }, name, made);
      directory = made;
    }
    this.attach({ parent: directory }, names.at(-1) ?? 'program', inode);
  }

  #fromHost(host: HostRoot, path: readonly string[]): Map<string, Inode> {
    const children = new Map<string, Inode>();
    for (const name of [...host.list(path)].sort()) {
      const here = [...path, name];
      const status = host.status(here);
      if (status === null) continue;
      const modified = BigInt(Math.floor(status.modified)) * NANOSECONDS;
      // Names and targets are bytes to programs.
      const inode =
        status.kind === 'directory'
          ? this.inodes.directory(status.mode, () => this.#fromHost(host, here), modified)
          : status.kind === 'file'
            ? this.inodes.file(status.mode, new FileData(() => host.read(here), status.size), modified)
            : this.inodes.symlink(() => asBytes(host.link(here)), modified);
      children.set(asBytes(name), inode);
    }
    return children;
  }

  /** What programs expect to find: never the host's devices. */
  #addSpecialFiles(): void {
    const { inodes } = this;
    this.install('/dev/null', inodes.device('null'));
    for (const device of ['zero', 'full'] as const) this.install(`/dev/${device}`, inodes.device(device));
    for (const name of ['random', 'urandom']) this.install(`/dev/${name}`, inodes.device('random'));
    this.install(
      '/proc/self/exe',
      inodes.symlink((executable) => executable),
    );
    if (!this.root.children().has('tmp')) this.install('/tmp', inodes.directory(0o1777));
  }
}

/** UTF-8 text of the host as one character a byte. */
function asBytes(text: string): string {
  return decodeBytes(new TextEncoder().encode(text));
}
