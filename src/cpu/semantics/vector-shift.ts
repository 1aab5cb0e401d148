/**
 * Shifts of lanes, by one count for all of them, and of whole vectors by bytes (SDM 1 9.4.7, 11.4.2). A count of the lane's
 * width or more leaves zeros, or copies of the sign.
 */
import type { Builder } from '../builder.ts';
import { type Instruction, OperandKind } from '../instruction.ts';
import type { LaneBytes, VectorTable } from '../vector-builder.ts';
import type { Semantics } from './row.ts';
import { indexTable, zeroByte } from './vector-index.ts';
import { readVector, vectorRow, writeVector, zeroVector } from './vector-operand.ts';

/** An immediate, or the low 64 bits of a vector. */
function countOf<V>(b: Builder<V>, i: Instruction): V {
  const [, count] = i.operands;
  return count.kind === OperandKind.immediate ? b.immediate(count) : b.lane(8, readVector(b, i, count), 0);
}

function logical(shift: 'left' | 'rightUnsigned', bytes: LaneBytes): Semantics {
  return vectorRow((b, i) => {
    const [to] = i.operands;
    const count = countOf(b, i);
    const shifted = b.shiftLanes(shift, bytes, readVector(b, i, to), count);
    const fits = b.lessUnsigned(count, b.constant(BigInt(bytes * 8)));
    writeVector(b, i, to, b.select(fits, shifted, zeroVector(b)));
  });
}

function arithmetic(bytes: LaneBytes): Semantics {
  return vectorRow((b, i) => {
    const [to] = i.operands;
    const count = countOf(b, i);
    const most = b.constant(BigInt(bytes * 8 - 1));
    const limited = b.select(b.lessUnsigned(count, most), count, most);
    writeVector(b, i, to, b.shiftLanes('rightSigned', bytes, readVector(b, i, to), limited));
  });
}

const bytesLeft = indexTable('bytes left', (count, place) => (place >= count ? place - count : zeroByte));
export const bytesRight = indexTable('bytes right', (count, place) => (place + count < 16 ? place + count : zeroByte));

function wholeBytes(table: VectorTable): Semantics {
  return vectorRow((b, i) => {
    const [to, count] = i.operands;
    writeVector(b, i, to, b.swizzle(readVector(b, i, to), b.lookUp(table, b.immediate(count))));
  });
}

export const vectorShifts = {
  PSLLW: logical('left', 2),
  PSLLD: logical('left', 4),
  PSLLQ: logical('left', 8),
  PSRLW: logical('rightUnsigned', 2),
  PSRLD: logical('rightUnsigned', 4),
  PSRLQ: logical('rightUnsigned', 8),
  PSRAW: arithmetic(2),
  PSRAD: arithmetic(4),
  PSLLDQ: wholeBytes(bytesLeft),
  PSRLDQ: wholeBytes(bytesRight),
};
