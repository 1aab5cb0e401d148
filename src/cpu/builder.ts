/**
 * What instruction semantics are written against. An engine is an implementation: the golden engine computes at once,
 * a generator emits code that will. So that one description serves both:
 *
 * - A value `V` is opaque: 64 bits, an integer of n bytes having zeros above them unless said otherwise. A truth value
 *   is 0 or 1.
 * - Semantics may look at the *shape* of an instruction (operation, operand kinds and sizes, operand, address and code
 *   size, repeat prefix, condition). Register numbers, segment, immediates and displacements they only hand on: a
 *   generator puts symbols there.
 * - Nothing of the host's control flow depends on values: that is what `select`, `when` and `loop` are for.
 * - `load`, `store`, `raise`, `divide`, `jump` to a computed target and helpers may leave the instruction with an
 *   exception. Everything that may do so comes before the first write to a register, flag or memory, so that a fault
 *   leaves the processor as if the instruction had not begun (SDM 3A 6.6); `loadForWrite` makes a later store at the
 *   same place safe. Each iteration of `loop` is such a unit of its own.
 *
 * An instruction is atomic to other processors because engines switch between them at its boundaries only; `lock` is
 * for the engine's memory port to see.
 */
import type { Exception } from './exception.ts';
import type { Flag, FlagKind } from './flags.ts';
import type { HelperName } from './helpers/table.ts';
import type { Instruction, Operand } from './instruction.ts';
import type { VectorBuilder } from './vector-builder.ts';

/** A 16-byte quantity. */
export interface Pair<V> {
  readonly low: V;
  readonly high: V;
}

export interface Division<V> {
  readonly quotient: V;
  readonly remainder: V;
}

export interface Builder<V> extends VectorBuilder<V> {
  /** Bytes of the stack pointer that addresses use: 8 in 64-bit mode, else by SS.B (SDM 1 6.2.3). */
  readonly stackBytes: 2 | 4 | 8;

  constant(value: bigint): V;
  /** Zero above the operand's size. Of a far pointer: the selector in bits 47:32, the offset below. */
  immediate(operand: Operand): V;

  // Modulo 2^64.
  add(a: V, b: V): V;
  subtract(a: V, b: V): V;
  multiply(a: V, b: V): V;
  /** Bits 127:64 of the product. */
  multiplyHigh(a: V, b: V): V;
  multiplyHighSigned(a: V, b: V): V;
  and(a: V, b: V): V;
  or(a: V, b: V): V;
  xor(a: V, b: V): V;
  /** The count is taken modulo 64. */
  shiftLeft(a: V, count: V): V;
  shiftRight(a: V, count: V): V;
  shiftRightSigned(a: V, count: V): V;
  /** Of 64 bits; 64 for zero. */
  leadingZeros(a: V): V;
  trailingZeros(a: V): V;
  countOnes(a: V): V;
  /** The low `bytes` bytes, zero above. */
  cut(a: V, bytes: number): V;
  /** The low `bytes` bytes, sign-extended to 64 bits. */
  signExtend(a: V, bytes: number): V;

  equal(a: V, b: V): V;
  lessUnsigned(a: V, b: V): V;
  /** Of 64-bit signed integers. */
  lessSigned(a: V, b: V): V;
  /** Of two integers or two vectors. `condition` is 0 or 1; both are evaluated. */
  select(condition: V, whenTrue: V, whenFalse: V): V;

  /** Unsigned or signed high:low by divisor, each of `bytes`; #DE if zero or if the quotient does not fit. */
  divide(high: V, low: V, divisor: V, bytes: number): Division<V>;
  divideSigned(high: V, low: V, divisor: V, bytes: number): Division<V>;

  /** The low `bytes` of a general register. */
  register(number: number, bytes: number): V;
  /** Four bytes clear the upper half, fewer leave the rest (SDM 1 3.4.1.1). Bits of `value` above `bytes` are ignored. */
  setRegister(number: number, bytes: number, value: V): void;
  /** AH, CH, DH, BH for 0 to 3. */
  highByte(number: number): V;
  setHighByte(number: number, value: V): void;
  selector(segment: number): V;

  /**
   * An x87 instruction's 11 bits of opcode (SDM 1 8.1.9): three of its first byte, then ModR/M, whose low three bits are the
   * number of its stack register. No shape: a generator puts a symbol here.
   */
  x87Opcode(instruction: Instruction): V;

  /** Address of the instruction's memory operand within its segment; `stackBias` is added if the base is rSP. */
  effectiveAddress(instruction: Instruction, stackBias: number): V;
  /** The linear address of an offset; not looked at. */
  linearAddress(segment: number, offset: V): V;
  /** Bytes: 1, 2, 4, 8. The offset has been cut to the address size. */
  load(segment: number, offset: V, bytes: number): V;
  /** A load that faults as the store would that follows at the same place. */
  loadForWrite(segment: number, offset: V, bytes: number): V;
  store(segment: number, offset: V, bytes: number, value: V): void;
  /** 16 bytes aligned to 16, else #GP (SDM 2A CMPXCHG16B). */
  loadPairForWrite(segment: number, offset: V): Pair<V>;
  storePair(segment: number, offset: V, value: Pair<V>): void;

  flag(flag: Flag): V;
  setFlag(flag: Flag, value: V): void;
  /** The flags as `kind` says. */
  setFlags(kind: FlagKind, bytes: number, result: V, a: V, b: V): void;
  /** Whether condition code 0 to 15 holds (SDM 1 B.1). */
  condition(code: number): V;
  /** RFLAGS as PUSHF stores it. */
  flagsImage(): V;

  /** Address of the next instruction. */
  nextInstruction(): V;
  /** Where `branch` goes. */
  relativeTarget(operand: Operand, bytes: number): V;
  /** #GP unless a jump there may be made; for instructions that write before they jump. */
  checkTarget(target: V): void;
  /** To an offset in the code segment that `checkTarget` has seen. */
  jump(target: V): void;
  /** By the operand's displacement, when `condition` is 1; the target is cut to `bytes`. */
  branch(condition: V, operand: Operand, bytes: number): void;

  when(condition: V, body: () => void): void;
  /**
   * Does the body, again while it gives 1. The processor's state is complete after each iteration: the engine may leave
   * the instruction there, RIP unchanged, and go on by starting it anew. Nothing may follow a loop.
   */
  loop(body: () => V): void;
  /** Leaves the instruction. */
  raise(exception: Exception): void;
  /** A helper's results; an exception of its leaves the instruction. It may read and change any register. */
  call(helper: HelperName, values: readonly V[]): readonly V[];
  /** Leaves the instruction, which is complete, for what only the processor around the engine can do. */
  stop(kind: 'system-call' | 'halt'): void;
}
