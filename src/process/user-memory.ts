/**
 * The kernel's copies from and to user memory, page by page through the MMU. A page that the process may not access that
 * way throws `Segfault` into the code, which system calls turn into EFAULT.
 */
import { linearAddress, PAGE_BYTES } from '../arch/address.ts';
import { ERRNO } from '../arch/linux-errno.ts';
import { PATH_MAX } from '../arch/linux-files.ts';
import type { Kernel } from '../kernel/hardware.ts';

const PAGE = BigInt(PAGE_BYTES);

export function* copyFromUser(address: bigint, into: Uint8Array): Kernel<void> {
  yield* copy(address, into, false);
}

export function* copyToUser(address: bigint, bytes: Uint8Array): Kernel<void> {
  yield* copy(address, bytes, true);
}

function* copy(address: bigint, bytes: Uint8Array, write: boolean): Kernel<void> {
  for (let done = 0; done < bytes.length; ) {
    const at = linearAddress(address + BigInt(done));
    const count = Math.min(bytes.length - done, Number(PAGE - (at % PAGE)));
    yield { kind: 'user-copy', address: at, bytes: bytes.subarray(done, done + count), write };
    done += count;
  }
}

export function* readBytes(address: bigint, length: number): Kernel<Uint8Array> {
  const bytes = new Uint8Array(length);
  yield* copyFromUser(address, bytes);
  return bytes;
}

export function* read64(address: bigint): Kernel<bigint> {
  const bytes = yield* readBytes(address, 8);
  return new DataView(bytes.buffer).getBigUint64(0, true);
}

export function* read32(address: bigint): Kernel<number> {
  const bytes = yield* readBytes(address, 4);
  return new DataView(bytes.buffer).getUint32(0, true);
}

export function* write64(address: bigint, value: bigint): Kernel<void> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  yield* copyToUser(address, bytes);
}

export function* write32(address: bigint, value: number): Kernel<void> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value >>> 0, true);
  yield* copyToUser(address, bytes);
}

/** The bytes up to a zero byte, or null when there is none among the first `limit`. */
export function* readString(address: bigint, limit: number): Kernel<string | null> {
  const parts: Uint8Array[] = [];
  for (let length = 0; length < limit; ) {
    const at = address + BigInt(length);
    const count = Math.min(Number(PAGE - (BigInt.asUintN(64, at) % PAGE)), limit - length);
    const bytes = yield* readBytes(at, count);
    const end = bytes.indexOf(0);
    parts.push(end < 0 ? bytes : bytes.subarray(0, end));
    if (end >= 0) return decodeBytes(concatenate(parts));
    length += count;
  }
  return null;
}

/** A path: the string, or a negative errno. */
export function* readPath(address: bigint): Kernel<string | number> {
  return (yield* readString(address, PATH_MAX)) ?? -ERRNO.ENAMETOOLONG;
}

/** Bytes as a string of one character each: file names and arguments are bytes to Linux. */
export function decodeBytes(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

export function encodeBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
