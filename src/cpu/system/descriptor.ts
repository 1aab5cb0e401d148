/**
 * Descriptors of segments, system segments and gates (SDM 3A 3.4.5, 3.5, 6.14.1), read from their bits. In 64-bit mode system
 * descriptors and gates have sixteen bytes (SDM 3A 3.5.2).
 */
import { type Exception, Vector } from '../exception.ts';

export interface Descriptor {
  readonly base: bigint;
  /** In bytes, the last one included. */
  readonly limit: number;
  /** Four bits, whose meaning depends on `system`. */
  readonly type: number;
  /** S = 0. */
  readonly system: boolean;
  readonly dpl: number;
  readonly present: boolean;
  /** L: 64-bit code. */
  readonly long: boolean;
  /** D or B. */
  readonly big: boolean;
  /** The eight bytes, for LAR and for setting accessed bits. */
  readonly bits: bigint;
}

/** System descriptor types in IA-32e mode (SDM 3A table 3-2). */
export const SystemType = {
  ldt: 2,
  availableTss: 9,
  busyTss: 11,
  callGate: 12,
  interruptGate: 14,
  trapGate: 15,
} as const;

const field = (bits: bigint, at: number, count: number): number =>
  Number((bits >> BigInt(at)) & ((1n << BigInt(count)) - 1n));

/** `high` is the second half of a system descriptor. */
export function parseDescriptor(bits: bigint, high = 0n): Descriptor {
  const base = BigInt(field(bits, 16, 24)) | (BigInt(field(bits, 56, 8)) << 24n) | (BigInt.asUintN(32, high) << 32n);
  const units = field(bits, 0, 16) | (field(bits, 48, 4) << 16);
  return {
    base,
    limit: field(bits, 55, 1) === 1 ? units * 4096 + 4095 : units,
    type: field(bits, 40, 4),
    system: field(bits, 44, 1) === 0,
    dpl: field(bits, 45, 2),
    present: field(bits, 47, 1) === 1,
    long: field(bits, 53, 1) === 1,
    big: field(bits, 54, 1) === 1,
    bits,
  };
}

/** What a selector stands for in real mode: 64 KBytes from sixteen times its value (SDM 3A 3.4.3; SDM 3B 21.1.1). */
export function realModeSegment(selector: number): Descriptor {
  return { ...parseDescriptor(0x0000_9300_0000_ffffn), base: BigInt(selector) << 4n };
}

export function isCode({ system, type }: Descriptor): boolean {
  return !system && (type & 8) !== 0;
}

export function isConforming({ type }: Descriptor): boolean {
  return (type & 4) !== 0;
}

export function isWritableData({ system, type }: Descriptor): boolean {
  return !system && (type & 8) === 0 && (type & 2) !== 0;
}

export function isReadable({ system, type }: Descriptor): boolean {
  return !system && ((type & 8) === 0 || (type & 2) !== 0);
}

export interface Gate {
  readonly type: number;
  readonly system: boolean;
  readonly dpl: number;
  readonly present: boolean;
  readonly selector: number;
  readonly offset: bigint;
  /** Interrupt stack table index, of interrupt and trap gates. */
  readonly ist: number;
  /** Bits 12:8 of the upper half's second doubleword are 0, as they must be. */
  readonly upperTypeZero: boolean;
}

export function parseGate(bits: bigint, high: bigint): Gate {
  return {
    type: field(bits, 40, 4),
    system: field(bits, 44, 1) === 0,
    dpl: field(bits, 45, 2),
    present: field(bits, 47, 1) === 1,
    selector: field(bits, 16, 16),
    offset: BigInt(field(bits, 0, 16)) | (BigInt(field(bits, 48, 16)) << 16n) | (BigInt.asUintN(32, high) << 32n),
    ist: field(bits, 32, 3),
    upperTypeZero: field(high, 40, 5) === 0,
  };
}

export const rplOf = (selector: number): number => selector & 3;
export const isNull = (selector: number): boolean => (selector & 0xfffc) === 0;

/** An exception whose error code names a selector (SDM 3A 6.13). */
export function selectorFault(vector: Vector, selector: number, external = false): Exception {
  return { vector, errorCode: (selector & 0xfffc) | (external ? 1 : 0) };
}

export const notPresent = (selector: number): Exception => selectorFault(Vector.NP, selector);
export const protection = (selector: number): Exception => selectorFault(Vector.GP, selector);
