/**
 * The operations of one processor that other processors can notice, each a single step: loads and stores through the
 * store buffer (SDM 3A 9.2.2), locked and serializing operations, which drain it (9.2.3.9, 9.3).
 */
import { type FrameNumber, type LinearAddress, offsetOf, pageOf, type PhysicalAddress } from '../arch/address.ts';
import type { InvpcidType } from '../arch/control-registers.ts';
import type { InvlpgbOperand } from '../arch/invlpgb.ts';
import { type Access, type Exception, Vector } from '../arch/page-fault.ts';
import { assert } from '../base/assert.ts';
import { accessCode } from '../mmu/access-rights.ts';
import type { Processor } from './processor.ts';

/** An access as the MMU takes it: a number. For callers that make the same access many times. */
export { accessCode } from '../mmu/access-rights.ts';

/** The frame that an access by linear address goes to, or -1 with the MMU's `pendingFault`. */
export function translate(processor: Processor, address: LinearAddress, access: Access): FrameNumber | -1 {
  return processor.mmu.access(pageOf(address), accessCode(access), offsetOf(address));
}
import type { Machine } from './machine.ts';

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

/** Sends a fixed IPI to each target; the ICR write comes after every earlier store (SDM 3A 11.12.3 asks x2APIC code for a fence). */
export function sendIpi(processor: Processor, vector: number, targets: readonly number[]): void {
  processor.storeBuffer.drainAll();
  processor.apic.sendFixed(vector, targets);
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

