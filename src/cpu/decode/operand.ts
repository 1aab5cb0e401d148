/**
 * One operand of an instruction, from its notation and the encoding. Immediates and displacements are read here, so
 * operands go in the order of the row.
 */
import { type Instruction, noRegister, type Operand, OperandKind } from '../instruction.ts';
import { segmentOf } from './address.ts';
import { type Encoding, Rex } from './encoding.ts';
import { type OperandNotation, Source } from './notation.ts';

/** A general register's number: without REX, 4-7 as bytes are AH, CH, DH and BH (SDM 2A 2.2.1.2). */
function setRegister(encoding: Encoding, into: Operand, number: number): void {
  if (into.kind === OperandKind.general && into.bytes === 1 && (number & 12) === 4 && !encoding.hasRex) {
    into.kind = OperandKind.highByte;
    into.register = number - 4;
    return;
  }
  // Segment, x87 and MMX registers have three-bit numbers.
  const narrow = into.kind === OperandKind.mmx || into.kind === OperandKind.segment || into.kind === OperandKind.x87;
  into.register = narrow ? number & 7 : number;
}

function setSigned(into: Operand, value: number): void {
  into.low = value;
  into.high = value >> 31;
}

/** The value as an unsigned number of the operand's size. */
function setExtended(into: Operand, value: number): void {
  into.low = into.bytes === 2 ? value & 0xffff : value;
  into.high = into.bytes === 8 ? value >> 31 : 0;
}

function readImmediate(encoding: Encoding, into: Operand, full: boolean): void {
  into.high = 0;
  switch (into.bytes) {
    case 1:
      into.low = encoding.uint8();
      return;
    case 2:
      into.low = encoding.uint16();
      return;
    case 4:
      into.low = encoding.int32();
      return;
    default:
      into.low = encoding.int32();
      into.high = full ? encoding.int32() : into.low >> 31;
  }
}

/** Offset-only memory: as wide as the address size (SDM 2A 2.2.1.4). */
function readOffset(encoding: Encoding, into: Instruction): void {
  into.base = noRegister;
  into.index = noRegister;
  into.scale = 0;
  into.displacementLow = into.addressSize === 2 ? encoding.int16() : encoding.int32();
  into.displacementHigh = into.addressSize === 8 ? encoding.int32() : into.displacementLow >> 31;
  into.segment = segmentOf(encoding, noRegister);
}

function setBase(encoding: Encoding, into: Instruction, base: number): void {
  into.base = base;
  into.index = noRegister;
  into.scale = 0;
  into.displacementLow = 0;
  into.displacementHigh = 0;
  into.segment = segmentOf(encoding, noRegister);
}

function readRegisterOrMemory(
  encoding: Encoding,
  into: Instruction,
  operand: Operand,
  notation: OperandNotation,
  context: number,
): void {
  if (encoding.modrm < 0xc0) {
    operand.kind = OperandKind.memory;
    operand.bytes = notation.memoryBytes[context] ?? 0;
    return;
  }
  if (notation.addressSized) operand.bytes = into.addressSize;
  setRegister(encoding, operand, (encoding.modrm & 7) | encoding.registerBit(Rex.B));
}

/** Fills `operand`, one of `into`'s. `context` is notation.ts's sizeContext. */
export function readOperand(
  encoding: Encoding,
  into: Instruction,
  operand: Operand,
  notation: OperandNotation,
  context: number,
): void {
  operand.kind = notation.kind;
  operand.bytes = notation.bytes[context] ?? 0;
  switch (notation.source) {
    case Source.registerField:
      setRegister(encoding, operand, ((encoding.modrm >> 3) & 7) | encoding.registerBit(Rex.R));
      return;
    case Source.registerOrMemory:
      readRegisterOrMemory(encoding, into, operand, notation, context);
      return;
    case Source.immediate:
      readImmediate(encoding, operand, notation.wideImmediate);
      return;
    case Source.immediateSigned:
      setExtended(operand, encoding.int8());
      return;
    case Source.relative:
      setSigned(operand, readRelative(encoding, operand.bytes));
      return;
    case Source.opcode:
      setRegister(encoding, operand, (encoding.opcode & 7) | encoding.registerBit(Rex.B));
      return;
    case Source.fixed:
      operand.register = notation.register;
      return;
    case Source.vvvv:
      operand.register = encoding.long ? encoding.vvvv : encoding.vvvv & 7;
      return;
    case Source.immediateHigh:
      operand.register = (encoding.uint8() >> 4) & (encoding.long ? 15 : 7);
      return;
    case Source.immediateOne:
      operand.low = 1;
      operand.high = 0;
      return;
    case Source.farPointer:
      operand.low = into.operandSize === 2 ? encoding.uint16() : encoding.int32();
      operand.high = encoding.uint16();
      return;
    case Source.offset:
      readOffset(encoding, into);
      return;
    case Source.stringSource:
      into.segment = segmentOf(encoding, noRegister);
      return;
    case Source.stringDestination:
      return;
    case Source.destinationIndex:
      setBase(encoding, into, 7);
      return;
    case Source.translation:
      setBase(encoding, into, 3);
      return;
  }
}

function readRelative(encoding: Encoding, bytes: number): number {
  if (bytes === 1) return encoding.int8();
  return bytes === 2 ? encoding.int16() : encoding.int32();
}
