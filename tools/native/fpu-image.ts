/**
 * The first 416 bytes of the image that FXSAVE makes with REX.W (SDM 1 10.5.1, table 10-2): x87 registers from the top of the
 * stack on, MXCSR, XMM registers. And its way into a register file and back.
 */
import type { RegisterFile } from '../../src/cpu/registers.ts';
import { fpuImageBytes } from './instance.ts';

export const FpuImage = {
  controlWord: 0,
  statusWord: 2,
  /** A bit for each physical register: 0 is empty. */
  tags: 4,
  opcode: 6,
  instructionPointer: 8,
  dataPointer: 16,
  mxcsr: 24,
  mxcsrMask: 28,
  x87: 32,
  xmm: 160,
} as const;

/** The x87 FPU as FNINIT leaves it, MXCSR as at reset, all registers 0. */
export function initialFpuImage(): Uint8Array {
  const image = new Uint8Array(fpuImageBytes);
  const view = new DataView(image.buffer);
  view.setUint16(FpuImage.controlWord, 0x37f, true);
  view.setUint32(FpuImage.mxcsr, 0x1f80, true);
  return image;
}

const topOf = (statusWord: number): number => (statusWord >> 11) & 7;

/** As FSTENV tells it (SDM 1 8.1.7): valid, zero, special, empty. */
function tagOf(full: boolean, significand: bigint, signAndExponent: number): number {
  if (!full) return 3;
  const exponent = signAndExponent & 0x7fff;
  if (exponent === 0) return significand === 0n ? 1 : 2;
  return exponent === 0x7fff || significand >> 63n === 0n ? 2 : 0;
}

export function loadFpuImage(registers: RegisterFile, image: Uint8Array): void {
  const view = new DataView(image.buffer, image.byteOffset, fpuImageBytes);
  const statusWord = view.getUint16(FpuImage.statusWord, true);
  const full = view.getUint8(FpuImage.tags);
  let tags = 0;
  for (let at = 0; at < 8; at++) {
    const physical = (topOf(statusWord) + at) & 7;
    const significand = view.getBigUint64(FpuImage.x87 + at * 16, true);
    const signAndExponent = view.getUint16(FpuImage.x87 + at * 16 + 8, true);
    registers.x87[physical * 2] = significand;
    registers.x87[physical * 2 + 1] = BigInt(signAndExponent);
    tags |= tagOf(((full >> physical) & 1) === 1, significand, signAndExponent) << (physical * 2);
  }
  registers.x87Words.set([
    view.getUint16(FpuImage.controlWord, true),
    statusWord,
    tags,
    view.getUint16(FpuImage.opcode, true),
  ]);
  registers.x87Pointers[0] = view.getBigUint64(FpuImage.instructionPointer, true);
  registers.x87Pointers[1] = view.getBigUint64(FpuImage.dataPointer, true);
  registers.mxcsr = view.getUint32(FpuImage.mxcsr, true);
  for (let at = 0; at < 32; at++) {
    registers.vector[(at >> 1) * 4 + (at & 1)] = view.getBigUint64(FpuImage.xmm + at * 8, true);
  }
}

export function storeFpuImage(registers: RegisterFile): Uint8Array {
  const image = new Uint8Array(fpuImageBytes);
  const view = new DataView(image.buffer);
  const [controlWord = 0, statusWord = 0, tags = 0, opcode = 0] = registers.x87Words;
  view.setUint16(FpuImage.controlWord, controlWord, true);
  view.setUint16(FpuImage.statusWord, statusWord, true);
  view.setUint16(FpuImage.opcode, opcode, true);
  view.setBigUint64(FpuImage.instructionPointer, registers.x87Pointers[0] ?? 0n, true);
  view.setBigUint64(FpuImage.dataPointer, registers.x87Pointers[1] ?? 0n, true);
  view.setUint32(FpuImage.mxcsr, registers.mxcsr, true);
  let full = 0;
  for (let physical = 0; physical < 8; physical++) {
    if (((tags >> (physical * 2)) & 3) !== 3) full |= 1 << physical;
    const place = FpuImage.x87 + ((physical - topOf(statusWord)) & 7) * 16;
    view.setBigUint64(place, registers.x87[physical * 2] ?? 0n, true);
    view.setUint16(place + 8, Number(registers.x87[physical * 2 + 1] ?? 0n), true);
  }
  view.setUint8(FpuImage.tags, full);
  for (let at = 0; at < 32; at++) {
    view.setBigUint64(FpuImage.xmm + at * 8, registers.vector[(at >> 1) * 4 + (at & 1)] ?? 0n, true);
  }
  return image;
}
