/**
 * Reading and writing XMM, MMX and memory operands of vector instructions, and what all of those instructions do first
 * (SDM 1 9.5, 11.6.7; 3A 13.1, 14.1). 16 bytes of memory must be aligned unless an instruction says otherwise (SDM 1 4.1.1).
 */
import type { Builder } from '../builder.ts';
import { type Instruction, type Operand, OperandKind } from '../instruction.ts';
import { unsupported } from './operand-access.ts';
import { type Body, row, type Semantics } from './row.ts';

/** Bytes of a vector: of an MMX or an XMM register. */
export type VectorBytes = 8 | 16;

export function usesMmx(i: Instruction): boolean {
  return i.operands.some((operand, at) => at < i.operandCount && operand.kind === OperandKind.mmx);
}

/** XMM registers, or an SSE extension for general registers and memory. */
function usesSse(i: Instruction): boolean {
  const { operands } = i.form;
  return (
    operands.some(({ kind }) => kind === OperandKind.vector) || !operands.some(({ kind }) => kind === OperandKind.mmx)
  );
}

/** An instruction that needs SSE, MMX or both, and leaves the x87 FPU as MMX does when it names an MMX register. */
export function vectorRow(body: Body): Semantics {
  return row((b, i) => {
    if (usesSse(i)) b.requireUnit('sse');
    const mmx = usesMmx(i);
    if (mmx) b.requireUnit('mmx');
    body(b, i);
    if (mmx) b.enterMmx();
  });
}

function readAs<V>(b: Builder<V>, i: Instruction, operand: Operand, aligned: boolean): V {
  switch (operand.kind) {
    case OperandKind.vector:
      return b.vectorRegister(operand.register);
    case OperandKind.mmx:
      return b.mmxRegister(operand.register);
    case OperandKind.memory: {
      const offset = b.effectiveAddress(i, 0);
      if (operand.bytes === 16) return b.loadVector(i.segment, offset, aligned);
      return b.vectorOf(b.load(i.segment, offset, operand.bytes), b.constant(0n));
    }
    default:
      return unsupported(i, `a vector operand of kind ${operand.kind}`);
  }
}

/** A whole register, or memory of the operand's size and zeros above. */
export function readVector<V>(b: Builder<V>, i: Instruction, operand: Operand): V {
  return readAs(b, i, operand, true);
}

export function readUnaligned<V>(b: Builder<V>, i: Instruction, operand: Operand): V {
  return readAs(b, i, operand, false);
}

function writeAs<V>(b: Builder<V>, i: Instruction, operand: Operand, value: V, aligned: boolean): void {
  switch (operand.kind) {
    case OperandKind.vector:
      b.setVectorRegister(operand.register, value);
      return;
    case OperandKind.mmx:
      b.setMmxRegister(operand.register, value);
      return;
    case OperandKind.memory: {
      const offset = b.effectiveAddress(i, 0);
      if (operand.bytes === 16) b.storeVector(i.segment, offset, aligned, value);
      else b.store(i.segment, offset, operand.bytes, b.lane(8, value, 0));
      return;
    }
    default:
      unsupported(i, `a vector operand of kind ${operand.kind}`);
  }
}

/** A whole register, or as many low bytes as the operand has in memory. */
export function writeVector<V>(b: Builder<V>, i: Instruction, operand: Operand, value: V): void {
  writeAs(b, i, operand, value, true);
}

export function writeUnaligned<V>(b: Builder<V>, i: Instruction, operand: Operand, value: V): void {
  writeAs(b, i, operand, value, false);
}

export type VectorFunction = <V>(b: Builder<V>, destination: V, source: V, bytes: VectorBytes) => V;

/** The destination becomes a function of itself and the source. */
export function binary(compute: VectorFunction): Semantics {
  return vectorRow((b, i) => {
    const [to, from] = i.operands;
    const source = readVector(b, i, from);
    writeVector(b, i, to, compute(b, readVector(b, i, to), source, to.bytes === 8 ? 8 : 16));
  });
}

/** The destination becomes a function of the source. */
export function unary(compute: <V>(b: Builder<V>, source: V) => V): Semantics {
  return vectorRow((b, i) => writeVector(b, i, i.operands[0], compute(b, readVector(b, i, i.operands[1]))));
}

export function zeroVector<V>(b: Builder<V>): V {
  return b.vectorConstant(0n);
}
