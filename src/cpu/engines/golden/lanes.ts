/** Vectors of 128 bits as lists of lanes, and what each operation of the builder's vector section does to them. */
import { unreachable } from '../../../base/assert.ts';
import { InvariantError } from '../../../base/errors.ts';
import type { LaneBytes, LaneFunction, LaneOperation, LaneShift } from '../../vector-builder.ts';

const vectorBytes = 16;

/** Unsigned, the lowest first. */
export function lanesOf(vector: bigint, bytes: LaneBytes): bigint[] {
  const bits = BigInt(bytes * 8);
  return Array.from({ length: vectorBytes / bytes }, (_, at) =>
    BigInt.asUintN(bytes * 8, vector >> (BigInt(at) * bits)),
  );
}

/** Each cut to the lane. */
export function vectorOfLanes(lanes: readonly bigint[], bytes: LaneBytes): bigint {
  const bits = bytes * 8;
  return lanes.reduceRight((vector, lane) => (vector << BigInt(bits)) | BigInt.asUintN(bits, lane), 0n);
}

const ones = (value: boolean): bigint => (value ? -1n : 0n);
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** The nearest number that a lane of so many bits holds. */
function saturateSigned(value: bigint, bits: number): bigint {
  const limit = 1n << BigInt(bits - 1);
  return larger(-limit, smaller(limit - 1n, value));
}

function saturateUnsigned(value: bigint, bits: number): bigint {
  return larger(0n, smaller((1n << BigInt(bits)) - 1n, value));
}

type EachPair = (a: bigint, b: bigint, bits: number) => bigint;

const ofUnsigned: { readonly [O in LaneOperation]?: EachPair } = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  addSaturatedUnsigned: (a, b, bits) => saturateUnsigned(a + b, bits),
  subtractSaturatedUnsigned: (a, b, bits) => saturateUnsigned(a - b, bits),
  minimumUnsigned: smaller,
  maximumUnsigned: larger,
  average: (a, b) => (a + b + 1n) >> 1n,
  equal: (a, b) => ones(a === b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  andNot: (a, b) => a & ~b,
};

const ofSigned: { readonly [O in LaneOperation]?: EachPair } = {
  addSaturatedSigned: (a, b, bits) => saturateSigned(a + b, bits),
  subtractSaturatedSigned: (a, b, bits) => saturateSigned(a - b, bits),
  minimumSigned: smaller,
  maximumSigned: larger,
  greaterSigned: (a, b) => ones(a > b),
};

const signed = (lanes: readonly bigint[], bytes: LaneBytes): bigint[] =>
  lanes.map((lane) => BigInt.asIntN(bytes * 8, lane));

const doubled = (bytes: LaneBytes): LaneBytes => (bytes === 1 ? 2 : bytes === 2 ? 4 : 8);
const halved = (bytes: LaneBytes): LaneBytes => (bytes === 8 ? 4 : bytes === 4 ? 2 : 1);

function low<T>(lanes: readonly T[]): T[] {
  return lanes.slice(0, lanes.length / 2);
}

function high<T>(lanes: readonly T[]): T[] {
  return lanes.slice(lanes.length / 2);
}

function products(a: readonly bigint[], b: readonly bigint[]): bigint[] {
  return a.map((lane, at) => lane * (b[at] ?? 0n));
}

function pairSums(lanes: readonly bigint[]): bigint[] {
  return low(lanes).map((_, at) => (lanes[2 * at] ?? 0n) + (lanes[2 * at + 1] ?? 0n));
}

/** The operations of the builder's table `laneOperations`. */
export function operateOnLanes(operation: LaneOperation, bytes: LaneBytes, a: bigint, b: bigint): bigint {
  const first = lanesOf(a, bytes);
  const second = lanesOf(b, bytes);
  const each = ofUnsigned[operation];
  const eachSigned = ofSigned[operation];
  if (each !== undefined) return zip(first, second, bytes, each);
  if (eachSigned !== undefined) return zip(signed(first, bytes), signed(second, bytes), bytes, eachSigned);
  return acrossLanes(operation, bytes, first, second);
}

function zip(a: readonly bigint[], b: readonly bigint[], bytes: LaneBytes, each: EachPair): bigint {
  return vectorOfLanes(
    a.map((lane, at) => each(lane, b[at] ?? 0n, bytes * 8)),
    bytes,
  );
}

/** Those whose results are no lanes of the same size. */
function acrossLanes(operation: LaneOperation, bytes: LaneBytes, a: readonly bigint[], b: readonly bigint[]): bigint {
  const wide = doubled(bytes);
  const narrow = halved(bytes);
  const both = [...signed(a, bytes), ...signed(b, bytes)];
  switch (operation) {
    case 'multiplyLowHalfSigned':
      return vectorOfLanes(products(low(signed(a, bytes)), low(signed(b, bytes))), wide);
    case 'multiplyLowHalfUnsigned':
      return vectorOfLanes(products(low(a), low(b)), wide);
    case 'multiplyHighHalfSigned':
      return vectorOfLanes(products(high(signed(a, bytes)), high(signed(b, bytes))), wide);
    case 'multiplyHighHalfUnsigned':
      return vectorOfLanes(products(high(a), high(b)), wide);
    case 'multiplyAddPairs':
      return vectorOfLanes(pairSums(products(signed(a, bytes), signed(b, bytes))), wide);
    case 'narrowSigned':
      return vectorOfLanes(
        both.map((lane) => saturateSigned(lane, narrow * 8)),
        narrow,
      );
    case 'narrowUnsigned':
      return vectorOfLanes(
        both.map((lane) => saturateUnsigned(lane, narrow * 8)),
        narrow,
      );
    default:
      throw new InvariantError(`no lane operation ${operation}`);
  }
}

/** The functions of `laneFunctions`. */
export function mapLanes(operation: LaneFunction, bytes: LaneBytes, a: bigint): bigint {
  const lanes = lanesOf(a, bytes);
  switch (operation) {
    case 'absolute':
      return vectorOfLanes(
        signed(lanes, bytes).map((lane) => (lane < 0n ? -lane : lane)),
        bytes,
      );
    case 'extendLowHalfSigned':
      return vectorOfLanes(low(signed(lanes, bytes)), doubled(bytes));
    case 'extendLowHalfUnsigned':
      return vectorOfLanes(low(lanes), doubled(bytes));
    case 'addPairsUnsigned':
      return vectorOfLanes(pairSums(lanes), doubled(bytes));
    default:
      return unreachable(operation);
  }
}

export function shiftLanes(shift: LaneShift, bytes: LaneBytes, a: bigint, count: bigint): bigint {
  const by = BigInt.asUintN(64, count) % BigInt(bytes * 8);
  const lanes = lanesOf(a, bytes);
  switch (shift) {
    case 'left':
      return vectorOfLanes(
        lanes.map((lane) => lane << by),
        bytes,
      );
    case 'rightUnsigned':
      return vectorOfLanes(
        lanes.map((lane) => lane >> by),
        bytes,
      );
    case 'rightSigned':
      return vectorOfLanes(
        signed(lanes, bytes).map((lane) => lane >> by),
        bytes,
      );
    default:
      return unreachable(shift);
  }
}
