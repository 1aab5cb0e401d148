/**
 * Memory as the processor itself accesses it: descriptor tables and the TSS with implicit supervisor rights, which EFLAGS.AC cannot
 * widen (SDM 3A 4.6); stacks with the rights of the privilege level that they belong to.
 */
import {
  addressInFrame,
  type FrameNumber,
  type LinearAddress,
  offsetOf,
  PAGE_BYTES,
  pageOf,
} from '../../arch/address.ts';
import { Vector as PagingVector } from '../../arch/page-fault.ts';
import { present } from '../../base/assert.ts';
import type { PhysicalMemory } from '../../memory/physical-memory.ts';
import { type AccessCode, accessCode } from '../../mmu/access-rights.ts';
import type { Mmu } from '../../mmu/mmu.ts';
import { type Exception, generalProtection, invalidOpcode, Vector } from '../exception.ts';

export type Rights = 'implicit' | 'supervisor' | 'user';

function codes(kind: 'read' | 'write'): Readonly<Record<Rights, AccessCode>> {
  return {
    implicit: accessCode({ kind, user: false, implicit: true }),
    supervisor: accessCode({ kind, user: false }),
    user: accessCode({ kind, user: true }),
  };
}

const reads = codes('read');
const writes = codes('write');

export class SupervisorMemory {
  readonly #mmu: Mmu;
  readonly #memory: PhysicalMemory;

  constructor(mmu: Mmu, memory: PhysicalMemory) {
    this.#mmu = mmu;
    this.#memory = memory;
  }

  /** Up to 8 bytes. */
  read(linear: bigint, bytes: number, rights: Rights): bigint | Exception {
    const frames = this.#frames(linear, bytes, reads[rights]);
    if (!Array.isArray(frames)) return frames;
    let value = 0n;
    for (const { frame, offset, at, count } of this.#parts(frames, linear, bytes)) {
      value |= this.#memory.readBytes(addressInFrame(frame, offset), count) << BigInt(at * 8);
    }
    return value;
  }

  /** Up to 8 bytes; whole, or not at all. */
  write(linear: bigint, bytes: number, value: bigint, rights: Rights): Exception | undefined {
    const frames = this.#frames(linear, bytes, writes[rights]);
    if (!Array.isArray(frames)) return frames;
    for (const { frame, offset, at, count } of this.#parts(frames, linear, bytes)) {
      const part = BigInt.asUintN(count * 8, value >> BigInt(at * 8));
      this.#memory.storeBytes(this.#mmu.processor, addressInFrame(frame, offset), count, part);
    }
    return undefined;
  }

  /** The fault that a write to any of so many bytes, at most a page of them, would raise. */
  faultOfWrite(linear: bigint, bytes: number, rights: Rights): Exception | undefined {
    const frames = this.#frames(linear, bytes, writes[rights]);
    return Array.isArray(frames) ? undefined : frames;
  }

  /** Those of the pages, one or two. */
  #frames(linear: bigint, bytes: number, code: AccessCode): FrameNumber[] | Exception {
    const last = BigInt.asUintN(64, linear + BigInt(bytes - 1));
    const pages =
      pageOf(linear as LinearAddress) === pageOf(last as LinearAddress) ? [linear] : [linear, last & ~0xfffn];
    const frames: FrameNumber[] = [];
    for (const address of pages) {
      const frame = this.#mmu.access(pageOf(address as LinearAddress), code, offsetOf(address as LinearAddress));
      if (frame < 0) return this.#fault();
      frames.push(frame as FrameNumber);
    }
    return frames;
  }

  *#parts(frames: readonly FrameNumber[], linear: bigint, bytes: number) {
    let at = 0;
    let offset = offsetOf(linear as LinearAddress);
    for (const frame of frames) {
      const count = Math.min(bytes - at, PAGE_BYTES - offset);
      yield { frame, offset, at, count };
      at += count;
      offset = 0;
    }
  }

  #fault(): Exception {
    const fault = present(this.#mmu.pendingFault, 'the fault of a refused access');
    switch (fault.vector) {
      case PagingVector.PF:
        return { vector: Vector.PF, errorCode: fault.errorCode, linear: fault.address };
      case PagingVector.GP:
        return generalProtection;
      case PagingVector.UD:
        return invalidOpcode;
    }
  }
}
