/** System calls that take file descriptors. */
import { ERRNO, RESTART } from '../../arch/linux-errno.ts';
import { F, FD_CLOEXEC, O, POLL, SEEK } from '../../arch/linux-files.ts';
import { DESCRIPTORS_LIMIT, OpenFile } from '../files/open-file.ts';
import { Pipe } from '../files/pipe.ts';
import { directoryEntry, statBytes } from '../files/status.ts';
import { type Buffer, pollEvents, readInto, writeFrom } from '../files/transfer.ts';
import type { ThreadCode } from '../program-code.ts';
import type { Thread } from '../thread.ts';
import { copyToUser, read64, readBytes, write64 } from '../user-memory.ts';
import { fromTimespec } from '../virtual-clock.ts';
import { type CallTable, int, size, unsigned } from './call.ts';

const IOVEC_LIMIT = 1024;
const MILLISECOND = 1_000_000;
/** A read or write may do less than it was asked for; the kernel needs no larger buffer. */
const TRANSFER_LIMIT = 1 << 24;
const NO_OWNER_FLAGS = O.O_APPEND | O.O_NONBLOCK;

type Transfer = typeof readInto;

export const descriptorCalls: CallTable = {
  read: (thread, [descriptor, address, length]) => transfer(thread, readInto, int(descriptor), address, length, null),
  write: (thread, [descriptor, address, length]) => transfer(thread, writeFrom, int(descriptor), address, length, null),
  pread64: (thread, [descriptor, address, length, offset]) =>
    transfer(thread, readInto, int(descriptor), address, length, offset),
  pwrite64: (thread, [descriptor, address, length, offset]) =>
    transfer(thread, writeFrom, int(descriptor), address, length, offset),
  readv: (thread, [descriptor, vector, count]) => transferAll(thread, readInto, int(descriptor), vector, int(count)),
  writev: (thread, [descriptor, vector, count]) => transferAll(thread, writeFrom, int(descriptor), vector, int(count)),

  close: ({ process }, [descriptor]) => (process.files.close(int(descriptor)) ? 0 : -ERRNO.EBADF),
  close_range: ({ process }, [first, last]) => {
    for (let number = unsigned(first); number <= Math.min(unsigned(last), DESCRIPTORS_LIMIT); number++) {
      process.files.close(number);
    }
    return 0;
  },

  dup: (thread, [descriptor]) => duplicate(thread, int(descriptor), 0, false),
  dup2: (thread, [from, to]) => duplicateTo(thread, int(from), int(to), false, true),
  dup3: (thread, [from, to, flags]) =>
    duplicateTo(thread, int(from), int(to), (unsigned(flags) & O.O_CLOEXEC) !== 0, false),

  fcntl: (thread, [descriptor, command, argument]) => {
    const { files } = thread.process;
    const number = int(descriptor);
    const file = files.get(number);
    if (file === null) return -ERRNO.EBADF;
    switch (int(command)) {
      case F.F_DUPFD:
      case F.F_DUPFD_CLOEXEC:
        return duplicate(thread, number, int(argument), int(command) === F.F_DUPFD_CLOEXEC);
      case F.F_GETFD:
        return files.closeOnExec(number) ? FD_CLOEXEC : 0;
      case F.F_SETFD:
        files.setCloseOnExec(number, (int(argument) & FD_CLOEXEC) !== 0);
        return 0;
      case F.F_GETFL:
        return file.flags;
      case F.F_SETFL:
        file.flags = (file.flags & ~NO_OWNER_FLAGS) | (int(argument) & NO_OWNER_FLAGS);
        return 0;
      case F.F_SETLK:
      case F.F_SETLKW:
        return 0;
      case F.F_GETPIPE_SZ:
        return file.inode.kind === 'pipe' ? file.inode.pipe.capacity : -ERRNO.EBADF;
      default:
        return -ERRNO.EINVAL;
    }
  },
  flock: ({ process }, [descriptor]) => (process.files.get(int(descriptor)) === null ? -ERRNO.EBADF : 0),
  fsync: ({ process }, [descriptor]) => (process.files.get(int(descriptor)) === null ? -ERRNO.EBADF : 0),
  fdatasync: ({ process }, [descriptor]) => (process.files.get(int(descriptor)) === null ? -ERRNO.EBADF : 0),
  sync: () => 0,
  fadvise64: () => 0,

  /** No descriptor is a terminal. */
  ioctl: ({ process }, [descriptor]) => (process.files.get(int(descriptor)) === null ? -ERRNO.EBADF : -ERRNO.ENOTTY),

  *fstat({ process }, [descriptor, buffer]) {
    const file = process.files.get(int(descriptor));
    if (file === null) return -ERRNO.EBADF;
    yield* copyToUser(buffer, statBytes(file.inode, process.executable));
    return 0;
  },

  lseek: ({ process }, [descriptor, offset, whence]) => {
    const file = process.files.get(int(descriptor));
    if (file === null) return -ERRNO.EBADF;
    const { inode } = file;
    if (inode.kind === 'pipe' || (inode.kind === 'device' && inode.device.startsWith('std'))) return -ERRNO.ESPIPE;
    const end = inode.kind === 'file' ? inode.data.size : 0;
    const bases = new Map<number, number>([
      [SEEK.SEEK_SET, 0],
      [SEEK.SEEK_CUR, file.offset],
      [SEEK.SEEK_END, end],
    ]);
    const base = bases.get(int(whence));
    const target = (base ?? 0) + Number(BigInt.asIntN(64, offset));
    if (base === undefined || target < 0) return -ERRNO.EINVAL;
    file.offset = target;
    return target;
  },

  *getdents64({ process }, [descriptor, buffer, bytes]) {
    const file = process.files.get(int(descriptor));
    if (file === null) return -ERRNO.EBADF;
    if (file.inode.kind !== 'directory') return -ERRNO.ENOTDIR;
    const directory = file.inode;
    const own = [['.', directory] as const, ['..', directory.parent ?? directory] as const];
    const entries = [...own, ...directory.children()];
    let written = 0;
    while (file.offset < entries.length) {
      const [name, inode] = entries[file.offset] as (typeof entries)[number];
      const record = directoryEntry(name, inode, file.offset + 1);
      if (written + record.length > size(bytes)) return written === 0 ? -ERRNO.EINVAL : written;
      yield* copyToUser(buffer + BigInt(written), record);
      written += record.length;
      file.offset++;
    }
    return written;
  },

  pipe: (thread, [address]) => makePipe(thread, address, 0),
  pipe2: (thread, [address, flags]) => makePipe(thread, address, unsigned(flags)),

  /** As between kinds of files that the call does not serve: callers fall back on read and write. */
  sendfile: () => -ERRNO.EINVAL,

  *poll(thread, [address, count, timeout]) {
    const milliseconds = int(timeout);
    const deadline = milliseconds < 0 ? null : thread.userland.clock.now + milliseconds * MILLISECOND;
    return yield* poll(thread, address, int(count), deadline);
  },
  *ppoll(thread, [address, count, timeout, maskAddress]) {
    const time = timeout === 0n ? null : fromTimespec(yield* readBytes(timeout, 16));
    if (maskAddress !== 0n) {
      const mask = yield* read64(maskAddress);
      thread.savedMask = thread.blocked;
      thread.blocked = mask;
    }
    return yield* poll(thread, address, int(count), time === null ? null : thread.userland.clock.now + time);
  },
  *select(thread, [count, reads, writes, exceptions, timeout]) {
    let deadline: number | null = null;
    if (timeout !== 0n) {
      const view = new DataView((yield* readBytes(timeout, 16)).buffer);
      deadline =
        thread.userland.clock.now +
        Number(view.getBigInt64(0, true) * 1_000_000_000n + view.getBigInt64(8, true) * 1000n);
    }
    return yield* select(thread, int(count), [reads, writes, exceptions], deadline);
  },
  *pselect6(thread, [count, reads, writes, exceptions, timeout]) {
    const time = timeout === 0n ? null : fromTimespec(yield* readBytes(timeout, 16));
    const deadline = time === null ? null : thread.userland.clock.now + time;
    return yield* select(thread, int(count), [reads, writes, exceptions], deadline);
  },
};

function transfer(
  thread: Thread,
  direction: Transfer,
  descriptor: number,
  address: bigint,
  length: bigint,
  offset: bigint | null,
): ThreadCode<number> | number {
  const file = thread.process.files.get(descriptor);
  if (file === null) return -ERRNO.EBADF;
  if (offset !== null && BigInt.asIntN(64, offset) < 0n) return -ERRNO.EINVAL;
  return direction(thread, file, { address, length: Math.min(size(length), TRANSFER_LIMIT) }, position(offset));
}

function position(offset: bigint | null): number | null {
  return offset === null ? null : Number(offset);
}

function* transferAll(
  thread: Thread,
  direction: Transfer,
  descriptor: number,
  vector: bigint,
  count: number,
): ThreadCode<number> {
  const file = thread.process.files.get(descriptor);
  if (file === null) return -ERRNO.EBADF;
  if (count < 0 || count > IOVEC_LIMIT) return -ERRNO.EINVAL;
  const view = new DataView((yield* readBytes(vector, count * 16)).buffer);
  let done = 0;
  for (let index = 0; index < count; index++) {
    const buffer: Buffer = {
      address: view.getBigUint64(index * 16, true),
      length: Math.min(size(view.getBigUint64(index * 16 + 8, true)), TRANSFER_LIMIT),
    };
    if (buffer.length === 0) continue;
    const result = yield* direction(thread, file, buffer, null);
    if (result < 0) return done > 0 ? done : result;
    done += result;
    if (result < buffer.length) break;
  }
  return done;
}

function duplicate({ process }: Thread, from: number, least: number, closeOnExec: boolean): number {
  const file = process.files.get(from);
  if (file === null) return -ERRNO.EBADF;
  if (least < 0 || least >= DESCRIPTORS_LIMIT) return -ERRNO.EINVAL;
  return process.files.add(file, closeOnExec, least) ?? -ERRNO.EMFILE;
}

function duplicateTo({ process }: Thread, from: number, to: number, closeOnExec: boolean, same: boolean): number {
  const file = process.files.get(from);
  if (file === null || to < 0 || to >= DESCRIPTORS_LIMIT) return -ERRNO.EBADF;
  if (from === to) return same ? to : -ERRNO.EINVAL;
  process.files.put(to, file, closeOnExec);
  return to;
}

function* makePipe(thread: Thread, address: bigint, flags: number): ThreadCode<number> {
  const { files } = thread.process;
  const inode = thread.userland.files.inodes.pipe(new Pipe());
  const kept = flags & O.O_NONBLOCK;
  const closeOnExec = (flags & O.O_CLOEXEC) !== 0;
  const reader = files.add(new OpenFile(inode, O.O_RDONLY | kept, 'pipe:'), closeOnExec);
  const writer = reader === null ? null : files.add(new OpenFile(inode, O.O_WRONLY | kept, 'pipe:'), closeOnExec);
  if (reader === null || writer === null) {
    if (reader !== null) files.close(reader);
    return -ERRNO.EMFILE;
  }
  yield* write64(address, BigInt(reader) | (BigInt(writer) << 32n));
  return 0;
}

const POLL_RECORD = 8;

function* poll(thread: Thread, address: bigint, count: number, deadline: number | null): ThreadCode<number> {
  const { files } = thread.process;
  if (count < 0 || count > DESCRIPTORS_LIMIT) return -ERRNO.EINVAL;
  const bytes = yield* readBytes(address, count * POLL_RECORD);
  const view = new DataView(bytes.buffer);
  const look = (): number => {
    let ready = 0;
    for (let at = 0; at < bytes.length; at += POLL_RECORD) {
      const number = view.getInt32(at, true);
      const file = files.get(number);
      const always = POLL.POLLHUP | POLL.POLLERR;
      const happened = file === null ? POLL.POLLNVAL : pollEvents(file) & (view.getInt16(at + 4, true) | always);
      view.setInt16(at + 6, number < 0 ? 0 : happened, true);
      if (number >= 0 && happened !== 0) ready++;
    }
    return ready;
  };
  if (look() === 0) yield { kind: 'block', ready: () => look() > 0 || thread.interrupted, deadline };
  const ready = look();
  if (ready === 0 && thread.interrupted) return -RESTART.ERESTARTNOHAND;
  yield* copyToUser(address, bytes);
  return ready;
}

function* select(
  thread: Thread,
  count: number,
  sets: readonly [bigint, bigint, bigint],
  deadline: number | null,
): ThreadCode<number> {
  if (count < 0 || count > DESCRIPTORS_LIMIT) return -ERRNO.EINVAL;
  const length = Math.ceil(count / 64) * 8;
  const asked: Uint8Array[] = [];
  for (const address of sets) asked.push(address === 0n ? new Uint8Array(length) : yield* readBytes(address, length));
  const wanted = (set: number, number: number): boolean =>
    (((asked[set] as Uint8Array)[number >> 3] as number) & (1 << (number & 7))) !== 0;
  const events = [POLL.POLLIN | POLL.POLLHUP | POLL.POLLERR, POLL.POLLOUT | POLL.POLLERR, POLL.POLLPRI];
  const { files } = thread.process;
  for (let number = 0; number < count; number++) {
    if (files.get(number) === null && [0, 1, 2].some((set) => wanted(set, number))) return -ERRNO.EBADF;
  }
  const look = (): { ready: number; answers: Uint8Array[] } => {
    const answers = asked.map(() => new Uint8Array(length));
    let ready = 0;
    for (let number = 0; number < count; number++) {
      const file = files.get(number);
      if (file === null) continue;
      for (const [set, mask] of events.entries()) {
        if (!wanted(set, number) || (pollEvents(file) & mask) === 0) continue;
        const answer = answers[set] as Uint8Array;
        answer[number >> 3] = (answer[number >> 3] as number) | (1 << (number & 7));
        ready++;
      }
    }
    return { ready, answers };
  };
  if (look().ready === 0) yield { kind: 'block', ready: () => look().ready > 0 || thread.interrupted, deadline };
  const { ready, answers } = look();
  if (ready === 0 && thread.interrupted) return -RESTART.ERESTARTNOHAND;
  for (const [set, address] of sets.entries())
    if (address !== 0n) yield* copyToUser(address, answers[set] as Uint8Array);
  return ready;
}
