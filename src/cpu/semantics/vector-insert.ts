/** Single lanes put in and taken out, blends, and extension of lanes (SDM 1 10.4.4; 12.10.4, 12.10.7, 12.10.8). */
import type { Builder } from '../builder.ts';
import { type Instruction, type Operand, OperandKind } from '../instruction.ts';
import type { LaneBytes, LaneFunction, VectorTable } from '../vector-builder.ts';
import { read, write } from './operand-access.ts';
import type { Semantics } from './row.ts';
import { indexTable, maskTable, zeroByte } from './vector-index.ts';
import { binary, readVector, unary, vectorRow, writeVector, zeroVector } from './vector-operand.ts';

/** All ones in the lane that the immediate names. */
function laneMask(bytes: LaneBytes, lanes: number): VectorTable {
  return maskTable(`lane of ${bytes} bytes, of ${lanes}`, bytes, (immediate, lane) => immediate % lanes === lane);
}

/** Brings the lane that the immediate names to the lowest place. */
function laneIndexes(bytes: LaneBytes, lanes: number): VectorTable {
  return indexTable(`lane of ${bytes} bytes, of ${lanes}, as the lowest`, (immediate, place) =>
    place < bytes ? (immediate % lanes) * bytes + place : zeroByte,
  );
}

/** The tables for XMM, and for MMX registers. */
function byWidth(bytes: LaneBytes, table: (bytes: LaneBytes, lanes: number) => VectorTable) {
  const ofXmm = table(bytes, 16 / bytes);
  const ofMmx = table(bytes, 8 / bytes);
  return (operand: Operand): VectorTable => (operand.kind === OperandKind.mmx ? ofMmx : ofXmm);
}

function insert(bytes: LaneBytes): Semantics {
  const tableOf = byWidth(bytes, laneMask);
  return vectorRow((b, i) => {
    const [to, from, at] = i.operands;
    const value = b.splat(bytes, read(b, i, from));
    const mask = b.lookUp(tableOf(to), b.immediate(at));
    writeVector(b, i, to, b.selectBits(mask, value, readVector(b, i, to)));
  });
}

function extract(bytes: LaneBytes): Semantics {
  const tableOf = byWidth(bytes, laneIndexes);
  return vectorRow((b, i) => {
    const [to, from, at] = i.operands;
    const lowest = b.swizzle(readVector(b, i, from), b.lookUp(tableOf(from), b.immediate(at)));
    write(b, i, to, b.lane(bytes, lowest, 0));
  });
}

/** Immediate of INSERTPS: source lane, destination lane, lanes that become zero (SDM 2A INSERTPS). */
const stays = maskTable('INSERTPS, lanes that stay', 4, (immediate, lane) => {
  return ((immediate >> 4) & 3) !== lane && ((immediate >> lane) & 1) === 0;
});

function insertedFrom(name: string, sourceLane: (immediate: number) => number): VectorTable {
  return indexTable(name, (immediate, place) => {
    const lane = place >> 2;
    const inserted = ((immediate >> 4) & 3) === lane && ((immediate >> lane) & 1) === 0;
    return inserted ? sourceLane(immediate) * 4 + (place & 3) : zeroByte;
  });
}

const insertedRegister = insertedFrom('INSERTPS of a register', (immediate) => immediate >> 6);
const insertedMemory = insertedFrom('INSERTPS of memory', () => 0);

function insertSingle<V>(b: Builder<V>, i: Instruction): void {
  const [to, from, order] = i.operands;
  const source = readVector(b, i, from);
  const immediate = b.immediate(order);
  const table = from.kind === OperandKind.memory ? insertedMemory : insertedRegister;
  const kept = b.lanes('and', 8, readVector(b, i, to), b.lookUp(stays, immediate));
  writeVector(b, i, to, b.lanes('or', 8, kept, b.swizzle(source, b.lookUp(table, immediate))));
}

function blend(bytes: LaneBytes): Semantics {
  const table = maskTable(`blend of ${bytes} bytes`, bytes, (immediate, lane) => ((immediate >> lane) & 1) === 1);
  return vectorRow((b, i) => {
    const [to, from, which] = i.operands;
    const source = readVector(b, i, from);
    writeVector(b, i, to, b.selectBits(b.lookUp(table, b.immediate(which)), source, readVector(b, i, to)));
  });
}

/** By the signs of the lanes of XMM0. */
function blendBySign(bytes: LaneBytes): Semantics {
  return binary((b, x, y) => b.selectBits(b.lanes('greaterSigned', bytes, zeroVector(b), b.vectorRegister(0)), y, x));
}

/** From lanes of `from` to lanes of `to` bytes. */
function extend(operation: LaneFunction, from: LaneBytes, to: LaneBytes): Semantics {
  const steps = ([1, 2, 4] as const).filter((bytes) => bytes >= from && bytes < to);
  return unary((b, x) => steps.reduce((vector, bytes) => b.mapLanes(operation, bytes, vector), x));
}

const signExtend = (from: LaneBytes, to: LaneBytes): Semantics => extend('extendLowHalfSigned', from, to);
const zeroExtend = (from: LaneBytes, to: LaneBytes): Semantics => extend('extendLowHalfUnsigned', from, to);

export const vectorInsertions = {
  PINSRB: insert(1),
  PINSRW: insert(2),
  PINSRD: insert(4),
  PINSRQ: insert(8),
  PEXTRB: extract(1),
  PEXTRW: extract(2),
  PEXTRD: extract(4),
  PEXTRQ: extract(8),
  EXTRACTPS: extract(4),
  INSERTPS: vectorRow(insertSingle),
  PBLENDW: blend(2),
  BLENDPS: blend(4),
  BLENDPD: blend(8),
  PBLENDVB: blendBySign(1),
  BLENDVPS: blendBySign(4),
  BLENDVPD: blendBySign(8),
  PMOVSXBW: signExtend(1, 2),
  PMOVSXBD: signExtend(1, 4),
  PMOVSXBQ: signExtend(1, 8),
  PMOVSXWD: signExtend(2, 4),
  PMOVSXWQ: signExtend(2, 8),
  PMOVSXDQ: signExtend(4, 8),
  PMOVZXBW: zeroExtend(1, 2),
  PMOVZXBD: zeroExtend(1, 4),
  PMOVZXBQ: zeroExtend(1, 8),
  PMOVZXWD: zeroExtend(2, 4),
  PMOVZXWQ: zeroExtend(2, 8),
  PMOVZXDQ: zeroExtend(4, 8),
};
