/** The memory that an instance sees: one data page, writable, and its code. Everything else faults. */
import type { MemoryPort } from '../../src/cpu/ports.ts';
import { type Exception, Vector } from '../../src/cpu/exception.ts';
import { codeAddress, dataPage, pageBytes, windowBytes } from './instance.ts';

/** Error code bits W and U (SDM 3A 4.7); the page is not present. */
const writeFault = 6;
const readFault = 4;

export class FlatMemory implements MemoryPort {
  readonly data = new Uint8Array(pageBytes);
  code: Uint8Array = new Uint8Array(0);
  readonly #view = new DataView(this.data.buffer);

  get window(): Uint8Array {
    return this.data.subarray(pageBytes - windowBytes);
  }

  read(linear: bigint, bytes: number, forWrite: boolean): bigint | Exception {
    const at = this.#place(linear, bytes, forWrite ? writeFault : readFault);
    if (typeof at !== 'number') return at;
    let value = 0n;
    if (bytes === 8) return this.#view.getBigUint64(at, true);
    for (let byte = bytes - 1; byte >= 0; byte--) value = (value << 8n) | BigInt(this.#view.getUint8(at + byte));
    return value;
  }

  write(linear: bigint, bytes: number, value: bigint): Exception | undefined {
    const at = this.#place(linear, bytes, writeFault);
    if (typeof at !== 'number') return at;
    for (let byte = 0; byte < bytes; byte++) this.#view.setUint8(at + byte, Number((value >> BigInt(byte * 8)) & 255n));
    return undefined;
  }

  fetch(linear: bigint, into: Uint8Array): number | Exception {
    const at = Number(linear - codeAddress);
    const bytes = this.code.subarray(at, at + into.length);
    if (at < 0 || bytes.length === 0) return { vector: Vector.PF, errorCode: readFault, linear };
    into.set(bytes);
    return bytes.length;
  }

  /** Offset in the page; or the fault, at the first byte that is not mapped. */
  #place(linear: bigint, bytes: number, errorCode: number): number | Exception {
    const start = linear - dataPage;
    if (start >= 0n && start + BigInt(bytes) <= BigInt(pageBytes)) return Number(start);
    const before = start < 0n || start >= BigInt(pageBytes);
    return { vector: Vector.PF, errorCode, linear: before ? linear : dataPage + BigInt(pageBytes) };
  }
}
