/**
 * The registers of a logical processor that instructions name (SDM 1 3.4, 8.1, 10.2): one block of bytes, so that every
 * engine works on the same state, generated code reads it in place, and engines can take turns at any instruction
 * boundary. System registers are not here.
 */
import { reservedOne } from './flags.ts';

/** General registers as ModR/M numbers them. */
export const Register = {
  RAX: 0,
  RCX: 1,
  RDX: 2,
  RBX: 3,
  RSP: 4,
  RBP: 5,
  RSI: 6,
  RDI: 7,
} as const;
export type Register = (typeof Register)[keyof typeof Register];

/** Where each part of the block begins, in bytes. */
export const RegisterOffset = {
  /** 16 of 8 bytes. */
  general: 0,
  rip: 128,
  /** 4 bytes. */
  rflags: 136,
  /** 4 bytes. */
  mxcsr: 140,
  /** 6 of 8 bytes. */
  segmentBase: 144,
  /** 6 of 2 bytes. */
  selector: 192,
  /** Control, status and tag word of the x87 FPU, and its last opcode: 2 bytes each. */
  x87Control: 204,
  /** What control registers forbid to x87, MMX and SSE instructions: 4 bytes, of `Restriction`. */
  restrictions: 212,
  /** Last instruction pointer and data pointer of the x87 FPU: 8 bytes each. */
  x87Pointer: 216,
  /** Physical registers R0-R7 of the x87 FPU, 16 bytes apart, 10 in use; MM0-MM7 are their low 8 bytes. */
  x87: 256,
  /** 16 of 32 bytes; XMM is the low half. */
  vector: 384,
  /** What an engine or helper passes to itself: 64 bytes. */
  scratch: 896,
} as const;

/**
 * Why x87, MMX and SSE instructions raise #NM or #UD, copied from CR0 and CR4 by whoever writes those, so that an engine
 * sees in one place that nothing does (SDM 3A 2.5, tables 13-1 and 14-1).
 */
export const Restriction = {
  /** CR0.TS: #NM. */
  taskSwitched: 1,
  /** CR0.EM: #NM for x87, #UD for MMX and SSE. */
  emulated: 2,
  /** CR4.OSFXSR = 0: #UD for SSE. */
  noSse: 4,
  /** CR4.OSXMMEXCPT = 0: #UD in place of #XM. */
  noSimdErrors: 8,
  /** CR0.MP: CR0.TS counts for WAIT too. */
  monitored: 16,
  /** CR4.OSXSAVE = 0: #UD for XSAVE and its like. */
  noExtendedStates: 32,
} as const;

/** Bytes of the block. */
export const registerFileBytes = 1024;

export class RegisterFile {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly general: BigUint64Array;
  /** Bases and selectors by segment number; in 64-bit mode only the bases of FS and GS count (SDM 3A 3.4.4). */
  readonly segmentBase: BigUint64Array;
  readonly selector: Uint16Array;
  /** Control word, status word, tag word (two bits a register, as FSTENV has it) and last opcode. */
  readonly x87Words: Uint16Array;
  readonly x87Pointers: BigUint64Array;
  /** Two 64-bit halves a register: significand (or MMX register), then sign and exponent in the low 16 bits. */
  readonly x87: BigUint64Array;
  /** Four 64-bit parts a register, the lowest first. */
  readonly vector: BigUint64Array;
  /** Two 64-bit halves a vector. */
  readonly scratch: BigUint64Array;
  readonly #rip: BigUint64Array;
  readonly #words: Uint32Array;
  readonly #restrictions: Uint32Array;

  /** Resets the block at `byteOffset`, which is a multiple of 16. */
  constructor(buffer: ArrayBufferLike = new ArrayBuffer(registerFileBytes), byteOffset = 0) {
    this.buffer = buffer;
    this.byteOffset = byteOffset;
    const at = (offset: number): number => byteOffset + offset;
    this.general = new BigUint64Array(buffer, at(RegisterOffset.general), 16);
    this.#rip = new BigUint64Array(buffer, at(RegisterOffset.rip), 1);
    this.#words = new Uint32Array(buffer, at(RegisterOffset.rflags), 2);
    this.segmentBase = new BigUint64Array(buffer, at(RegisterOffset.segmentBase), 6);
    this.selector = new Uint16Array(buffer, at(RegisterOffset.selector), 6);
    this.x87Words = new Uint16Array(buffer, at(RegisterOffset.x87Control), 4);
    this.x87Pointers = new BigUint64Array(buffer, at(RegisterOffset.x87Pointer), 2);
    this.x87 = new BigUint64Array(buffer, at(RegisterOffset.x87), 16);
    this.vector = new BigUint64Array(buffer, at(RegisterOffset.vector), 64);
    this.scratch = new BigUint64Array(buffer, at(RegisterOffset.scratch), 8);
    this.#restrictions = new Uint32Array(buffer, at(RegisterOffset.restrictions), 1);
    this.reset();
  }

  /** All zero but the bits that are always set, and the x87 FPU and MXCSR as FNINIT and reset leave them (SDM 3A 10.1.1). */
  reset(): void {
    new Uint8Array(this.buffer, this.byteOffset, registerFileBytes).fill(0);
    this.rflags = reservedOne;
    this.mxcsr = 0x1f80;
    this.x87Words[0] = 0x037f;
    this.x87Words[2] = 0xffff;
  }

  get rip(): bigint {
    return this.#rip[0] as bigint;
  }

  set rip(value: bigint) {
    this.#rip[0] = value;
  }

  get rflags(): number {
    return this.#words[0] as number;
  }

  set rflags(value: number) {
    this.#words[0] = value;
  }

  get mxcsr(): number {
    return this.#words[1] as number;
  }

  set mxcsr(value: number) {
    this.#words[1] = value;
  }

  /** Of `Restriction`; 0, nothing forbidden, after `reset`. */
  get restrictions(): number {
    return this.#restrictions[0] as number;
  }

  set restrictions(value: number) {
    this.#restrictions[0] = value;
  }
}
