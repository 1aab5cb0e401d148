/**
 * The x87 FPU's state as its instructions see it (SDM 1 8.1): a stack of eight registers, control, status and tag word. The
 * tag word tells empty registers (11b) from others; what else FSTENV shows of it is told from the contents. The last data
 * pointer and opcode change only with an unmasked exception, and selectors read as 0, as processors have it whose CPUID says so
 * (FDP_EXCPTN_ONLY; deprecated FCS and FDS).
 */
import { type FloatControl, FloatFlag, controlOfX87 } from '../float/control.ts';
import { extended, extendedTo24, extendedTo53, type FloatFormat, indefinite } from '../float/format.ts';
import { type FloatNumber, unpack } from '../float/number.ts';
import type { RegisterFile } from '../registers.ts';

/** Bits of the status word beyond the exception flags (SDM 1 8.1.3). */
export const Status = { SF: 0x40, ES: 0x80, C0: 0x100, C1: 0x200, C2: 0x400, C3: 0x4000, B: 0x8000 } as const;
const topShift = 11;
const topMask = 7 << topShift;
const exceptionFlags = 0x3f;

/** Bits of the control word that exist; bit 6 is always 1 (SDM 1 8.1.5). */
const controlBits = 0x1f3f;
const controlOnes = 0x40;
const initialControl = 0x37f;

/** Exceptions detected before an operation: when unmasked, operands and destination stay (SDM 1 8.5, 8.7). */
export const beforeOperation = FloatFlag.IE | FloatFlag.DE | FloatFlag.ZE;
/** Those that, unmasked, leave memory unchanged when a result is stored there. */
export const beforeStore = FloatFlag.IE | FloatFlag.OE | FloatFlag.UE;

export class X87State {
  readonly #registers: RegisterFile;

  constructor(registers: RegisterFile) {
    this.#registers = registers;
  }

  get control(): number {
    return this.#registers.x87Words[0] ?? 0;
  }

  /** A pending exception that the new masks let through is reported by the next instruction, others no longer are. */
  set control(value: number) {
    this.#registers.x87Words[0] = (value & controlBits) | controlOnes;
    this.#summarize();
  }

  get status(): number {
    return this.#registers.x87Words[1] ?? 0;
  }

  /** ES and B follow from flags and masks. */
  set status(value: number) {
    this.#registers.x87Words[1] = value;
    this.#summarize();
  }

  #summarize(): void {
    const words = this.#registers.x87Words;
    const status = this.status & ~(Status.ES | Status.B);
    const pending = (status & ~this.control & exceptionFlags) !== 0;
    words[1] = pending ? status | Status.ES | Status.B : status;
  }

  get errorPending(): boolean {
    return (this.status & Status.ES) !== 0;
  }

  get top(): number {
    return (this.status & topMask) >> topShift;
  }

  set top(value: number) {
    this.#registers.x87Words[1] = (this.status & ~topMask) | ((value & 7) << topShift);
  }

  /** Number of the physical register that is ST(index). */
  #physical(index: number): number {
    return (this.top + index) & 7;
  }

  isEmpty(index: number): boolean {
    return (((this.#registers.x87Words[2] ?? 0) >> (this.#physical(index) * 2)) & 3) === 3;
  }

  #tag(index: number, tag: number): void {
    const place = this.#physical(index) * 2;
    const words = this.#registers.x87Words;
    words[2] = ((words[2] ?? 0) & ~(3 << place)) | (tag << place);
  }

  free(index: number): void {
    this.#tag(index, 3);
  }

  /** The 80 bits of ST(index), empty or not. */
  bits(index: number): bigint {
    const at = this.#physical(index) * 2;
    const { x87 } = this.#registers;
    return (BigInt.asUintN(16, x87[at + 1] ?? 0n) << 64n) | (x87[at] ?? 0n);
  }

  number(index: number): FloatNumber {
    return unpack(extended, this.bits(index));
  }

  /** Writes ST(index), which is then not empty. */
  put(index: number, bits: bigint): void {
    this.putBits(index, bits);
    this.#tag(index, 0);
  }

  /** Writes ST(index) and leaves its tag. */
  putBits(index: number, bits: bigint): void {
    const at = this.#physical(index) * 2;
    this.#registers.x87[at] = BigInt.asUintN(64, bits);
    this.#registers.x87[at + 1] = bits >> 64n;
  }

  push(bits: bigint): void {
    this.top--;
    this.put(0, bits);
  }

  pop(): void {
    this.free(0);
    this.top++;
  }

  /** Replaces condition codes C0, C2 and C3; C1 is cleared. */
  setConditions(codes: number): void {
    const all = Status.C0 | Status.C1 | Status.C2 | Status.C3;
    this.#registers.x87Words[1] = (this.status & ~all) | codes;
  }

  /** Sets flags and C1. Gives those of the flags that are not masked. */
  report(flags: number, c1 = false): number {
    this.status = (this.status & ~Status.C1) | flags | (c1 ? Status.C1 : 0);
    return flags & ~this.control & exceptionFlags;
  }

  /** An empty register is read (SDM 1 8.5.1.1). Whether the masked response, the indefinite, is to be given. */
  underflow(): boolean {
    return this.report(FloatFlag.IE | Status.SF) === 0;
  }

  /** A register that is not empty would be pushed over. */
  overflow(): boolean {
    return this.report(FloatFlag.IE | Status.SF, true) === 0;
  }

  /** FNINIT (SDM 2A FINIT). The registers keep their contents. */
  initialize(): void {
    this.#registers.x87Words.set([initialControl, 0, 0xffff, 0]);
    this.#registers.x87Pointers.fill(0n);
  }

  /** For a result that goes to a register. */
  get registerControl(): FloatControl {
    return controlOfX87(this.control, true);
  }

  /** For a result that goes to memory. */
  get memoryControl(): FloatControl {
    return controlOfX87(this.control, false);
  }

  /** The format by precision control, of those operations that heed it (SDM 1 8.1.5.2); 01b is reserved. */
  get arithmeticFormat(): FloatFormat {
    switch ((this.control >> 8) & 3) {
      case 0:
        return extendedTo24;
      case 2:
        return extendedTo53;
      default:
        return extended;
    }
  }
}

export const indefiniteBits = indefinite(extended);
