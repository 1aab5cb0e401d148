/**
 * The x87 FPU, MXCSR and XMM registers as FXSAVE64 lays them out (SDM 1 10.5.1, table 10-2): what a signal frame holds. The
 * full tag word is made anew from the registers' contents, as FXRSTOR does.
 */
import type { UserRegisters } from '../user-registers.ts';

export const IMAGE_BYTES = 512;

const FIRST_X87 = 32;
const FIRST_XMM = 160;
const MXCSR_MASK = 0xffff;
const EMPTY = 3;
const INTEGER_BIT = 1n << 63n;

export function saveFloatingPoint(registers: UserRegisters): Uint8Array {
  const bytes = new Uint8Array(IMAGE_BYTES);
  const view = new DataView(bytes.buffer);
  const [control = 0, status = 0, tags = 0, opcode = 0] = registers.x87Words;
  const [instruction = 0n, data = 0n] = registers.x87Pointers;
  view.setUint16(0, control, true);
  view.setUint16(2, status, true);
  view.setUint16(6, opcode, true);
  view.setBigUint64(8, instruction, true);
  view.setBigUint64(16, data, true);
  view.setUint32(24, registers.mxcsr, true);
  view.setUint32(28, MXCSR_MASK, true);
  let abridged = 0;
  for (let register = 0; register < 8; register++) {
    if (((tags >> (2 * register)) & 3) !== EMPTY) abridged |= 1 << register;
    const physical = (topOf(status) + register) & 7;
    view.setBigUint64(FIRST_X87 + 16 * register, registers.x87[2 * physical] as bigint, true);
    view.setUint16(FIRST_X87 + 16 * register + 8, Number((registers.x87[2 * physical + 1] as bigint) & 0xffffn), true);
  }
  view.setUint8(4, abridged);
  for (let register = 0; register < 16; register++) {
    view.setBigUint64(FIRST_XMM + 16 * register, registers.vector[4 * register] as bigint, true);
    view.setBigUint64(FIRST_XMM + 16 * register + 8, registers.vector[4 * register + 1] as bigint, true);
  }
  return bytes;
}

export function restoreFloatingPoint(registers: UserRegisters, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, IMAGE_BYTES);
  const status = view.getUint16(2, true);
  const abridged = view.getUint8(4);
  let tags = 0;
  for (let register = 0; register < 8; register++) {
    const physical = (topOf(status) + register) & 7;
    const significand = view.getBigUint64(FIRST_X87 + 16 * register, true);
    const exponent = view.getUint16(FIRST_X87 + 16 * register + 8, true);
    registers.x87[2 * physical] = significand;
    registers.x87[2 * physical + 1] = BigInt(exponent);
    const tag = (abridged & (1 << physical)) === 0 ? EMPTY : tagOf(significand, exponent);
    tags |= tag << (2 * physical);
  }
  registers.x87Words.set([view.getUint16(0, true), status, tags, view.getUint16(6, true)]);
  registers.x87Pointers.set([view.getBigUint64(8, true), view.getBigUint64(16, true)]);
  registers.mxcsr = view.getUint32(24, true) & MXCSR_MASK;
  for (let register = 0; register < 16; register++) {
    registers.vector[4 * register] = view.getBigUint64(FIRST_XMM + 16 * register, true);
    registers.vector[4 * register + 1] = view.getBigUint64(FIRST_XMM + 16 * register + 8, true);
  }
}

/** As FNINIT and reset leave them: how a signal handler finds them. */
export function resetFloatingPoint(registers: UserRegisters): void {
  registers.x87Words.set([0x37f, 0, 0xffff, 0]);
  registers.x87Pointers.fill(0n);
  registers.x87.fill(0n);
  registers.vector.fill(0n);
  registers.mxcsr = 0x1f80;
}

function topOf(status: number): number {
  return (status >> 11) & 7;
}

/** Valid, zero or special (SDM 1 8.1.7). */
function tagOf(significand: bigint, signAndExponent: number): number {
  const exponent = signAndExponent & 0x7fff;
  if (exponent === 0 && significand === 0n) return 1;
  return exponent === 0 || exponent === 0x7fff || (significand & INTEGER_BIT) === 0n ? 2 : 0;
}
