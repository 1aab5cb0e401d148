/**
 * Moves of vectors and of parts of them (SDM 1 9.4.1; 10.4.1.1, 10.4.6; 11.4.1.1, 11.4.2, 11.4.4; 12.3.2; 12.10.3). Non-temporal ones are like
 * others: caches are not modelled.
 */
import type { Builder } from '../builder.ts';
import { type Instruction, OperandKind } from '../instruction.ts';
import { read, write } from './operand-access.ts';
import { row, type Semantics } from './row.ts';
import {
  readUnaligned,
  readVector,
  usesMmx,
  vectorRow,
  writeUnaligned,
  writeVector,
  zeroVector,
} from './vector-operand.ts';

const aligned = vectorRow((b, i) => writeVector(b, i, i.operands[0], readVector(b, i, i.operands[1])));
const unaligned = vectorRow((b, i) => writeUnaligned(b, i, i.operands[0], readUnaligned(b, i, i.operands[1])));

/** Zero above the low half. */
function lowHalf<V>(b: Builder<V>, vector: V): V {
  return b.vectorOf(b.lane(8, vector, 0), b.constant(0n));
}

/** To or from a general register or memory as an integer; zero above in a vector. */
function moveInteger<V>(b: Builder<V>, i: Instruction): void {
  const [to, from] = i.operands;
  const fromVector = from.kind === OperandKind.vector || from.kind === OperandKind.mmx;
  const toVector = to.kind === OperandKind.vector || to.kind === OperandKind.mmx;
  if (!fromVector) writeVector(b, i, to, b.vectorOf(read(b, i, from), b.constant(0n)));
  else if (!toVector) write(b, i, to, b.lane(8, readVector(b, i, from), 0));
  else writeVector(b, i, to, lowHalf(b, readVector(b, i, from)));
}

/** MOVSS, MOVSD: from memory with zeros above; between registers the rest of the destination stays. */
function moveScalar(bytes: 4 | 8): Semantics {
  return vectorRow((b, i) => {
    const [to, from] = i.operands;
    const value = readVector(b, i, from);
    const between = to.kind === OperandKind.vector && from.kind === OperandKind.vector;
    const merged = between ? b.withLane(bytes, readVector(b, i, to), 0, b.lane(bytes, value, 0)) : value;
    writeVector(b, i, to, merged);
  });
}

/** One half of a register, from or to memory. */
function moveHalf(half: 0 | 1): Semantics {
  return vectorRow((b, i) => {
    const [to, from] = i.operands;
    if (to.kind === OperandKind.memory) write(b, i, to, b.lane(8, readVector(b, i, from), half));
    else {
      const value = b.lane(8, readVector(b, i, from), 0);
      writeVector(b, i, to, b.withLane(8, readVector(b, i, to), half, value));
    }
  });
}

function betweenHalves(from: 0 | 1, to: 0 | 1): Semantics {
  return vectorRow((b, i) => {
    const value = b.lane(8, readVector(b, i, i.operands[1]), from);
    writeVector(b, i, i.operands[0], b.withLane(8, readVector(b, i, i.operands[0]), to, value));
  });
}

/** The bytes whose mask byte has its sign set; the others must be writable too, as the manual permits. */
function maskedStore<V>(b: Builder<V>, i: Instruction): void {
  const [, from, by] = i.operands;
  const mmx = usesMmx(i);
  const mask = b.lanes('greaterSigned', 1, zeroVector(b), readVector(b, i, by));
  const value = readVector(b, i, from);
  const offset = b.effectiveAddress(i, 0);
  const second = b.cut(b.add(offset, b.constant(8n)), i.addressSize);
  const low = b.loadForWrite(i.segment, offset, 8);
  const old = b.vectorOf(low, mmx ? b.constant(0n) : b.loadForWrite(i.segment, second, 8));
  const merged = b.selectBits(mask, value, old);
  b.store(i.segment, offset, 8, b.lane(8, merged, 0));
  if (!mmx) b.store(i.segment, second, 8, b.lane(8, merged, 1));
}

export const vectorMoves = {
  MOVAPS: aligned,
  MOVAPD: aligned,
  MOVDQA: aligned,
  MOVNTPS: aligned,
  MOVNTPD: aligned,
  MOVNTDQ: aligned,
  MOVNTDQA: aligned,
  MOVNTQ: aligned,
  MOVUPS: unaligned,
  MOVUPD: unaligned,
  MOVDQU: unaligned,
  LDDQU: unaligned,
  /** Heeds neither CR0 nor CR4 (SDM 3A 2.5). */
  MOVNTI: row((b, i) => write(b, i, i.operands[0], read(b, i, i.operands[1]))),
  MOVD: vectorRow(moveInteger),
  MOVQ: vectorRow(moveInteger),
  MOVQ2DQ: vectorRow(moveInteger),
  MOVDQ2Q: vectorRow(moveInteger),
  MOVSS: moveScalar(4),
  MOVSD: moveScalar(8),
  MOVLPS: moveHalf(0),
  MOVLPD: moveHalf(0),
  MOVHPS: moveHalf(1),
  MOVHPD: moveHalf(1),
  MOVHLPS: betweenHalves(1, 0),
  MOVLHPS: betweenHalves(0, 1),
  MASKMOVQ: vectorRow(maskedStore),
  MASKMOVDQU: vectorRow(maskedStore),
};
