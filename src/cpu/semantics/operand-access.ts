/**
 * Reading, writing and updating the operands of an instruction. An update of memory loads for writing, so that its
 * store cannot fault.
 */
import { UnsupportedError } from '../../base/errors.ts';
import type { Builder } from '../builder.ts';
import { type Instruction, type Operand, OperandKind } from '../instruction.ts';

export function unsupported(i: Instruction, what: string): never {
  throw new UnsupportedError(`${i.form.operation} (${i.form.opcode}): ${what} is not modelled`);
}

/** The value of an operand, zero above its size. */
export function read<V>(b: Builder<V>, i: Instruction, operand: Operand): V {
  switch (operand.kind) {
    case OperandKind.general:
      return b.register(operand.register, operand.bytes);
    case OperandKind.highByte:
      return b.highByte(operand.register);
    case OperandKind.immediate:
      return b.immediate(operand);
    case OperandKind.segment:
      return b.selector(operand.register);
    case OperandKind.memory:
      return b.load(i.segment, b.effectiveAddress(i, 0), operand.bytes);
    default:
      return unsupported(i, `reading an operand of kind ${operand.kind}`);
  }
}

/** Bits of `value` above the operand's size are ignored. */
export function write<V>(b: Builder<V>, i: Instruction, operand: Operand, value: V): void {
  if (operand.kind === OperandKind.memory) {
    b.store(i.segment, b.effectiveAddress(i, 0), operand.bytes, value);
  } else writeRegister(b, i, operand, value);
}

function writeRegister<V>(b: Builder<V>, i: Instruction, operand: Operand, value: V): void {
  if (operand.kind === OperandKind.general) b.setRegister(operand.register, operand.bytes, value);
  else if (operand.kind === OperandKind.highByte) b.setHighByte(operand.register, value);
  else unsupported(i, `writing an operand of kind ${operand.kind}`);
}

/** Replaces an operand by a function of its value. */
export function update<V>(b: Builder<V>, i: Instruction, operand: Operand, change: (value: V) => V): void {
  if (operand.kind === OperandKind.memory) {
    const offset = b.effectiveAddress(i, 0);
    b.store(i.segment, offset, operand.bytes, change(b.loadForWrite(i.segment, offset, operand.bytes)));
  } else writeRegister(b, i, operand, change(read(b, i, operand)));
}

export function not<V>(b: Builder<V>, value: V): V {
  return b.xor(value, b.constant(-1n));
}

/** 1 for 0, else 0. */
export function isZero<V>(b: Builder<V>, value: V): V {
  return b.equal(value, b.constant(0n));
}

export function notZero<V>(b: Builder<V>, value: V): V {
  return isZero(b, isZero(b, value));
}

/** Bit `position` of a value, as 0 or 1. */
export function bitAt<V>(b: Builder<V>, value: V, position: number): V {
  return b.and(b.shiftRight(value, b.constant(BigInt(position))), b.constant(1n));
}

/** The most significant bit of a value of `bytes`. */
export function signBit<V>(b: Builder<V>, value: V, bytes: number): V {
  return bitAt(b, value, bytes * 8 - 1);
}
