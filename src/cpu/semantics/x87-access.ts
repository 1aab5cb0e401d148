/**
 * What x87 instructions have in common: first whether they may execute at all, then their memory operand, then the work, done by
 * helpers, and at the end the pointers that a handler of their exceptions wants (SDM 1 8.1.8).
 */
import type { Builder } from '../builder.ts';
import { type Instruction, OperandKind } from '../instruction.ts';

export function flagOf<V>(b: Builder<V>, value: boolean): V {
  return b.constant(value ? 1n : 0n);
}

export function numberOf<V>(b: Builder<V>, value: number): V {
  return b.constant(BigInt(value));
}

/** #NM, then #MF if an exception is pending: of waiting instructions. */
export function ready<V>(b: Builder<V>): void {
  b.call('x87Ready', [flagOf(b, true)]);
}

/** Of instructions that do not wait (SDM 1 8.3.12). */
export function readyWithoutWaiting<V>(b: Builder<V>): void {
  b.call('x87Ready', [flagOf(b, false)]);
}

export function inMemory({ operands, operandCount }: Instruction): boolean {
  return operandCount === 1 && operands[0].kind === OperandKind.memory;
}

export function done<V>(b: Builder<V>, i: Instruction): void {
  const memory = inMemory(i);
  const offset = memory ? b.effectiveAddress(i, 0) : b.constant(0n);
  b.call('x87Done', [b.x87Opcode(i), flagOf(b, memory), offset]);
}

/** The number of the stack register that ModR/M names. */
export function stackIndex<V>(b: Builder<V>, i: Instruction): V {
  return b.and(b.x87Opcode(i), b.constant(7n));
}

/** Part of the memory operand, at a distance from its start. */
export function loadPart<V>(b: Builder<V>, i: Instruction, distance: number, bytes: number): V {
  return b.load(i.segment, partOffset(b, i, distance), bytes);
}

export function storePart<V>(b: Builder<V>, i: Instruction, distance: number, bytes: number, value: V): void {
  b.store(i.segment, partOffset(b, i, distance), bytes, value);
}

/** After this no store into the operand can fault: it spans two pages at most. */
export function checkWritable<V>(b: Builder<V>, i: Instruction, bytes: number): void {
  const part = Math.min(bytes, 8);
  b.loadForWrite(i.segment, partOffset(b, i, 0), part);
  if (bytes > part) b.loadForWrite(i.segment, partOffset(b, i, bytes - 2), 2);
}

function partOffset<V>(b: Builder<V>, i: Instruction, distance: number): V {
  return b.cut(b.add(b.effectiveAddress(i, 0), numberOf(b, distance)), i.addressSize);
}
