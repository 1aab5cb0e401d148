/** What programs learn about files: struct stat, struct statx, directory entries. */
import { DT } from '../../arch/linux-files.ts';
import { encodeBytes } from '../user-memory.ts';
import { type Inode, modeOf, sizeOf } from './inode.ts';

const NANOSECONDS = 1_000_000_000n;
const BLOCK_BYTES = 512;
const DEVICE = 1n;

/** struct stat of x86-64. */
export function statBytes(inode: Inode, executable: string): Uint8Array {
  const bytes = new Uint8Array(144);
  const view = new DataView(bytes.buffer);
  const size = sizeOf(inode, executable);
  view.setBigUint64(0, DEVICE, true);
  view.setBigUint64(8, BigInt(inode.ino), true);
  view.setBigUint64(16, BigInt(inode.links), true);
  view.setUint32(24, modeOf(inode), true);
  view.setBigInt64(48, BigInt(size), true);
  view.setBigInt64(56, 4096n, true);
  view.setBigInt64(64, BigInt(Math.ceil(size / BLOCK_BYTES)), true);
  for (const at of [72, 88, 104]) {
    view.setBigInt64(at, inode.modified / NANOSECONDS, true);
    view.setBigInt64(at + 8, inode.modified % NANOSECONDS, true);
  }
  return bytes;
}

const STATX_BASIC_STATS = 0x7ff;

/** struct statx. */
export function statxBytes(inode: Inode, executable: string): Uint8Array {
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  const size = sizeOf(inode, executable);
  view.setUint32(0, STATX_BASIC_STATS, true);
  view.setUint32(4, 4096, true);
  view.setUint32(16, inode.links, true);
  view.setUint16(28, modeOf(inode), true);
  view.setBigUint64(32, BigInt(inode.ino), true);
  view.setBigUint64(40, BigInt(size), true);
  view.setBigUint64(48, BigInt(Math.ceil(size / BLOCK_BYTES)), true);
  for (const at of [64, 96, 112]) {
    view.setBigInt64(at, inode.modified / NANOSECONDS, true);
    view.setUint32(at + 8, Number(inode.modified % NANOSECONDS), true);
  }
  view.setUint32(140, Number(DEVICE), true);
  return bytes;
}

/** One record of getdents64. `next` is where the directory stands behind it. */
export function directoryEntry(name: string, inode: Inode, next: number): Uint8Array {
  const length = Math.ceil((19 + name.length + 1) / 8) * 8;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(inode.ino), true);
  view.setBigUint64(8, BigInt(next), true);
  view.setUint16(16, length, true);
  view.setUint8(18, typeOf(inode));
  bytes.set(encodeBytes(name), 19);
  return bytes;
}

function typeOf({ kind }: Inode): number {
  switch (kind) {
    case 'file':
      return DT.DT_REG;
    case 'directory':
      return DT.DT_DIR;
    case 'symlink':
      return DT.DT_LNK;
    case 'device':
      return DT.DT_CHR;
    case 'pipe':
      return DT.DT_FIFO;
  }
}
