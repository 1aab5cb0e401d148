/**
 * The vector section of the builder (SDM 1 chapters 9 to 12). A vector is an opaque value too, of 128 bits, and never
 * the same value as an integer. An MMX operand is a vector whose high half is zero; what an operation leaves there
 * does not matter, because an MMX register takes the low half only. Lanes are numbered from the lowest, and are told by
 * their size in bytes.
 *
 * Operations are named by data, so that an engine may map them to instructions of its own one to one: all but
 * floating-point arithmetic exist in WebAssembly. Whatever else instructions do is put together from them.
 */
import { Restriction } from './registers.ts';

export type LaneBytes = 1 | 2 | 4 | 8;

/** Of each pair of lanes; results have the size of the operands' lanes unless said otherwise. */
export const laneOperations = {
  /** Modulo the lane. */
  add: [1, 2, 4, 8],
  subtract: [1, 2, 4, 8],
  addSaturatedSigned: [1, 2],
  addSaturatedUnsigned: [1, 2],
  subtractSaturatedSigned: [1, 2],
  subtractSaturatedUnsigned: [1, 2],
  /** The low half of the product. */
  multiply: [2, 4, 8],
  minimumSigned: [1, 2, 4],
  minimumUnsigned: [1, 2, 4],
  maximumSigned: [1, 2, 4],
  maximumUnsigned: [1, 2, 4],
  /** (a + b + 1) / 2, unsigned. */
  average: [1, 2],
  /** All ones where true, else zero. */
  equal: [1, 2, 4, 8],
  greaterSigned: [1, 2, 4, 8],
  /** The full products of the lanes of the low, or high, half: lanes of twice the size. */
  multiplyLowHalfSigned: [1, 2, 4],
  multiplyLowHalfUnsigned: [1, 2, 4],
  multiplyHighHalfSigned: [1, 2, 4],
  multiplyHighHalfUnsigned: [1, 2, 4],
  /** Sums of two neighbouring signed products: lanes of twice the size. */
  multiplyAddPairs: [2],
  /** Signed lanes, saturated to lanes of half the size, signed or unsigned: those of `a`, then those of `b`. */
  narrowSigned: [2, 4],
  narrowUnsigned: [2, 4],
  // All bits; the lane size does not matter.
  and: [8],
  or: [8],
  xor: [8],
  /** `a` and not `b`. */
  andNot: [8],
} as const satisfies Record<string, readonly LaneBytes[]>;
export type LaneOperation = keyof typeof laneOperations;

/** Of each lane. */
export const laneFunctions = {
  /** The lowest number stays itself. */
  absolute: [1, 2, 4],
  /** Lanes of the low half, extended to twice the size. */
  extendLowHalfSigned: [1, 2, 4],
  extendLowHalfUnsigned: [1, 2, 4],
  /** Sums of two neighbouring lanes, extended to twice the size. */
  addPairsUnsigned: [1, 2],
} as const satisfies Record<string, readonly LaneBytes[]>;
export type LaneFunction = keyof typeof laneFunctions;

export type LaneShift = 'left' | 'rightUnsigned' | 'rightSigned';

/**
 * Floating-point arithmetic of lanes, by MXCSR (SDM 1 11.5). Those of one operand take `b`. `minimum` and `maximum` give
 * `b` unless `a` is less, or greater (SDM 2B MINPS). `addSubtract` subtracts in even lanes. `compare` gives all ones or
 * zero, `control` being the predicate 0 to 7 (SDM 2A CMPPS, table 3-1); `round` gives an integer, `control` being the
 * immediate of ROUNDPS. The two approximations touch no flag.
 */
export const floatLaneOperations = [
  'add',
  'subtract',
  'multiply',
  'divide',
  'squareRoot',
  'minimum',
  'maximum',
  'addSubtract',
  'compare',
  'round',
  'reciprocal',
  'reciprocalSquareRoot',
] as const;
export type FloatLaneOperation = (typeof floatLaneOperations)[number];

/** Lanes from and to; those to integers round as MXCSR says, or towards zero when `Truncated`. */
export const laneConversions = [
  'int32ToFloat32',
  'int32ToFloat64',
  'int64ToFloat32',
  'int64ToFloat64',
  'float32ToInt32',
  'float32ToInt32Truncated',
  'float32ToInt64',
  'float32ToInt64Truncated',
  'float64ToInt32',
  'float64ToInt32Truncated',
  'float64ToInt64',
  'float64ToInt64Truncated',
  'float32ToFloat64',
  'float64ToFloat32',
] as const;
export type LaneConversion = (typeof laneConversions)[number];

/** A vector for each value of a byte: masks and indexes that an immediate stands for. */
export interface VectorTable {
  readonly name: string;
  /** 128 bits; the same for the same byte always. */
  entry(byte: number): bigint;
}

/** What an instruction needs of the processor, and when it raises #UD, else #NM, else #MF (SDM 3A 2.5, tables 13-1, 14-1). */
interface UnitRule {
  /** Of `Restriction`. */
  readonly undefinedWhen: number;
  readonly unavailableWhen: number;
  /** #MF if an x87 exception is pending. */
  readonly reportsX87: boolean;
}

const { emulated, noExtendedStates, noSse, taskSwitched } = Restriction;

export const unitRules = {
  mmx: { undefinedWhen: emulated, unavailableWhen: taskSwitched, reportsX87: true },
  sse: { undefinedWhen: emulated | noSse, unavailableWhen: taskSwitched, reportsX87: false },
  /** FXSAVE, FXRSTOR. */
  image: { undefinedWhen: 0, unavailableWhen: emulated | taskSwitched, reportsX87: false },
  /** XSAVE, XRSTOR. */
  extendedStates: { undefinedWhen: noExtendedStates, unavailableWhen: taskSwitched, reportsX87: false },
} as const satisfies Record<string, UnitRule>;
export type Unit = keyof typeof unitRules;

export interface VectorBuilder<V> {
  /** Leaves the instruction if control registers forbid it. */
  requireUnit(unit: Unit): void;

  vectorConstant(bits: bigint): V;
  /** Of two integers. */
  vectorOf(low: V, high: V): V;
  /** The low `bytes` of an integer in every lane. */
  splat(bytes: LaneBytes, value: V): V;
  /** A lane as an integer, zero above. */
  lane(bytes: LaneBytes, vector: V, at: number): V;
  /** The low `bytes` of an integer put into a lane. */
  withLane(bytes: LaneBytes, vector: V, at: number, value: V): V;

  vectorRegister(number: number): V;
  /** Bits above 128 stay (SDM 1 14.1.1). */
  setVectorRegister(number: number, value: V): void;
  mmxRegister(number: number): V;
  /** The x87 register's sign and exponent become ones (SDM 1 9.5.1). */
  setMmxRegister(number: number, value: V): void;
  /** Every tag becomes valid and TOP 0: what each MMX instruction but EMMS does (SDM 1 9.5.1). */
  enterMmx(): void;

  /** 16 bytes. `aligned`: #GP unless the linear address is a multiple of 16. */
  loadVector(segment: number, offset: V, aligned: boolean): V;
  /** Whole, or not at all. */
  storeVector(segment: number, offset: V, aligned: boolean, value: V): void;

  lanes(operation: LaneOperation, bytes: LaneBytes, a: V, b: V): V;
  mapLanes(operation: LaneFunction, bytes: LaneBytes, a: V): V;
  /** The integer count is taken modulo the bits of a lane, of 2 bytes or more. */
  shiftLanes(shift: LaneShift, bytes: LaneBytes, a: V, count: V): V;
  /** 16 bytes by their number: 0 to 15 of `a`, 16 to 31 of `b`. */
  shuffle(a: V, b: V, indexes: readonly number[]): V;
  /** Bytes of `a` by the bytes of `indexes`; 0 where the index is 16 or more. */
  swizzle(a: V, indexes: V): V;
  /** Bits of `whenOne` where the mask has ones, else of `whenZero`. */
  selectBits(mask: V, whenOne: V, whenZero: V): V;
  /** The lanes' sign bits as an integer, that of lane 0 the lowest. */
  laneSigns(bytes: LaneBytes, a: V): V;
  /** The entry for an integer's low byte. */
  lookUp(table: VectorTable, index: V): V;

  /**
   * Of the lowest `count` lanes; the others are those of `a`. Sets flags of MXCSR, and may leave the instruction with #XM
   * (or #UD, by CR4.OSXMMEXCPT), MXCSR having the flags even so (SDM 1 11.5.1).
   */
  float(operation: FloatLaneOperation, bytes: 4 | 8, count: number, a: V, b: V, control?: V): V;
  /** The same for conversions of the lowest `count` lanes; zero above the results. */
  convert(conversion: LaneConversion, count: number, a: V): V;
  /** Compares the lowest lanes: an integer that has ZF, PF and CF of COMISS in their places. Quiet: as UCOMISS. */
  compareFloats(bytes: 4 | 8, a: V, b: V, quiet: boolean): V;

  mxcsr(): V;
  /** Reserved bits are zero. */
  setMxcsr(value: V): void;

  /** Puts a vector where a helper finds it, and takes one from there: places 0 to 3. */
  passVector(place: number, vector: V): void;
  passedVector(place: number): V;
}
