/**
 * Floating-point arithmetic by the host's, where that gives the guest's results and flags: operands that are zero, normal or
 * infinite, results that are no less, MXCSR rounding to nearest, and PE masked and set already unless the result is exact.
 * Each function leaves its result in the scratch part of the block and returns 1, or changes nothing and returns 0: then the
 * helper of the same operation does it (helpers/vector-float.ts).
 */
import { RegisterOffset } from '../../registers.ts';
import type { FloatLaneOperation, LaneConversion } from '../../vector-builder.ts';
import { Convert, FloatCode, FloatParameter } from './float-code.ts';
import { extractOp, splatOp, VectorOp } from './vector-code.ts';
import { Memory, Op, Type } from './wasm/code.ts';
import type { FunctionType } from './wasm/module.ts';

const { a, b, block, control } = FloatParameter;

/** Bits of MXCSR: PE, its mask, RC. */
const precision = 0x20;
const precisionMasked = 0x1000;
const rounding = 0x6000;

function loadMxcsr(f: FloatCode, bits: number): void {
  f.code.get(block).memory(Memory.i32Load, RegisterOffset.mxcsr).i32(bits).op(Op.i32And);
}

/** Whether PE is masked and set, so that an inexact result changes no flag; and rounding is to nearest, if that matters. */
function mayBeInexact(f: FloatCode, roundingMatters: boolean): void {
  loadMxcsr(f, precision | precisionMasked | (roundingMatters ? rounding : 0));
  f.code.i32(precision | precisionMasked).op(Op.i32Eq);
}

/** The result on the stack into scratch. */
function finish(f: FloatCode): void {
  const result = f.keep();
  f.code.get(block).get(result).vectorMemory(VectorOp.store, RegisterOffset.scratch).i32(1);
}

/** WebAssembly instruction numbers. */
const equalOfIntegers = 55;
const fromLong = { 4: 0xb4, 8: 0xb9 } as const;
/** With the prefix of saturating conversions. */
const toLong = { 4: [0xfc, 4], 8: [0xfc, 6] } as const;
const extract = { 4: 31, 8: 33 } as const;
const splat = { 4: 19, 8: 20 } as const;

type Arithmetic = 'add' | 'subtract' | 'multiply' | 'divide' | 'squareRoot';

/** Puts on the stack which lanes are exact. */
function pushExact(f: FloatCode, operation: Arithmetic, second: number, result: number): void {
  switch (operation) {
    case 'add':
      f.isExactSum(a, second, result);
      return;
    case 'subtract':
      // a - b = result if a = result + b.
      f.isExactSum(result, second, a);
      f.get(result, second).op('add').get(a).op('equal').bits('and');
      return;
    case 'multiply':
      f.isExactProduct(a, second, result);
      return;
    case 'divide':
    case 'squareRoot': {
      const [factor, whole] = operation === 'divide' ? [second, a] : [result, second];
      const product = f.get(result, factor).op('multiply').keep();
      f.isExactProduct(result, factor, product).get(product, whole).op('equal').bits('and');
    }
  }
}

function arithmetic(f: FloatCode, operation: Arithmetic, second: number = b): void {
  const unary = operation === 'squareRoot';
  if (!unary) f.get(a);
  const result = f.get(second).op(operation).keep();
  f.isFinite(result).isNumber(result).bits('and').isNumber(second).bits('and');
  if (!unary) f.isNumber(a).bits('and');
  if (operation === 'multiply' || operation === 'divide') {
    f.isNormal(result).isZero(a).bits('or').isZero(second).bits('or').bits('and');
  }
  f.allLanes();
  f.require();
  mayBeInexact(f, true);
  f.either(
    Type.i32,
    () => f.code.i32(1),
    () => {
      // Rounding of zeros matters to exact results too.
      loadMxcsr(f, rounding);
      f.code.op(Op.i32Eqz);
      pushExact(f, operation, second, result);
      f.allLanes().op(Op.i32And);
    },
  );
  f.require();
  f.get(result);
}

const signOfEvenLanes = { 4: 0x8000_0000n, 8: 1n << 63n } as const;

/** Subtracting is adding the negated, when no NaN is there. */
function addSubtract(f: FloatCode): void {
  const sign = Array.from({ length: 16 }, (_, at) => {
    const even = Math.trunc(at / f.bytes) % 2 === 0;
    return even ? Number((signOfEvenLanes[f.bytes] >> BigInt(8 * (at % f.bytes))) & 0xffn) : 0;
  });
  f.get(b).code.vector(VectorOp.constant).immediates(sign);
  arithmetic(f, 'add', f.bits('xor').keep());
}

function requireNumbers(f: FloatCode): void {
  f.isNumber(a).isNumber(b).bits('and').allLanes();
  f.require();
}

/** `b` unless `a` is less, or greater. */
function extremum(f: FloatCode, op: 'pseudoMinimum' | 'pseudoMaximum'): void {
  requireNumbers(f);
  f.get(b, a).op(op);
}

/** Without NaNs: never unordered. */
function compare(f: FloatCode): void {
  requireNumbers(f);
  const { code } = f;
  const chosen = (predicate: number): void => {
    code.get(control).i32(3).op(Op.i32And).i32(predicate).op(Op.i32Eq).op(Op.select);
  };
  f.get(a, b).op('lessOrEqual').zero();
  chosen(2);
  const others = f.keep();
  f.get(a, b).op('less').get(others);
  chosen(1);
  const ordered = f.keep();
  f.get(a, b).op('equal').get(ordered);
  chosen(0);
  // Bit 2 of the predicate inverts.
  code.i32(0).get(control).i32(2).op(Op.i32ShiftRight).op(Op.i32Subtract).vector(splatOp(4));
  f.bits('xor');
}

/** As the immediate says: bits 1:0 are a rounding mode unless bit 2 says MXCSR's, bit 3 keeps PE away. */
function round(f: FloatCode): void {
  const { code } = f;
  f.isNumber(b).allLanes();
  f.require();
  const mode = f.local(Type.i32);
  loadMxcsr(f, rounding);
  code.i32(13).op(Op.i32ShiftRight).get(control).i32(3).op(Op.i32And);
  code.get(control).i32(4).op(Op.i32And).op(Op.select).set(mode);
  let result = f.get(b).op('truncate').keep();
  for (const [number, op] of (['nearest', 'floor', 'ceiling'] as const).entries()) {
    f.get(b).op(op).get(result).code.get(mode).i32(number).op(Op.i32Eq).op(Op.select);
    result = f.keep();
  }
  mayBeInexact(f, false);
  code.get(control).i32(8).ops(Op.i32And, Op.i32Or);
  f.get(result, b).op('equal').allLanes().op(Op.i32Or);
  f.require();
  f.get(result);
}

function integersToFloats(f: FloatCode, to: 4 | 8): void {
  const { code } = f;
  if (to === 8) {
    f.get(a).code.vector(Convert.integersToDoubles);
    return;
  }
  code.get(a).vector(Convert.integersToSingles);
  const result = f.keep();
  const tooLarge = 0x4f00_0000n;
  f.get(result).code.vector(Convert.singlesToIntegers).get(a).vector(equalOfIntegers);
  f.get(result).constant(tooLarge).op('less').bits('and').allLanes();
  mayBeInexact(f, true);
  code.op(Op.i32Or);
  f.require();
  f.get(result);
}

/** The lowest lane of the vector on the stack. */
function lowest(f: FloatCode): void {
  f.code.vector(extract[f.bytes]).immediates([0]);
}

function longToFloat(f: FloatCode): void {
  const { code } = f;
  code.get(a).vector(extractOp(8)).immediates([0]);
  const integer = f.local(Type.i64);
  code.tee(integer).append([fromLong[f.bytes]]).vector(splat[f.bytes]);
  const result = f.keep();
  f.get(result);
  lowest(f);
  code.append(toLong[f.bytes]).get(integer).op(Op.i64Eq);
  const tooLarge = f.bytes === 4 ? 0x5f00_0000n : 0x43e0_0000_0000_0000n;
  f.get(result).constant(tooLarge).op('less').allLanes().op(Op.i32And);
  mayBeInexact(f, true);
  code.op(Op.i32Or);
  f.require();
  f.get(result);
}

/** Bits of -2^31 and 2^31 - 1, and of -2^63 and 2^63; in binary32, 2^31 stands for the number below it. */
const integerLimits = {
  4: { 4: [0xcf00_0000n, 0x4eff_ffffn], 8: [0xdf00_0000n, 0x5eff_ffffn] },
  8: {
    4: [0xc1e0_0000_0000_0000n, 0x41df_ffff_ffc0_0000n],
    8: [0xc3e0_0000_0000_0000n, 0x43df_ffff_ffff_ffffn],
  },
} as const;

function floatToInteger(f: FloatCode, to: 4 | 8, truncated: boolean): void {
  const { code } = f;
  const result = f
    .get(a)
    .op(truncated ? 'truncate' : 'nearest')
    .keep();
  const [least, most] = integerLimits[f.bytes][to];
  f.get(result).constant(least).op('greaterOrEqual');
  f.get(result).constant(most).op('lessOrEqual').bits('and');
  f.isNumber(a).bits('and').allLanes();
  f.require();
  f.get(result, a).op('equal').allLanes();
  mayBeInexact(f, !truncated);
  code.op(Op.i32Or);
  f.require();
  f.get(result);
  if (to === 4) code.vector(f.bytes === 4 ? Convert.singlesToIntegers : Convert.doublesToIntegers);
  else {
    lowest(f);
    code.append(toLong[f.bytes]).vector(splatOp(8));
  }
}

function toDoubles(f: FloatCode): void {
  f.isNumber(a).allLanes();
  f.require();
  f.get(a).code.vector(Convert.toDoubles);
}

/** Lanes are looked at as binary64: the result is made one again. */
function toSingles(f: FloatCode): void {
  const largest = 0x47ef_ffff_e000_0000n;
  const normal = 0x3810_0000_0000_0000n;
  f.get(a).code.vector(Convert.toSingles);
  const result = f.keep();
  f.get(result).code.vector(Convert.toDoubles);
  const again = f.keep();
  f.get(again).op('absolute').constant(largest).op('lessOrEqual');
  f.get(again).op('absolute').constant(normal).op('greaterOrEqual').isZero(a).bits('or').bits('and').allLanes();
  f.require();
  f.get(again, a).op('equal').allLanes();
  mayBeInexact(f, true);
  f.code.op(Op.i32Or);
  f.require();
  f.get(result);
}

/** Instead of 1: bit 1, and CF and ZF of COMISS in their places. */
function compareLowest(f: FloatCode): void {
  requireNumbers(f);
  f.get(a, b).op('less').allLanes();
  f.get(a, b).op('equal').allLanes().i32(6).op(Op.i32ShiftLeft);
  f.code.op(Op.i32Or).i32(2).op(Op.i32Or);
}

const operations = {
  add: (f) => arithmetic(f, 'add'),
  subtract: (f) => arithmetic(f, 'subtract'),
  multiply: (f) => arithmetic(f, 'multiply'),
  divide: (f) => arithmetic(f, 'divide'),
  squareRoot: (f) => arithmetic(f, 'squareRoot'),
  minimum: (f) => extremum(f, 'pseudoMinimum'),
  maximum: (f) => extremum(f, 'pseudoMaximum'),
  addSubtract,
  compare,
  round,
} as const satisfies { readonly [O in FloatLaneOperation]?: (f: FloatCode) => void };

interface FastConversion {
  /** Bytes of the floating-point lanes that are looked at. */
  readonly bytes: 4 | 8;
  emit(f: FloatCode): void;
}

const conversions: Readonly<Record<LaneConversion, FastConversion>> = {
  int32ToFloat32: { bytes: 4, emit: (f) => integersToFloats(f, 4) },
  int32ToFloat64: { bytes: 8, emit: (f) => integersToFloats(f, 8) },
  int64ToFloat32: { bytes: 4, emit: longToFloat },
  int64ToFloat64: { bytes: 8, emit: longToFloat },
  float32ToInt32: { bytes: 4, emit: (f) => floatToInteger(f, 4, false) },
  float32ToInt32Truncated: { bytes: 4, emit: (f) => floatToInteger(f, 4, true) },
  float32ToInt64: { bytes: 4, emit: (f) => floatToInteger(f, 8, false) },
  float32ToInt64Truncated: { bytes: 4, emit: (f) => floatToInteger(f, 8, true) },
  float64ToInt32: { bytes: 8, emit: (f) => floatToInteger(f, 4, false) },
  float64ToInt32Truncated: { bytes: 8, emit: (f) => floatToInteger(f, 4, true) },
  float64ToInt64: { bytes: 8, emit: (f) => floatToInteger(f, 8, false) },
  float64ToInt64Truncated: { bytes: 8, emit: (f) => floatToInteger(f, 8, true) },
  float32ToFloat64: { bytes: 4, emit: toDoubles },
  float64ToFloat32: { bytes: 8, emit: toSingles },
};

export type FastFloatOperation = keyof typeof operations;
export type FloatFunction = `${FastFloatOperation} ${4 | 8}` | LaneConversion | `compareLowest ${4 | 8}`;

/** Whether there is a function for the operation. */
export function isFastFloat(operation: FloatLaneOperation): operation is FastFloatOperation {
  return operation in operations;
}

const type: FunctionType = { parameters: [Type.i32, Type.v128, Type.v128, Type.i32, Type.i32], results: [Type.i32] };
const formats = [4, 8] as const;
const operationNames = Object.keys(operations) as FastFloatOperation[];

/** Makes every function, by name. */
export function floatFunctions(): Map<FloatFunction, FloatCode> {
  const functions = new Map<FloatFunction, FloatCode>();
  for (const bytes of formats) {
    for (const name of operationNames) {
      const f = new FloatCode(bytes);
      operations[name](f);
      finish(f);
      functions.set(`${name} ${bytes}`, f);
    }
    const f = new FloatCode(bytes);
    compareLowest(f);
    functions.set(`compareLowest ${bytes}`, f);
  }
  for (const [name, { bytes, emit }] of Object.entries(conversions)) {
    const f = new FloatCode(bytes);
    emit(f);
    finish(f);
    functions.set(name as LaneConversion, f);
  }
  return functions;
}

export const floatFunctionTypes: Readonly<Record<FloatFunction, FunctionType>> = Object.fromEntries(
  [
    ...operationNames.flatMap((name) => formats.map((bytes): FloatFunction => `${name} ${bytes}`)),
    ...(Object.keys(conversions) as LaneConversion[]),
    ...formats.map((bytes): FloatFunction => `compareLowest ${bytes}`),
  ].map((name) => [name, type]),
) as Record<FloatFunction, FunctionType>;
