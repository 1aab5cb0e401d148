/**
 * What an access to a register may do, in each of the two forms: 32 bits in memory (xAPIC mode, SDM 3A 11.4.1), or a
 * model-specific register (x2APIC mode, 11.12.1.2, 11.12.1.3).
 */
import { ApicMsr, ApicRegister, apicRegisterRule } from '../arch/apic-registers.ts';
import { type Exception, Vector } from '../arch/page-fault.ts';
import { assert } from '../base/assert.ts';
import { UnsupportedError } from '../base/errors.ts';

/** The registers themselves. Values are 32 bits, unsigned; a write carries writable bits only. */
export interface ApicRegisters {
  read(offset: number): number;
  write(offset: number, value: number): void;
  /** The ICR's destination field, bits 63:32 in x2APIC mode. */
  commandDestination: number;
  /** Software accessed a reserved register in xAPIC mode. */
  illegalAddress(): void;
}

export const GENERAL_PROTECTION: Exception = { vector: Vector.GP, errorCode: 0 };

/** A reserved register is noted in ESR and reads 0, as do write-only ones (model). */
export function readXapic(registers: ApicRegisters, offset: number): number {
  const access = xapicAccess(registers, offset);
  return access === 'read-only' || access === 'read-write' ? registers.read(offset) : 0;
}

/** What a register cannot hold is ignored, and so is a write to a read-only register (model). */
export function writeXapic(registers: ApicRegisters, offset: number, value: number): void {
  const access = xapicAccess(registers, offset);
  if (access === 'read-only' || access === 'reserved') return;
  registers.write(offset, (value & (apicRegisterRule(offset)?.writable ?? 0)) >>> 0);
}

function xapicAccess(registers: ApicRegisters, offset: number) {
  if (offset % 16 !== 0) {
    throw new UnsupportedError(`an access at 0x${offset.toString(16)} of the APIC's registers, not on 16 bytes`);
  }
  const access = apicRegisterRule(offset)?.xapic ?? 'reserved';
  if (access === 'reserved') registers.illegalAddress();
  return access;
}

export function readX2apic(registers: ApicRegisters, msr: number): bigint | Exception {
  const offset = x2apicOffset(msr);
  const access = apicRegisterRule(offset)?.x2apic ?? 'reserved';
  if (access === 'reserved' || access === 'write-only') return GENERAL_PROTECTION;
  const low = BigInt(registers.read(offset));
  return offset === ApicRegister.ICR_LOW ? (BigInt(registers.commandDestination) << 32n) | low : low;
}

/** Setting a reserved bit is a #GP, as is writing a register that cannot be written. */
export function writeX2apic(registers: ApicRegisters, msr: number, value: bigint): Exception | null {
  const offset = x2apicOffset(msr);
  const rule = apicRegisterRule(offset);
  if (rule === null || rule.x2apic === 'reserved' || rule.x2apic === 'read-only') return GENERAL_PROTECTION;
  const low = Number(value & 0xffff_ffffn);
  const high = Number(value >> 32n);
  if ((low & ~(rule.writable | rule.status)) !== 0) return GENERAL_PROTECTION;
  if (offset === ApicRegister.ICR_LOW) registers.commandDestination = high;
  else if (high !== 0) return GENERAL_PROTECTION;
  registers.write(offset, (low & rule.writable) >>> 0);
  return null;
}

export function x2apicMsr(offset: number): number {
  return ApicMsr.X2APIC_FIRST + offset / 16;
}

function x2apicOffset(msr: number): number {
  assert(
    msr >= ApicMsr.X2APIC_FIRST && msr <= ApicMsr.X2APIC_LAST,
    `MSR 0x${msr.toString(16)} is not the local APIC's`,
  );
  return (msr - ApicMsr.X2APIC_FIRST) * 16;
}
