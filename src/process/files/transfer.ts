/** Reading from and writing to whatever an open file is: the part of read and write that knows kinds of files. */
import { ERRNO, RESTART } from '../../arch/linux-errno.ts';
import { O, POLL } from '../../arch/linux-files.ts';
import { SI, SIGNAL } from '../../arch/linux-signal.ts';
import type { ThreadCode } from '../program-code.ts';
import { sendToThread } from '../signals/deliver.ts';
import type { Thread } from '../thread.ts';
import { copyFromUser, copyToUser } from '../user-memory.ts';
import { FILE_BYTES_LIMIT } from './file-data.ts';
import { type DeviceInode, mayRead, mayWrite } from './inode.ts';
import type { OpenFile } from './open-file.ts';
import type { Pipe } from './pipe.ts';

export interface Buffer {
  readonly address: bigint;
  readonly length: number;
}

/** `position` null: where the file stands, which moves. Result: bytes, or a negative errno. */
export function* readInto(thread: Thread, file: OpenFile, buffer: Buffer, position: number | null): ThreadCode<number> {
  const { inode } = file;
  if (!mayRead(file.flags)) return -ERRNO.EBADF;
  switch (inode.kind) {
    case 'directory':
      return -ERRNO.EISDIR;
    case 'symlink':
      return -ERRNO.EBADF;
    case 'file': {
      const from = position ?? file.offset;
      const bytes = inode.data.read(from, buffer.length).slice();
      yield* copyToUser(buffer.address, bytes);
      if (position === null) file.offset = from + bytes.length;
      return bytes.length;
    }
    case 'pipe':
      return position === null ? yield* readPipe(thread, file, inode.pipe, buffer) : -ERRNO.ESPIPE;
    case 'device':
      return position === null || !isStandard(inode) ? yield* readDevice(thread, inode, buffer) : -ERRNO.ESPIPE;
  }
}

export function* writeFrom(
  thread: Thread,
  file: OpenFile,
  buffer: Buffer,
  position: number | null,
): ThreadCode<number> {
  const { inode } = file;
  if (!mayWrite(file.flags)) return -ERRNO.EBADF;
  switch (inode.kind) {
    case 'directory':
    case 'symlink':
      return -ERRNO.EBADF;
    case 'file': {
      const bytes = new Uint8Array(buffer.length);
      yield* copyFromUser(buffer.address, bytes);
      const at = (file.flags & O.O_APPEND) !== 0 ? inode.data.size : (position ?? file.offset);
      if (at + bytes.length > FILE_BYTES_LIMIT) return -ERRNO.EFBIG;
      if (bytes.length > 0) inode.data.write(at, bytes);
      inode.modified = thread.userland.clock.realtime;
      if (position === null) file.offset = at + bytes.length;
      return bytes.length;
    }
    case 'pipe':
      return position === null ? yield* writePipe(thread, file, inode.pipe, buffer) : -ERRNO.ESPIPE;
    case 'device':
      return position === null || !isStandard(inode) ? yield* writeDevice(thread, inode, buffer) : -ERRNO.ESPIPE;
  }
}

/** Which of POLLIN, POLLOUT, POLLHUP and POLLERR hold now. */
export function pollEvents(file: OpenFile): number {
  const { inode, flags } = file;
  if (inode.kind !== 'pipe') return POLL.POLLIN | POLL.POLLOUT;
  const { pipe } = inode;
  const reads = mayRead(flags);
  return (
    (reads && pipe.length > 0 ? POLL.POLLIN : 0) |
    (reads && pipe.writers === 0 ? POLL.POLLHUP : 0) |
    (!reads && pipe.writable(1) ? POLL.POLLOUT : 0) |
    (!reads && pipe.readers === 0 ? POLL.POLLERR : 0)
  );
}

function* readPipe(thread: Thread, file: OpenFile, pipe: Pipe, buffer: Buffer): ThreadCode<number> {
  if (buffer.length === 0) return 0;
  if (!pipe.readable) {
    if ((file.flags & O.O_NONBLOCK) !== 0) return -ERRNO.EAGAIN;
    yield { kind: 'block', ready: () => pipe.readable || thread.interrupted, deadline: null };
    if (!pipe.readable) return -RESTART.ERESTARTSYS;
  }
  const bytes = pipe.take(buffer.length);
  yield* copyToUser(buffer.address, bytes);
  return bytes.length;
}

function* writePipe(thread: Thread, file: OpenFile, pipe: Pipe, buffer: Buffer): ThreadCode<number> {
  const bytes = new Uint8Array(buffer.length);
  yield* copyFromUser(buffer.address, bytes);
  for (let done = 0; ; ) {
    const left = bytes.length - done;
    if (left === 0) return done;
    if (!pipe.writable(left)) {
      if ((file.flags & O.O_NONBLOCK) !== 0) return done > 0 ? done : -ERRNO.EAGAIN;
      yield { kind: 'block', ready: () => pipe.writable(left) || thread.interrupted, deadline: null };
      if (!pipe.writable(left)) return done > 0 ? done : -RESTART.ERESTARTSYS;
    }
    if (pipe.readers === 0) {
      sendToThread(thread, { signal: SIGNAL.SIGPIPE, code: SI.SI_USER, sender: { pid: thread.process.pid, uid: 0 } });
      return done > 0 ? done : -ERRNO.EPIPE;
    }
    done += pipe.put(bytes.subarray(done));
  }
}

function isStandard({ device }: DeviceInode): boolean {
  return device === 'stdin' || device === 'stdout' || device === 'stderr';
}

function* readDevice({ userland }: Thread, { device }: DeviceInode, { address, length }: Buffer): ThreadCode<number> {
  switch (device) {
    case 'null':
    case 'stdout':
    case 'stderr':
      return 0;
    case 'zero':
    case 'full':
      yield* copyToUser(address, new Uint8Array(length));
      return length;
    case 'random':
      yield* copyToUser(
        address,
        Uint8Array.from({ length }, () => userland.random.below(256)),
      );
      return length;
    case 'stdin': {
      const bytes = userland.streams.read(length);
      yield* copyToUser(address, bytes);
      return bytes.length;
    }
  }
}

function* writeDevice({ userland }: Thread, { device }: DeviceInode, { address, length }: Buffer): ThreadCode<number> {
  if (device === 'full') return -ERRNO.ENOSPC;
  if (device === 'stdout' || device === 'stderr') {
    const bytes = new Uint8Array(length);
    yield* copyFromUser(address, bytes);
    userland.streams.write(device === 'stdout' ? 1 : 2, bytes);
  }
  return length;
}
