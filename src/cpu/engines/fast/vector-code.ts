/** The builder's lane operations as WebAssembly vector instructions (WebAssembly Core Specification 2.0, 5.4.8). */
import { InvariantError } from '../../../base/errors.ts';
import type { LaneBytes, LaneFunction, LaneOperation, LaneShift } from '../../vector-builder.ts';

export const VectorOp = {
  load: 0,
  store: 11,
  constant: 12,
  shuffle: 13,
  swizzle: 14,
  bitSelect: 82,
} as const;

/** By lane size: 1, 2, 4, 8 bytes. */
type BySize = Readonly<Partial<Record<LaneBytes, number>>>;

const splats: BySize = { 1: 15, 2: 16, 4: 17, 8: 18 };
/** Unsigned where there is a choice. */
const extractions: BySize = { 1: 22, 2: 25, 4: 27, 8: 29 };
const replacements: BySize = { 1: 23, 2: 26, 4: 28, 8: 30 };
const signs: BySize = { 1: 100, 2: 132, 4: 164, 8: 196 };

const shifts: Readonly<Record<LaneShift, BySize>> = {
  left: { 1: 107, 2: 139, 4: 171, 8: 203 },
  rightSigned: { 1: 108, 2: 140, 4: 172, 8: 204 },
  rightUnsigned: { 1: 109, 2: 141, 4: 173, 8: 205 },
};

const operations: Readonly<Record<LaneOperation, BySize>> = {
  add: { 1: 110, 2: 142, 4: 174, 8: 206 },
  subtract: { 1: 113, 2: 145, 4: 177, 8: 209 },
  addSaturatedSigned: { 1: 111, 2: 143 },
  addSaturatedUnsigned: { 1: 112, 2: 144 },
  subtractSaturatedSigned: { 1: 114, 2: 146 },
  subtractSaturatedUnsigned: { 1: 115, 2: 147 },
  multiply: { 2: 149, 4: 181, 8: 213 },
  minimumSigned: { 1: 118, 2: 150, 4: 182 },
  minimumUnsigned: { 1: 119, 2: 151, 4: 183 },
  maximumSigned: { 1: 120, 2: 152, 4: 184 },
  maximumUnsigned: { 1: 121, 2: 153, 4: 185 },
  average: { 1: 123, 2: 155 },
  equal: { 1: 35, 2: 45, 4: 55, 8: 214 },
  greaterSigned: { 1: 39, 2: 49, 4: 59, 8: 217 },
  multiplyLowHalfSigned: { 1: 156, 2: 188, 4: 220 },
  multiplyLowHalfUnsigned: { 1: 158, 2: 190, 4: 222 },
  multiplyHighHalfSigned: { 1: 157, 2: 189, 4: 221 },
  multiplyHighHalfUnsigned: { 1: 159, 2: 191, 4: 223 },
  multiplyAddPairs: { 2: 186 },
  narrowSigned: { 2: 101, 4: 133 },
  narrowUnsigned: { 2: 102, 4: 134 },
  and: { 8: 78 },
  or: { 8: 80 },
  xor: { 8: 81 },
  andNot: { 8: 79 },
};

const functions: Readonly<Record<LaneFunction, BySize>> = {
  absolute: { 1: 96, 2: 128, 4: 160 },
  extendLowHalfSigned: { 1: 135, 2: 167, 4: 199 },
  extendLowHalfUnsigned: { 1: 137, 2: 169, 4: 201 },
  addPairsUnsigned: { 1: 125, 2: 127 },
};

function ofSize(numbers: BySize, bytes: LaneBytes): number {
  const number = numbers[bytes];
  if (number === undefined) throw new InvariantError(`no such vector operation on lanes of ${bytes} bytes`);
  return number;
}

export const splatOp = (bytes: LaneBytes): number => ofSize(splats, bytes);
export const extractOp = (bytes: LaneBytes): number => ofSize(extractions, bytes);
export const replaceOp = (bytes: LaneBytes): number => ofSize(replacements, bytes);
export const signsOp = (bytes: LaneBytes): number => ofSize(signs, bytes);
export const shiftOp = (shift: LaneShift, bytes: LaneBytes): number => ofSize(shifts[shift], bytes);
export const laneOp = (operation: LaneOperation, bytes: LaneBytes): number => ofSize(operations[operation], bytes);
export const laneFunctionOp = (name: LaneFunction, bytes: LaneBytes): number => ofSize(functions[name], bytes);
