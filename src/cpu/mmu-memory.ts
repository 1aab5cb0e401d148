/**
 * Linear memory as an engine sees it: each access goes through the memory-management unit with the rights that it needs
 * at the present privilege level, and then to guest-physical memory.
 *
 * An access that crosses a page boundary is translated for both pages, the lower first, before anything is read or
 * written (SDM 3A 6.6: a fault leaves nothing done). Stores are visible to everybody at once: a store buffer is for the
 * caller to have drained before code runs. Instructions being atomic here, a locked access is like any other.
 *
 * Left out: wrapping of a page-crossing access at 4 GBytes outside 64-bit mode.
 */
import { addressInFrame, type FrameNumber, type LinearAddress, offsetOf, PAGE_BYTES } from '../arch/address.ts';
import { PAGE_NUMBER_LIMIT, type PageNumber, pageNumber, pageOf, physicalAddress } from '../arch/address.ts';
import { Vector as PagingVector } from '../arch/page-fault.ts';
import { present } from '../base/assert.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { type AccessCode, accessCode } from '../mmu/access-rights.ts';
import type { Mmu } from '../mmu/mmu.ts';
import { type Exception, generalProtection, invalidOpcode, Vector } from './exception.ts';
import type { MemoryPort } from './ports.ts';

/** What one kind of access is at privilege levels 0 to 2, and at 3. */
interface CodePair {
  readonly supervisor: AccessCode;
  readonly user: AccessCode;
}

function codePair(kind: 'read' | 'write' | 'fetch'): CodePair {
  return { supervisor: accessCode({ kind, user: false }), user: accessCode({ kind, user: true }) };
}

const READ = codePair('read');
const WRITE = codePair('write');
const FETCH = codePair('fetch');

/** The next page, after the last one the first. */
export function pageAfter(page: PageNumber): PageNumber {
  return page + 1 === PAGE_NUMBER_LIMIT ? pageNumber(0) : pageNumber(page + 1);
}

export class MmuMemory implements MemoryPort {
  readonly mmu: Mmu;
  readonly memory: PhysicalMemory;

  constructor(mmu: Mmu, memory: PhysicalMemory) {
    this.mmu = mmu;
    this.memory = memory;
  }

  read(linear: bigint, bytes: number, forWrite: boolean): bigint | Exception {
    const code = this.#code(forWrite ? WRITE : READ);
    const page = pageOf(linear as LinearAddress);
    const offset = offsetOf(linear as LinearAddress);
    const frame = this.mmu.access(page, code, offset);
    if (frame < 0) return this.fault();
    const first = PAGE_BYTES - offset;
    const place = addressInFrame(frame as FrameNumber, offset);
    if (bytes <= first) return this.memory.readBytes(place, bytes);
    const next = this.mmu.access(pageAfter(page), code, 0);
    if (next < 0) return this.fault();
    const low = this.memory.readBytes(place, first);
    const high = this.memory.readBytes(addressInFrame(next as FrameNumber, 0), bytes - first);
    return low | (high << BigInt(8 * first));
  }

  write(linear: bigint, bytes: number, value: bigint): Exception | undefined {
    const code = this.#code(WRITE);
    const page = pageOf(linear as LinearAddress);
    const offset = offsetOf(linear as LinearAddress);
    const frame = this.mmu.access(page, code, offset);
    if (frame < 0) return this.fault();
    const { processor } = this.mmu;
    const first = PAGE_BYTES - offset;
    const place = addressInFrame(frame as FrameNumber, offset);
    if (bytes <= first) {
      this.memory.storeBytes(processor, place, bytes, value);
      return undefined;
    }
    const next = this.mmu.access(pageAfter(page), code, 0);
    if (next < 0) return this.fault();
    this.memory.storeBytes(processor, place, first, BigInt.asUintN(8 * first, value));
    this.memory.storeBytes(
      processor,
      addressInFrame(next as FrameNumber, 0),
      bytes - first,
      value >> BigInt(8 * first),
    );
    return undefined;
  }

  /** One access by the MMU a call: an instruction that lies in two pages is fetched by two. */
  fetch(linear: bigint, into: Uint8Array): number | Exception {
    const offset = offsetOf(linear as LinearAddress);
    const frame = this.mmu.access(pageOf(linear as LinearAddress), this.#code(FETCH), offset);
    if (frame < 0) return this.fault();
    const bytes = Math.min(into.length, PAGE_BYTES - offset);
    this.memory.copyBytes(physicalAddress(frame * PAGE_BYTES + offset), into.subarray(0, bytes));
    return bytes;
  }

  /** The fault for which the MMU has just refused an access. */
  fault(): Exception {
    const fault = present(this.mmu.pendingFault, 'the fault of a refused access');
    switch (fault.vector) {
      case PagingVector.PF:
        return { vector: Vector.PF, errorCode: fault.errorCode, linear: fault.address };
      case PagingVector.GP:
        return generalProtection;
      case PagingVector.UD:
        return invalidOpcode;
    }
  }

  #code({ supervisor, user }: CodePair): AccessCode {
    return this.mmu.control.cpl === 3 ? user : supervisor;
  }
}
