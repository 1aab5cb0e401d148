/** Lanes in another order: unpacking, packing, shuffles, alignment (SDM 1 9.4.4, 9.4.5; 10.4.2.2; 11.4.1.5; 12.3.3; 12.6.5, 12.6.7; 12.10.13). */
import type { Builder } from '../builder.ts';
import type { LaneBytes } from '../vector-builder.ts';
import type { Semantics } from './row.ts';
import { indexTable, interleaved, lanesByNumber, zeroByte } from './vector-index.ts';
import { binary, readVector, unary, vectorRow, writeVector } from './vector-operand.ts';
import { bytesRight } from './vector-shift.ts';

/** The low, or high, halves of both. */
function unpack(bytes: LaneBytes, half: 0 | 1): Semantics {
  const ofMmx = interleaved(bytes, half * 4);
  const ofXmm = interleaved(bytes, half * 8);
  return binary((b, x, y, width) => b.shuffle(x, y, width === 8 ? ofMmx : ofXmm));
}

const lowHalves = lanesByNumber(8, [0, 2]);

function pack(operation: 'narrowSigned' | 'narrowUnsigned', bytes: LaneBytes): Semantics {
  return binary((b, x, y, width) => {
    if (width === 16) return b.lanes(operation, bytes, x, y);
    const both = b.shuffle(x, y, lowHalves);
    return b.lanes(operation, bytes, both, both);
  });
}

/** Lane k of four is the one that bits 2k+1:2k of the immediate name; lanes start at byte `from`. */
function fourOf(immediate: number, place: number, bytes: number, from: number): number {
  const lane = Math.trunc((place - from) / bytes);
  return from + ((immediate >> (2 * lane)) & 3) * bytes + (place % bytes);
}

const doublewords = indexTable('four doublewords', (immediate, place) => fourOf(immediate, place, 4, 0));
const lowWords = indexTable('four low words', (immediate, place) =>
  place < 8 ? fourOf(immediate, place, 2, 0) : place,
);
const highWords = indexTable('four high words', (immediate, place) =>
  place < 8 ? place : fourOf(immediate, place, 2, 8),
);

function shuffleBy(table: typeof doublewords): Semantics {
  return vectorRow((b, i) => {
    const [to, from, order] = i.operands;
    writeVector(b, i, to, b.swizzle(readVector(b, i, from), b.lookUp(table, b.immediate(order))));
  });
}

/** The low half of the result is chosen from the destination, the high half from the source. */
function shuffleTwo(name: string, chosen: (immediate: number, place: number) => number): Semantics {
  const low = indexTable(`${name}, low half`, (immediate, place) => (place < 8 ? chosen(immediate, place) : zeroByte));
  const high = indexTable(`${name}, high half`, (immediate, place) =>
    place < 8 ? zeroByte : chosen(immediate, place),
  );
  return vectorRow((b, i) => {
    const [to, from, order] = i.operands;
    const source = readVector(b, i, from);
    const immediate = b.immediate(order);
    const fromDestination = b.swizzle(readVector(b, i, to), b.lookUp(low, immediate));
    writeVector(b, i, to, b.lanes('or', 8, fromDestination, b.swizzle(source, b.lookUp(high, immediate))));
  });
}

/** The bytes of destination and source joined, from the byte on that the immediate names. */
const fromSource = bytesRight;
const fromDestination = indexTable('bytes of the upper of two', (count, place) => {
  const index = place + count - 16;
  return index >= 0 && index < 16 ? index : zeroByte;
});

function align<V>(b: Builder<V>, destination: V, source: V, count: V, mmx: boolean): V {
  const byCount = b.lookUp(fromSource, count);
  if (mmx) return b.swizzle(b.shuffle(source, destination, lowHalves), byCount);
  const upper = b.swizzle(destination, b.lookUp(fromDestination, count));
  return b.lanes('or', 8, b.swizzle(source, byCount), upper);
}

function duplicate(bytes: LaneBytes, lanes: readonly number[]): Semantics {
  const indexes = lanesByNumber(bytes, lanes);
  return unary((b, x) => b.shuffle(x, x, indexes));
}

export const vectorShuffles = {
  PUNPCKLBW: unpack(1, 0),
  PUNPCKLWD: unpack(2, 0),
  PUNPCKLDQ: unpack(4, 0),
  PUNPCKLQDQ: unpack(8, 0),
  PUNPCKHBW: unpack(1, 1),
  PUNPCKHWD: unpack(2, 1),
  PUNPCKHDQ: unpack(4, 1),
  PUNPCKHQDQ: unpack(8, 1),
  UNPCKLPS: unpack(4, 0),
  UNPCKLPD: unpack(8, 0),
  UNPCKHPS: unpack(4, 1),
  UNPCKHPD: unpack(8, 1),
  PACKSSWB: pack('narrowSigned', 2),
  PACKSSDW: pack('narrowSigned', 4),
  PACKUSWB: pack('narrowUnsigned', 2),
  PACKUSDW: pack('narrowUnsigned', 4),
  PSHUFD: shuffleBy(doublewords),
  PSHUFLW: shuffleBy(lowWords),
  PSHUFHW: shuffleBy(highWords),
  PSHUFW: shuffleBy(lowWords),
  SHUFPS: shuffleTwo('SHUFPS', (immediate, place) => fourOf(immediate, place, 4, 0)),
  SHUFPD: shuffleTwo('SHUFPD', (immediate, place) => ((immediate >> Math.trunc(place / 8)) & 1) * 8 + (place % 8)),
  /** Bit 7 of an index makes a zero; of the others, those above the vector's size do not count. */
  PSHUFB: binary((b, x, y, width) => {
    const bits = width === 8 ? 0x87n : 0x8fn;
    return b.swizzle(x, b.lanes('and', 8, y, b.splat(1, b.constant(bits))));
  }),
  PALIGNR: vectorRow((b, i) => {
    const [to, from, count] = i.operands;
    const source = readVector(b, i, from);
    writeVector(b, i, to, align(b, readVector(b, i, to), source, b.immediate(count), to.bytes === 8));
  }),
  MOVSLDUP: duplicate(4, [0, 0, 2, 2]),
  MOVSHDUP: duplicate(4, [1, 1, 3, 3]),
  MOVDDUP: duplicate(8, [0, 0]),
};
