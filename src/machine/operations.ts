/**
 * The operations of one processor that other processors can notice, each a single step: loads and stores through the
 * store buffer (SDM 3A 9.2.2), locked and serializing operations, which drain it (9.2.3.9, 9.3).
 */
import {
  addressInFrame,
  type FrameNumber,
  type LinearAddress,
  offsetOf,
  PAGE_BYTES,
  pageOf,
  type PhysicalAddress,
  physicalAddress,
} from '../arch/address.ts';
import type { InvpcidType } from '../arch/control-registers.ts';
import type { InvlpgbOperand } from '../arch/invlpgb.ts';
import { type Access, type Exception, Vector } from '../arch/page-fault.ts';
import { assert } from '../base/assert.ts';
import { accessCode } from '../mmu/access-rights.ts';
import type { Machine } from './machine.ts';
import type { Processor } from './processor.ts';

/** An access as the MMU takes it: a number. For callers that make the same access many times. */
export { accessCode } from '../mmu/access-rights.ts';

/** The frame that an access by linear address goes to, or -1 with the MMU's `pendingFault`. */
export function translate(processor: Processor, address: LinearAddress, access: Access): FrameNumber | -1 {
  return processor.mmu.access(pageOf(address), accessCode(access), offsetOf(address));
}

/** As `translate`, for a supervisor between STAC and CLAC (SDM 2B STAC): SMAP does not forbid the access. */
export function translateForCopy(processor: Processor, address: LinearAddress, access: Access): FrameNumber | -1 {
  const { mmu } = processor;
  const { cpl, ac } = mmu.control;
  mmu.setPrivilege(cpl, true);
  const frame = translate(processor, address, access);
  mmu.setPrivilege(cpl, ac);
  return frame;
}

export function load(processor: Processor, address: PhysicalAddress): bigint {
  return processor.storeBuffer.load(address);
}

export function store(processor: Processor, address: PhysicalAddress, value: bigint): void {
  processor.storeBuffer.push(address, value);
}

/** A locked read-modify-write: `next` gives the new value, or null to leave it. Result: the value before. */
export function locked(
  processor: Processor,
  address: PhysicalAddress,
  next: (before: bigint) => bigint | null,
): bigint {
  processor.storeBuffer.drainAll();
  const before = processor.storeBuffer.load(address);
  const after = next(before);
  if (after !== null) {
    processor.storeBuffer.push(address, BigInt.asUintN(64, after));
    processor.storeBuffer.drainAll();
  }
  return before;
}

export function fence(processor: Processor): void {
  processor.storeBuffer.drainAll();
}

/** A serializing instruction that changes nothing, as CPUID: unlike a fence it waits for page walks too (SDM 3A 9.3). */
export function serialize(processor: Processor): void {
  processor.storeBuffer.drainAll();
  for (const walk of [...processor.mmu.walksInFlight]) processor.mmu.abandonWalk(walk);
}

export function movToCr3(processor: Processor, value: bigint): Exception | null {
  processor.storeBuffer.drainAll();
  return processor.mmu.writeCr3(value);
}

export function movToCr4(processor: Processor, value: bigint): Exception | null {
  processor.storeBuffer.drainAll();
  return processor.mmu.writeCr4(value);
}

export function invlpg(processor: Processor, address: LinearAddress): void {
  processor.storeBuffer.drainAll();
  processor.mmu.invlpg(address);
}

export function invpcid(
  processor: Processor,
  type: InvpcidType,
  pcid: number,
  address: LinearAddress,
): Exception | null {
  processor.storeBuffer.drainAll();
  return processor.mmu.invpcid(type, pcid, address);
}

/** Sends and goes on: neither serializing nor ordered after the stores that still wait (APM 3 INVLPGB). */
export function invlpgb(machine: Machine, processor: Processor, operand: InvlpgbOperand): Exception | null {
  const most = processor.mmu.part.invlpgbCountMax;
  if (most === null) return { vector: Vector.UD };
  if (operand.pages !== null && operand.pages.count > most) return { vector: Vector.GP, errorCode: 0 };
  machine.broadcasts.send(processor.index, operand);
  return null;
}

/** Possible once nothing that the processor has sent is on its way; serializing (model). */
export function tlbsync(machine: Machine, processor: Processor): Exception | null {
  if (processor.mmu.part.invlpgbCountMax === null) return { vector: Vector.UD };
  assert(!machine.broadcasts.awaitedBy(processor.index), `TLBSYNC of processor ${processor.index} is not over yet`);
  processor.storeBuffer.drainAll();
  machine.stream.emit({ kind: 'tlbsync', processor: processor.index });
  return null;
}

/** Sends a fixed IPI to each target; the ICR write comes after every earlier store (SDM 3A 11.12.3 asks x2APIC code for a fence). */
export function sendIpi(processor: Processor, vector: number, targets: readonly number[]): void {
  processor.storeBuffer.drainAll();
  processor.apic.sendFixed(vector, targets);
}

/** Bytes within one frame, to memory word by word; the words at both ends are merged. */
export function storeBytes(processor: Processor, address: PhysicalAddress, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    const word = physicalAddress(address + done - ((address + done) & 7));
    const first = address + done - word;
    const count = Math.min(8 - first, bytes.length - done);
    let value = count === 8 ? 0n : load(processor, word);
    for (let index = 0; index < count; index++) {
      const shift = BigInt(8 * (first + index));
      value = (value & ~(0xffn << shift)) | (BigInt(bytes[done + index] as number) << shift);
    }
    store(processor, word, value);
    done += count;
  }
}

/** Fills `into` from bytes within one frame. */
export function loadBytes(processor: Processor, address: PhysicalAddress, into: Uint8Array): void {
  for (let done = 0; done < into.length; ) {
    const word = physicalAddress(address + done - ((address + done) & 7));
    const first = address + done - word;
    const count = Math.min(8 - first, into.length - done);
    const value = load(processor, word);
    for (let index = 0; index < count; index++)
      into[done + index] = Number((value >> BigInt(8 * (first + index))) & 0xffn);
    done += count;
  }
}

/** A locked read-modify-write on four aligned bytes. Result: the value before. */
export function lockedWord(
  processor: Processor,
  address: PhysicalAddress,
  next: (before: number) => number | null,
): number {
  const word = physicalAddress(address - (address & 7));
  const shift = BigInt(8 * (address & 7));
  const before = locked(processor, word, (value) => {
    const after = next(Number((value >> shift) & 0xffff_ffffn));
    return after === null ? null : (value & ~(0xffff_ffffn << shift)) | (BigInt(after >>> 0) << shift);
  });
  return Number((before >> shift) & 0xffff_ffffn);
}

/** A device writes a frame for the processor: `content`, and zeros behind it. */
export function fillFrame(
  { memory, stream }: Machine,
  { index }: Processor,
  frame: FrameNumber,
  content: Uint8Array,
): void {
  const bytes = new Uint8Array(PAGE_BYTES);
  bytes.set(content.subarray(0, PAGE_BYTES));
  const words = new DataView(bytes.buffer);
  for (let offset = 0; offset < PAGE_BYTES; offset += 8) {
    memory.store(index, addressInFrame(frame, offset), words.getBigUint64(offset, true), stream.time);
  }
}
