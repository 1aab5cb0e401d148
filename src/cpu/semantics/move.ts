/** Data transfer (SDM 1 7.3.1): moves, exchanges, extensions, byte swaps. Compare-and-exchange is in exchange.ts. */
import type { Builder } from '../builder.ts';
import { type Instruction, OperandKind } from '../instruction.ts';
import { Register } from '../registers.ts';
import { bitAt, read, update, write } from './operand-access.ts';
import { row } from './row.ts';
import { loadSegment } from './segment.ts';
import { moveSystemRegister } from './system.ts';

function extend<V>(b: Builder<V>, i: Instruction): void {
  const [to, from] = i.operands;
  write(b, i, to, b.signExtend(read(b, i, from), from.bytes));
}

/** The bytes of a value in reverse. */
export function reverseBytes<V>(b: Builder<V>, value: V, bytes: number): V {
  let result = b.constant(0n);
  for (let at = 0; at < bytes; at++) {
    const byte = b.and(b.shiftRight(value, b.constant(BigInt(at * 8))), b.constant(0xffn));
    result = b.or(result, b.shiftLeft(byte, b.constant(BigInt((bytes - 1 - at) * 8))));
  }
  return result;
}

export const moves = {
  MOV: row((b, i) => {
    const [to, from] = i.operands;
    const kinds = [to.kind, from.kind];
    if (to.kind === OperandKind.segment) loadSegment(b, i, read(b, i, from));
    else if (kinds.includes(OperandKind.control) || kinds.includes(OperandKind.debug)) moveSystemRegister(b, i);
    else write(b, i, to, read(b, i, from));
  }),
  MOVZX: row((b, i) => write(b, i, i.operands[0], read(b, i, i.operands[1]))),
  MOVSX: row(extend),
  MOVSXD: row(extend),
  LEA: row((b, i) => write(b, i, i.operands[0], b.effectiveAddress(i, 0))),
  CMOVcc: row((b, i) => {
    const [to, from] = i.operands;
    const value = read(b, i, from);
    write(b, i, to, b.select(b.condition(i.condition), value, read(b, i, to)));
  }),
  SETcc: row((b, i) => write(b, i, i.operands[0], b.condition(i.condition))),
  XCHG: row((b, i) => {
    const [to, from] = i.operands;
    const value = read(b, i, from);
    let old = value;
    update(b, i, to, (read) => {
      old = read;
      return value;
    });
    write(b, i, from, old);
  }),
  BSWAP: row((b, i) => {
    const [to] = i.operands;
    // Undefined for 16 bits (SDM 2A BSWAP): processors give zero.
    write(b, i, to, to.bytes === 2 ? b.constant(0n) : reverseBytes(b, read(b, i, to), to.bytes));
  }),
  MOVBE: row((b, i) => {
    const [to, from] = i.operands;
    write(b, i, to, reverseBytes(b, read(b, i, from), to.bytes));
  }),
  /** CBW, CWDE, CDQE. */
  CBW: row((b, i) => {
    const half = i.operandSize / 2;
    b.setRegister(Register.RAX, i.operandSize, b.signExtend(b.register(Register.RAX, half), half));
  }),
  /** CWD, CDQ, CQO. */
  CWD: row((b, i) => {
    const sign = bitAt(b, b.register(Register.RAX, i.operandSize), i.operandSize * 8 - 1);
    b.setRegister(Register.RDX, i.operandSize, b.subtract(b.constant(0n), sign));
  }),
  /** The operand's address is that of the table, in rBX. */
  XLAT: row((b, i) => {
    const offset = b.cut(b.add(b.effectiveAddress(i, 0), b.register(Register.RAX, 1)), i.addressSize);
    b.setRegister(Register.RAX, 1, b.load(i.segment, offset, 1));
  }),
};
