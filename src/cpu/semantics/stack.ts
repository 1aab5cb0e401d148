/** The stack (SDM 1 6.2; SDM 2A ENTER, LEAVE; 2B POP, PUSH). rSP changes after every access that may fault. */
import type { Builder } from '../builder.ts';
import { type Instruction, OperandKind, Segment } from '../instruction.ts';
import { Register } from '../registers.ts';
import { read, write } from './operand-access.ts';
import { row } from './row.ts';
import { loadSegment } from './segment.ts';

/** rSP plus so many bytes, in the size that stack addresses have. */
function stackPointer<V>(b: Builder<V>, plus: number): V {
  const pointer = b.register(Register.RSP, b.stackBytes);
  return b.cut(b.add(pointer, b.constant(BigInt(plus))), b.stackBytes);
}

function setStackPointer<V>(b: Builder<V>, value: V): void {
  b.setRegister(Register.RSP, b.stackBytes, value);
}

export function push<V>(b: Builder<V>, value: V, bytes: number): void {
  const to = stackPointer(b, -bytes);
  b.store(Segment.SS, to, bytes, value);
  setStackPointer(b, to);
}

/** What the stack holds `above` bytes above its top. */
export function peek<V>(b: Builder<V>, bytes: number, above = 0): V {
  return b.load(Segment.SS, stackPointer(b, above), bytes);
}

/** Drops so many bytes. */
export function drop<V>(b: Builder<V>, bytes: number): void {
  setStackPointer(b, stackPointer(b, bytes));
}

/** Memory by rSP is addressed with rSP as it is after the pop (SDM 2B POP). */
function pop<V>(b: Builder<V>, i: Instruction): void {
  const [to] = i.operands;
  const value = peek(b, i.operandSize);
  if (to.kind === OperandKind.segment) {
    loadSegment(b, i, b.cut(value, 2));
    drop(b, i.operandSize);
    return;
  }
  if (to.kind === OperandKind.memory) {
    b.store(i.segment, b.effectiveAddress(i, i.operandSize), i.operandSize, value);
    drop(b, i.operandSize);
    return;
  }
  drop(b, i.operandSize);
  write(b, i, to, value);
}

/** In the order in which PUSHA stores them. */
const allRegisters = [0, 1, 2, 3, 4, 5, 6, 7] as const;

function pushAll<V>(b: Builder<V>, i: Instruction): void {
  const bytes = i.operandSize;
  for (const register of allRegisters) {
    b.store(Segment.SS, stackPointer(b, -bytes * (register + 1)), bytes, b.register(register, bytes));
  }
  drop(b, -bytes * allRegisters.length);
}

function popAll<V>(b: Builder<V>, i: Instruction): void {
  const bytes = i.operandSize;
  const values = allRegisters.map((register) => ({ register, value: peek(b, bytes, bytes * (7 - register)) }));
  drop(b, bytes * allRegisters.length);
  for (const { register, value } of values) {
    if (register !== Register.RSP) b.setRegister(register, bytes, value);
  }
}

/** Nesting level 0 only needs no display; others copy it from the frames above (SDM 2A ENTER). */
function enter<V>(b: Builder<V>, i: Instruction): void {
  const bytes = i.operandSize;
  const [space, level] = i.operands;
  const levels = b.and(b.immediate(level), b.constant(31n));
  const frame = stackPointer(b, -bytes);
  const top = b.subtract(frame, b.multiply(levels, b.constant(BigInt(bytes))));
  const pointer = b.cut(b.subtract(top, b.immediate(space)), b.stackBytes);
  const base = b.register(Register.RBP, b.stackBytes);
  b.store(Segment.SS, frame, bytes, b.register(Register.RBP, bytes));
  for (let at = 1; at < 32; at++) {
    const down = b.constant(BigInt(at * bytes));
    const to = b.cut(b.subtract(frame, down), b.stackBytes);
    b.when(b.lessUnsigned(b.constant(BigInt(at)), levels), () => {
      const from = b.cut(b.subtract(base, down), b.stackBytes);
      b.store(Segment.SS, to, bytes, b.load(Segment.SS, from, bytes));
    });
    b.when(b.equal(b.constant(BigInt(at)), levels), () => b.store(Segment.SS, to, bytes, frame));
  }
  // The new top of the stack must be writable; what was pushed below the old one may stay when it is not.
  b.loadForWrite(Segment.SS, pointer, bytes);
  b.setRegister(Register.RBP, bytes, frame);
  setStackPointer(b, pointer);
}

function leave<V>(b: Builder<V>, i: Instruction): void {
  const bytes = i.operandSize;
  const frame = b.register(Register.RBP, b.stackBytes);
  const value = b.load(Segment.SS, frame, bytes);
  setStackPointer(b, b.add(frame, b.constant(BigInt(bytes))));
  b.setRegister(Register.RBP, bytes, value);
}

export const stack = {
  PUSH: row((b, i) => push(b, read(b, i, i.operands[0]), i.operandSize)),
  POP: row(pop),
  PUSHA: row(pushAll),
  POPA: row(popAll),
  PUSHF: row((b, i) => push(b, b.flagsImage(), i.operandSize)),
  POPF: row((b, i) => {
    const value = peek(b, i.operandSize);
    b.call('popFlags', [value, b.constant(BigInt(i.operandSize))]);
    drop(b, i.operandSize);
  }),
  ENTER: row(enter),
  LEAVE: row(leave),
};
