/**
 * The shape of an instruction: all of it that its handler's code depends on. Instructions of one shape differ in what
 * their records hold: register numbers, immediates, displacements, scale, and which segment has the base.
 */
import { Instruction, instructionPointer, noRegister, type Operand, OperandKind, Segment } from '../../instruction.ts';
import { Symbolic } from './symbols.ts';

function isMemory({ kind }: Operand): boolean {
  return kind === OperandKind.memory;
}

function isString({ kind }: Operand): boolean {
  return kind === OperandKind.stringSource || kind === OperandKind.stringDestination;
}

/** Whether operands of the kind are registers that the record names by their offset. */
export function isInRecord(kind: OperandKind): boolean {
  switch (kind) {
    case OperandKind.general:
    case OperandKind.highByte:
    case OperandKind.segment:
    case OperandKind.mmx:
    case OperandKind.vector:
      return true;
    default:
      return false;
  }
}

/** In 64-bit mode only FS and GS have a base, and SS raises another exception. */
function segmentOf({ codeSize, segment }: Instruction): number {
  if (codeSize !== 64 || segment === Segment.FS || segment === Segment.GS) return Symbolic.segment;
  return segment === Segment.SS ? Segment.SS : Segment.DS;
}

/** The instruction that stands for all of its shape. */
export function symbolicInstruction(of: Instruction): Instruction {
  const shape = new Instruction();
  const operands = of.operands.slice(0, of.operandCount);
  const memory = operands.some(isMemory);
  shape.form = of.form;
  shape.codeSize = of.codeSize;
  shape.operandSize = of.operandSize;
  shape.addressSize = of.addressSize;
  shape.repeat = of.repeat;
  shape.condition = of.condition;
  shape.segment = memory || operands.some(isString) ? segmentOf(of) : Segment.DS;
  shape.base = !memory || of.base === noRegister ? noRegister : Symbolic.base;
  if (memory && of.base === instructionPointer) shape.base = instructionPointer;
  shape.index = memory && of.index >= 0 ? Symbolic.index : noRegister;
  shape.vectorIndexBytes = of.vectorIndexBytes;
  shape.operandCount = of.operandCount;
  for (const [at, operand] of operands.entries()) {
    const to = shape.operands[at as 0 | 1 | 2 | 3];
    to.kind = operand.kind;
    to.bytes = operand.bytes;
    to.register = isInRecord(operand.kind) ? Symbolic.operand(at) : operand.register;
  }
  return shape;
}

/** Equal for instructions of one shape. */
export function shapeKey(i: Instruction, stackBytes: number): string {
  const numbers = [i.form.index, i.codeSize, i.operandSize, i.addressSize, i.repeat, i.condition, stackBytes];
  numbers.push(i.segment, i.base, i.index);
  for (let at = 0; at < i.operandCount; at++) {
    const { kind, bytes, register } = i.operands[at as 0 | 1 | 2 | 3];
    numbers.push(kind, bytes, register);
  }
  return numbers.join();
}
