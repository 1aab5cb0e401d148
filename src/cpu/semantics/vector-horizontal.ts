/** Sums and minima across the integer lanes of a vector (SDM 1 10.4.4; 12.6.1; 12.10.9, 12.10.10). */
import type { Builder } from '../builder.ts';
import type { Instruction } from '../instruction.ts';
import type { LaneBytes, LaneOperation } from '../vector-builder.ts';
import type { Semantics } from './row.ts';
import { everySecondLane, indexTable, lanesByNumber } from './vector-index.ts';
import { binary, readVector, unary, vectorRow, writeVector } from './vector-operand.ts';

/** Even with odd lanes, of the destination, then of the source. */
function neighbours(operation: LaneOperation, bytes: LaneBytes): Semantics {
  return binary((b, x, y, width) => {
    const even = b.shuffle(x, y, everySecondLane(bytes, width, 0));
    return b.lanes(operation, bytes, even, b.shuffle(x, y, everySecondLane(bytes, width, 1)));
  });
}

/** |a - b| of unsigned bytes. */
function absoluteDifferences<V>(b: Builder<V>, x: V, y: V): V {
  const more = b.lanes('subtractSaturatedUnsigned', 1, x, y);
  return b.lanes('or', 8, more, b.lanes('subtractSaturatedUnsigned', 1, y, x));
}

/** The sum of each eight unsigned bytes, as 64 bits. */
function sumEights<V>(b: Builder<V>, x: V): V {
  const fours = b.mapLanes('addPairsUnsigned', 2, b.mapLanes('addPairsUnsigned', 1, x));
  const low = b.lanes('and', 8, fours, b.splat(8, b.constant(0xffff_ffffn)));
  return b.lanes('add', 8, low, b.shiftLanes('rightUnsigned', 8, fours, b.constant(32n)));
}

/** Bit 2 of the immediate says from where on the destination is looked at, bits 1:0 which four bytes of the source. */
const window = indexTable('MPSADBW, destination', (immediate, place) => (place + (immediate & 4)) & 15);
const block = indexTable('MPSADBW, source', (immediate, place) => (immediate & 3) * 4 + (place & 3));

function sumsOfFour<V>(b: Builder<V>, i: Instruction): void {
  const [to, from, order] = i.operands;
  const immediate = b.immediate(order);
  const four = b.swizzle(readVector(b, i, from), b.lookUp(block, immediate));
  const bytes = b.swizzle(readVector(b, i, to), b.lookUp(window, immediate));
  let sums = b.vectorConstant(0n);
  for (let at = 0; at < 4; at++) {
    const eight = b.shuffle(
      bytes,
      bytes,
      lanesByNumber(
        1,
        [0, 1, 2, 3, 4, 5, 6, 7].map((byte) => byte + at),
      ),
    );
    const differences = absoluteDifferences(b, eight, b.shuffle(four, four, lanesByNumber(1, [at])));
    sums = b.lanes('add', 2, sums, b.mapLanes('extendLowHalfUnsigned', 1, differences));
  }
  writeVector(b, i, to, sums);
}

/** The least of eight unsigned words, and its place; of equal ones the lowest. */
function minimumWord<V>(b: Builder<V>, words: V): V {
  const three = b.constant(3n);
  const keyOf = (at: number): V => b.or(b.shiftLeft(b.lane(2, words, at), three), b.constant(BigInt(at)));
  let least = keyOf(0);
  for (let at = 1; at < 8; at++) {
    const key = keyOf(at);
    least = b.select(b.lessUnsigned(key, least), key, least);
  }
  const place = b.shiftLeft(b.and(least, b.constant(7n)), b.constant(16n));
  return b.vectorOf(b.or(b.shiftRight(least, three), place), b.constant(0n));
}

export const vectorSums = {
  PHADDW: neighbours('add', 2),
  PHADDD: neighbours('add', 4),
  PHADDSW: neighbours('addSaturatedSigned', 2),
  PHSUBW: neighbours('subtract', 2),
  PHSUBD: neighbours('subtract', 4),
  PHSUBSW: neighbours('subtractSaturatedSigned', 2),
  PSADBW: binary((b, x, y) => sumEights(b, absoluteDifferences(b, x, y))),
  MPSADBW: vectorRow(sumsOfFour),
  PHMINPOSUW: unary(minimumWord),
};
