/**
 * Accesses that the filter's lines do not allow: misses, watched entries, guarded frames, page crossings, faults. They go
 * the way of the golden engine, through `MmuMemory`, access by access in its order.
 */
import { addressInFrame, type FrameNumber, PAGE_BYTES } from '../../../arch/address.ts';
import { type AccessCode, accessCode } from '../../../mmu/access-rights.ts';
import { type Exception, generalProtection, stackFault } from '../../exception.ts';
import type { MmuMemory } from '../../mmu-memory.ts';
import { AccessBit } from './access-code.ts';
import { Block } from './layout.ts';
import { pageOfHalves, type ProcessorBlock } from './processor-block.ts';

/** Canonical for 48-bit linear addresses (SDM 1 3.3.7.1). */
function isCanonical(address: bigint): boolean {
  return BigInt.asUintN(64, BigInt.asIntN(48, address)) === address;
}

export class SlowAccess {
  readonly #block: ProcessorBlock;
  readonly #port: MmuMemory;
  /** Where guest-physical memory lies in the linear memory. */
  readonly #memory: number;

  constructor(block: ProcessorBlock, port: MmuMemory, memory: number) {
    this.#block = block;
    this.#port = port;
    this.#memory = memory;
  }

  /** The address in the linear memory of what was loaded, or the fault. */
  load(what: number, long: boolean): number | Exception {
    const block = this.#block;
    const bytes = what & 0xff;
    const low = block.word(Block.exchange);
    const high = block.word(Block.exchange + 4);
    const offset = low & 0xfff;
    const write = (what & AccessBit.write) !== 0;
    const linear = block.longWord(Block.exchange);
    const fault = long ? this.#checkCanonical(linear, what) : undefined;
    if (fault !== undefined) return fault;
    if (bytes <= 8 && offset + bytes <= PAGE_BYTES) {
      const frame = this.#port.mmu.access(pageOfHalves(low, high), this.#code(write), offset);
      if (frame < 0) return this.#port.fault();
      const place = addressInFrame(frame as FrameNumber, offset);
      if (frame >= this.#port.memory.frames) this.#port.memory.readBytes(place, bytes);
      return this.#memory + place;
    }
    for (let at = 0; at < bytes; at += 8) {
      const value = this.#port.read(this.#plus(linear, at, long), Math.min(bytes - at, 8), write);
      if (typeof value !== 'bigint') return value;
      block.setLongWord(Block.loaded + at, value);
    }
    return block.address + Block.loaded;
  }

  /** Stores what lies in `Block.exchange` after the linear address. */
  store(what: number, long: boolean): Exception | undefined {
    const block = this.#block;
    const bytes = what & 0xff;
    const linear = block.longWord(Block.exchange);
    const fault = long ? this.#checkCanonical(linear, what) : undefined;
    if (fault !== undefined) return fault;
    const accesses = Math.floor(what / AccessBit.count);
    if (accesses > Math.ceil(bytes / 8)) {
      // Of a vector: its halves may be in two pages, and both must be writable before either is written.
      for (let at = 0; at < bytes; at += 8) {
        const right = this.#port.read(this.#plus(linear, at, long), 8, true);
        if (typeof right !== 'bigint') return right;
      }
    }
    for (let at = 0; at < bytes; at += 8) {
      const size = Math.min(bytes - at, 8);
      const value = BigInt.asUintN(8 * size, block.longWord(Block.exchange + 8 + at));
      const refused = this.#port.write(this.#plus(linear, at, long), size, value);
      if (refused !== undefined) return refused;
    }
    return undefined;
  }

  #checkCanonical(linear: bigint, what: number): Exception | undefined {
    const last = BigInt.asUintN(64, linear + BigInt((what & 0xff) - 1));
    if (isCanonical(linear) && isCanonical(last)) return undefined;
    return (what & AccessBit.stack) !== 0 ? stackFault : generalProtection;
  }

  #plus(linear: bigint, bytes: number, long: boolean): bigint {
    return BigInt.asUintN(long ? 64 : 32, linear + BigInt(bytes));
  }

  #code(write: boolean): AccessCode {
    const user = this.#port.mmu.control.cpl === 3;
    return accessCode({ kind: write ? 'write' : 'read', user });
  }
}
