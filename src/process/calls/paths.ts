/** System calls that take paths. Everybody is root here: permissions do not stop anyone, but only what has an x bit executes. */
import { ERRNO } from '../../arch/linux-errno.ts';
import { AT, O, S } from '../../arch/linux-files.ts';
import type { DirectoryInode, Inode } from '../files/inode.ts';
import type { Place } from '../files/file-system.ts';
import { OpenFile } from '../files/open-file.ts';
import { statBytes, statxBytes } from '../files/status.ts';
import type { ThreadCode } from '../program-code.ts';
import type { Thread } from '../thread.ts';
import { copyToUser, encodeBytes, readBytes, readPath } from '../user-memory.ts';
import { type CallTable, int, size, unsigned } from './call.ts';

const HERE = BigInt(AT.AT_FDCWD);
const FOLLOW = 0n;
const OPEN_FLAGS_KEPT = O.O_ACCMODE | O.O_APPEND | O.O_NONBLOCK | O.O_PATH | O.O_DIRECTORY;
const UTIME_NOW = 0x3fff_ffffn;
const UTIME_OMIT = 0x3fff_fffen;
const NANOSECONDS = 1_000_000_000n;

export const pathCalls: CallTable = {
  open: (thread, [path, flags, mode]) => open(thread, HERE, path, unsigned(flags), unsigned(mode)),
  creat: (thread, [path, mode]) => open(thread, HERE, path, O.O_CREAT | O.O_WRONLY | O.O_TRUNC, unsigned(mode)),
  openat: (thread, [directory, path, flags, mode]) => open(thread, directory, path, unsigned(flags), unsigned(mode)),

  stat: (thread, [path, buffer]) => status(thread, HERE, path, FOLLOW, buffer),
  lstat: (thread, [path, buffer]) => status(thread, HERE, path, BigInt(AT.AT_SYMLINK_NOFOLLOW), buffer),
  newfstatat: (thread, [directory, path, buffer, flags]) => status(thread, directory, path, flags, buffer),
  *statx(thread, [directory, path, flags, , buffer]) {
    const inode = yield* find(thread, directory, path, unsigned(flags));
    if (typeof inode === 'number') return inode;
    yield* copyToUser(buffer, statxBytes(inode, thread.process.executable));
    return 0;
  },

  access: (thread, [path, mode]) => mayAccess(thread, HERE, path, unsigned(mode), 0),
  faccessat: (thread, [directory, path, mode]) => mayAccess(thread, directory, path, unsigned(mode), 0),
  faccessat2: (thread, [directory, path, mode, flags]) =>
    mayAccess(thread, directory, path, unsigned(mode), unsigned(flags)),

  readlink: (thread, [path, buffer, bytes]) => readLink(thread, HERE, path, buffer, size(bytes)),
  readlinkat: (thread, [directory, path, buffer, bytes]) => readLink(thread, directory, path, buffer, size(bytes)),

  mkdir: (thread, [path, mode]) => makeDirectory(thread, HERE, path, unsigned(mode)),
  mkdirat: (thread, [directory, path, mode]) => makeDirectory(thread, directory, path, unsigned(mode)),
  unlink: (thread, [path]) => remove(thread, HERE, path, false),
  rmdir: (thread, [path]) => remove(thread, HERE, path, true),
  unlinkat: (thread, [directory, path, flags]) =>
    remove(thread, directory, path, (unsigned(flags) & AT.AT_REMOVEDIR) !== 0),
  rename: (thread, [from, to]) => rename(thread, HERE, from, HERE, to),
  renameat: (thread, [fromDirectory, from, toDirectory, to]) => rename(thread, fromDirectory, from, toDirectory, to),
  renameat2: (thread, [fromDirectory, from, toDirectory, to, flags]) =>
    unsigned(flags) === 0 ? rename(thread, fromDirectory, from, toDirectory, to) : -ERRNO.EINVAL,
  link: (thread, [from, to]) => link(thread, HERE, from, HERE, to),
  linkat: (thread, [fromDirectory, from, toDirectory, to]) => link(thread, fromDirectory, from, toDirectory, to),
  symlink: (thread, [target, path]) => makeLink(thread, target, HERE, path),
  symlinkat: (thread, [target, directory, path]) => makeLink(thread, target, directory, path),

  *chdir(thread, [path]) {
    const inode = yield* find(thread, HERE, path, 0);
    if (typeof inode === 'number') return inode;
    return enter(thread, inode);
  },
  fchdir: (thread, [descriptor]) => {
    const file = thread.process.files.get(int(descriptor));
    return file === null ? -ERRNO.EBADF : enter(thread, file.inode);
  },
  *getcwd(thread, [buffer, bytes]) {
    const path = `${thread.userland.files.pathOf(thread.process.where.directory)}\0`;
    if (path.length > size(bytes)) return -ERRNO.ERANGE;
    yield* copyToUser(buffer, encodeBytes(path));
    return path.length;
  },

  *chmod(thread, [path, mode]) {
    return changeMode(yield* find(thread, HERE, path, 0), unsigned(mode));
  },
  *fchmodat(thread, [directory, path, mode]) {
    return changeMode(yield* find(thread, directory, path, 0), unsigned(mode));
  },
  fchmod: (thread, [descriptor, mode]) =>
    changeMode(thread.process.files.get(int(descriptor))?.inode ?? -ERRNO.EBADF, unsigned(mode)),
  *chown(thread, [path]) {
    return errnoOf(yield* find(thread, HERE, path, 0));
  },
  *lchown(thread, [path]) {
    return errnoOf(yield* find(thread, HERE, path, AT.AT_SYMLINK_NOFOLLOW));
  },
  *fchownat(thread, [directory, path, , , flags]) {
    return errnoOf(yield* find(thread, directory, path, unsigned(flags)));
  },
  fchown: (thread, [descriptor]) => (thread.process.files.get(int(descriptor)) === null ? -ERRNO.EBADF : 0),

  *truncate(thread, [path, length]) {
    return truncate(yield* find(thread, HERE, path, 0), length);
  },
  ftruncate: (thread, [descriptor, length]) =>
    truncate(thread.process.files.get(int(descriptor))?.inode ?? -ERRNO.EBADF, length),

  *utimensat(thread, [directory, path, times, flags]) {
    const inode =
      path === 0n
        ? (thread.process.files.get(int(directory))?.inode ?? -ERRNO.EBADF)
        : yield* find(thread, directory, path, unsigned(flags));
    if (typeof inode === 'number') return inode;
    const now = thread.userland.clock.realtime;
    inode.modified = times === 0n ? now : modifiedTime(yield* readBytes(times, 32), now, inode.modified);
    return 0;
  },

  umask: ({ process }, [mask]) => {
    const before = process.where.umask;
    process.where.umask = unsigned(mask) & 0o777;
    return before;
  },
};

function* open(thread: Thread, at: bigint, path: bigint, flags: number, mode: number): ThreadCode<number> {
  const { userland, process } = thread;
  const wantsNew = (flags & O.O_CREAT) !== 0;
  const exclusive = wantsNew && (flags & O.O_EXCL) !== 0;
  const follow = (flags & O.O_NOFOLLOW) === 0 && !exclusive;
  const place = yield* placeOf(thread, at, path, follow);
  if (typeof place === 'number') return place;
  let { inode } = place;
  if (inode === null) {
    if (!wantsNew) return -ERRNO.ENOENT;
    inode = userland.files.inodes.file(mode & ~process.where.umask & 0o7777);
    userland.files.attach(place, place.name, inode);
  } else {
    if (exclusive) return -ERRNO.EEXIST;
    const reads = (flags & O.O_ACCMODE) === O.O_RDONLY;
    if (inode.kind === 'symlink' && (flags & O.O_PATH) === 0) return -ERRNO.ELOOP;
    if (inode.kind === 'directory' && (!reads || wantsNew)) return -ERRNO.EISDIR;
    if (inode.kind !== 'directory' && (flags & O.O_DIRECTORY) !== 0) return -ERRNO.ENOTDIR;
    if (inode.kind === 'file' && !reads && (flags & O.O_TRUNC) !== 0) inode.data.truncate(0);
  }
  const directory = userland.files.pathOf(place.parent);
  const name = place.name === '.' ? directory : `${directory === '/' ? '' : directory}/${place.name}`;
  const file = new OpenFile(inode, flags & OPEN_FLAGS_KEPT, name);
  return process.files.add(file, (flags & O.O_CLOEXEC) !== 0) ?? -ERRNO.EMFILE;
}

/** Reads the path and follows it from the directory that the call names. */
function* placeOf(thread: Thread, at: bigint, address: bigint, follow: boolean): ThreadCode<Place | number> {
  const path = yield* readPath(address);
  if (typeof path === 'number') return path;
  const from = path.startsWith('/') ? thread.userland.files.root : directoryOf(thread, at);
  if (typeof from === 'number') return from;
  return thread.userland.files.lookup(path, { from, follow, executable: thread.process.executable });
}

function directoryOf({ process }: Thread, at: bigint): DirectoryInode | number {
  if (int(at) === AT.AT_FDCWD) return process.where.directory;
  const file = process.files.get(int(at));
  if (file === null) return -ERRNO.EBADF;
  return file.inode.kind === 'directory' ? file.inode : -ERRNO.ENOTDIR;
}

/** `flags` are AT_ flags. */
function* find(thread: Thread, at: bigint, address: bigint, flags: number): ThreadCode<Inode | number> {
  if ((flags & AT.AT_EMPTY_PATH) !== 0) {
    const path = address === 0n ? '' : yield* readPath(address);
    if (path === '') {
      if (int(at) === AT.AT_FDCWD) return thread.process.where.directory;
      return thread.process.files.get(int(at))?.inode ?? -ERRNO.EBADF;
    }
  }
  const place = yield* placeOf(thread, at, address, (flags & AT.AT_SYMLINK_NOFOLLOW) === 0);
  if (typeof place === 'number') return place;
  return place.inode ?? -ERRNO.ENOENT;
}

function* status(thread: Thread, at: bigint, path: bigint, flags: bigint, buffer: bigint): ThreadCode<number> {
  const inode = yield* find(thread, at, path, unsigned(flags));
  if (typeof inode === 'number') return inode;
  yield* copyToUser(buffer, statBytes(inode, thread.process.executable));
  return 0;
}

const X_OK = 1;

function* mayAccess(thread: Thread, at: bigint, path: bigint, mode: number, flags: number): ThreadCode<number> {
  const inode = yield* find(thread, at, path, flags);
  if (typeof inode === 'number') return inode;
  const executes = inode.kind === 'directory' || (inode.mode & 0o111) !== 0;
  return (mode & X_OK) !== 0 && !executes ? -ERRNO.EACCES : 0;
}

function* readLink(thread: Thread, at: bigint, path: bigint, buffer: bigint, limit: number): ThreadCode<number> {
  const inode = yield* find(thread, at, path, AT.AT_SYMLINK_NOFOLLOW);
  if (typeof inode === 'number') return inode;
  if (inode.kind !== 'symlink' || limit === 0) return -ERRNO.EINVAL;
  const target = encodeBytes(inode.target(thread.process.executable)).subarray(0, limit);
  yield* copyToUser(buffer, target);
  return target.length;
}

function* makeDirectory(thread: Thread, at: bigint, path: bigint, mode: number): ThreadCode<number> {
  const place = yield* placeOf(thread, at, path, false);
  if (typeof place === 'number') return place;
  if (place.inode !== null) return -ERRNO.EEXIST;
  const { files } = thread.userland;
  files.attach(place, place.name, files.inodes.directory(mode & ~thread.process.where.umask & 0o1777));
  return 0;
}

function* remove(thread: Thread, at: bigint, path: bigint, directory: boolean): ThreadCode<number> {
  const place = yield* placeOf(thread, at, path, false);
  if (typeof place === 'number') return place;
  const { inode } = place;
  if (inode === null) return -ERRNO.ENOENT;
  if (place.name === '.') return directory ? -ERRNO.EINVAL : -ERRNO.EISDIR;
  if (!directory && inode.kind === 'directory') return -ERRNO.EISDIR;
  if (directory && inode.kind !== 'directory') return -ERRNO.ENOTDIR;
  if (inode.kind === 'directory' && inode.children().size > 0) return -ERRNO.ENOTEMPTY;
  thread.userland.files.detach(place);
  return 0;
}

function* rename(thread: Thread, fromAt: bigint, from: bigint, toAt: bigint, to: bigint): ThreadCode<number> {
  const { files } = thread.userland;
  const source = yield* placeOf(thread, fromAt, from, false);
  if (typeof source === 'number') return source;
  const target = yield* placeOf(thread, toAt, to, false);
  if (typeof target === 'number') return target;
  const { inode } = source;
  if (inode === null) return -ERRNO.ENOENT;
  if (source.name === '.' || target.name === '.') return -ERRNO.EBUSY;
  if (inode === target.inode) return 0;
  if (inode.kind === 'directory' && isWithin(files.root, target.parent, inode)) return -ERRNO.EINVAL;
  if (target.inode?.kind === 'directory') {
    if (inode.kind !== 'directory') return -ERRNO.EISDIR;
    if (target.inode.children().size > 0) return -ERRNO.ENOTEMPTY;
  } else if (target.inode !== null && inode.kind === 'directory') return -ERRNO.ENOTDIR;
  files.detach(target);
  files.detach(source);
  inode.links++;
  files.attach(target, target.name, inode);
  return 0;
}

function isWithin(root: DirectoryInode, place: DirectoryInode, directory: DirectoryInode): boolean {
  for (let at = place; at !== root; at = at.parent ?? root) if (at === directory) return true;
  return root === directory;
}

function* link(thread: Thread, fromAt: bigint, from: bigint, toAt: bigint, to: bigint): ThreadCode<number> {
  const inode = yield* find(thread, fromAt, from, AT.AT_SYMLINK_NOFOLLOW);
  if (typeof inode === 'number') return inode;
  const place = yield* placeOf(thread, toAt, to, false);
  if (typeof place === 'number') return place;
  if (place.inode !== null) return -ERRNO.EEXIST;
  if (inode.kind === 'directory') return -ERRNO.EPERM;
  inode.links++;
  thread.userland.files.attach(place, place.name, inode);
  return 0;
}

function* makeLink(thread: Thread, target: bigint, at: bigint, path: bigint): ThreadCode<number> {
  const text = yield* readPath(target);
  if (typeof text === 'number') return text;
  const place = yield* placeOf(thread, at, path, false);
  if (typeof place === 'number') return place;
  if (place.inode !== null) return -ERRNO.EEXIST;
  const { files } = thread.userland;
  files.attach(
    place,
    place.name,
    files.inodes.symlink(() => text),
  );
  return 0;
}

function enter({ process }: Thread, inode: Inode): number {
  if (inode.kind !== 'directory') return -ERRNO.ENOTDIR;
  process.where.directory = inode;
  return 0;
}

function changeMode(inode: Inode | number, mode: number): number {
  if (typeof inode === 'number') return inode;
  inode.mode = mode & (0o7777 | S.S_IFMT) & 0o7777;
  return 0;
}

function errnoOf(inode: Inode | number): number {
  return typeof inode === 'number' ? inode : 0;
}

function truncate(inode: Inode | number, length: bigint): number {
  if (typeof inode === 'number') return inode;
  if (inode.kind !== 'file') return inode.kind === 'directory' ? -ERRNO.EISDIR : -ERRNO.EINVAL;
  if (length > BigInt(1 << 30)) return BigInt.asIntN(64, length) < 0n ? -ERRNO.EINVAL : -ERRNO.EFBIG;
  inode.data.truncate(Number(length));
  return 0;
}

/** The second of two struct timespec. */
function modifiedTime(times: Uint8Array, now: bigint, before: bigint): bigint {
  const view = new DataView(times.buffer, times.byteOffset + 16);
  const nanoseconds = view.getBigInt64(8, true);
  if (nanoseconds === UTIME_NOW) return now;
  return nanoseconds === UTIME_OMIT ? before : view.getBigInt64(0, true) * NANOSECONDS + nanoseconds;
}
