/** Lists of byte numbers for the builder's `shuffle`, and tables of them for immediates. */
import type { VectorTable } from '../vector-builder.ts';
import type { VectorBytes } from './vector-operand.ts';

const vectorBytes = 16;
/** In a table: a byte that becomes 0. */
export const zeroByte = 0x80;

/** Sixteen byte numbers, from a shorter list again and again. */
function filled(indexes: readonly number[]): readonly number[] {
  return Array.from({ length: vectorBytes }, (_, at) => indexes[at % indexes.length] ?? 0);
}

/** The bytes of lanes by number; those of the second vector go on where the first ends. */
export function lanesByNumber(bytes: number, lanes: readonly number[]): readonly number[] {
  return filled(lanes.flatMap((lane) => Array.from({ length: bytes }, (_, byte) => lane * bytes + byte)));
}

/** The even (0) or odd (1) lanes of the first vector, then those of the second. */
export function everySecondLane(bytes: number, of: VectorBytes, parity: 0 | 1): readonly number[] {
  const perVector = of / bytes / 2;
  const first = Array.from({ length: perVector }, (_, at) => 2 * at + parity);
  return lanesByNumber(bytes, [...first, ...first.map((lane) => lane + vectorBytes / bytes)]);
}

/** Lanes of the two vectors in turn, from a byte on. */
export function interleaved(bytes: number, from: number): readonly number[] {
  const lanes = Array.from({ length: vectorBytes / bytes }, (_, at) => {
    const lane = from / bytes + (at >> 1);
    return (at & 1) === 0 ? lane : lane + vectorBytes / bytes;
  });
  return lanesByNumber(bytes, lanes);
}

/** A vector of sixteen bytes. */
function vectorOfBytes(byteAt: (place: number) => number): bigint {
  let vector = 0n;
  for (let place = vectorBytes - 1; place >= 0; place--) vector = (vector << 8n) | BigInt(byteAt(place));
  return vector;
}

/** A table of indexes for `swizzle`: what byte goes to a place. */
export function indexTable(name: string, indexAt: (immediate: number, place: number) => number): VectorTable {
  return { name, entry: (immediate) => vectorOfBytes((place) => indexAt(immediate, place)) };
}

/** A table of masks: whether lanes are all ones. */
export function maskTable(
  name: string,
  bytes: number,
  isSet: (immediate: number, lane: number) => boolean,
): VectorTable {
  return {
    name,
    entry: (immediate) => vectorOfBytes((place) => (isSet(immediate, Math.trunc(place / bytes)) ? 0xff : 0)),
  };
}
