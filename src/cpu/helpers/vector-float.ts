/**
 * Floating-point arithmetic on the lanes of vectors, for every engine (SDM 1 11.5; 4.9). Vectors come and go in the scratch
 * part of the register block. Lanes are judged together: an exception that is not masked, found in the operands of one,
 * keeps those that rounding another would find from being reported (SDM 1 4.9.2, 11.5.3).
 */
import { InvariantError } from '../../base/errors.ts';
import { type Exception, invalidOpcode, simdError } from '../exception.ts';
import { floatOperation } from '../float/arithmetic.ts';
import { compareFloats, extremum, type Relation } from '../float/compare.ts';
import { controlOfMxcsr, exact, type FloatControl, FloatFlag, type FloatResult, roundingOf } from '../float/control.ts';
import { integralOfFloat } from '../float/convert.ts';
import { binary32, binary64, type FloatFormat } from '../float/format.ts';
import { type RegisterFile, Restriction } from '../registers.ts';
import { type FloatLaneOperation, floatLaneOperations, laneConversions } from '../vector-builder.ts';
import type { Helper } from './helper.ts';
import { reciprocal, reciprocalSquareRoot } from './vector-approximation.ts';
import { conversions } from './vector-conversion.ts';

const ofOperands = FloatFlag.IE | FloatFlag.DE | FloatFlag.ZE;

/** Adds to the flags of MXCSR what the lanes report; the exception, if one is not masked. */
function report(registers: RegisterFile, lanes: readonly FloatResult[]): Exception | undefined {
  const masks = (registers.mxcsr >> 7) & 63;
  let flags = lanes.reduce((all, lane) => all | lane.flags, 0);
  if ((flags & ofOperands & ~masks) !== 0) flags &= ofOperands;
  registers.mxcsr |= flags;
  if ((flags & ~masks) === 0) return undefined;
  return (registers.restrictions & Restriction.noSimdErrors) === 0 ? simdError : invalidOpcode;
}

interface Lane {
  readonly at: number;
  readonly format: FloatFormat;
  readonly a: bigint;
  readonly b: bigint;
  /** By MXCSR. */
  readonly control: FloatControl;
  /** The operation's own. */
  readonly immediate: number;
}

/** Of the eight predicates: the first four and, with bit 2, their opposites (SDM 2A CMPPS, table 3-1). */
function holds(predicate: number, relation: Relation): boolean {
  const positive = [
    relation === 'equal',
    relation === 'less',
    relation === 'less' || relation === 'equal',
    relation === 'unordered',
  ];
  return positive[predicate & 3] !== ((predicate & 4) !== 0);
}

/** Equality and order of being numbers at all can be asked of quiet NaNs. */
function compare({ format, a, b, control, immediate }: Lane): FloatResult {
  const quiet = (immediate & 3) === 0 || (immediate & 3) === 3;
  const { relation, flags } = compareFloats(format, a, b, control, quiet);
  return exact(holds(immediate, relation) ? -1n : 0n, flags);
}

/** Bits 1:0 of the immediate are a rounding mode, unless bit 2 says MXCSR's; bit 3 keeps PE away (SDM 2B ROUNDPS). */
function round({ format, b, control, immediate }: Lane): FloatResult {
  const rounding = (immediate & 4) === 0 ? roundingOf(immediate) : control.rounding;
  const result = integralOfFloat(format, b, control, rounding);
  return (immediate & 8) === 0 ? result : { ...result, flags: result.flags & ~FloatFlag.PE };
}

function operate(operation: FloatLaneOperation, lane: Lane): FloatResult {
  const { at, format, a, b, control } = lane;
  switch (operation) {
    case 'addSubtract':
      return floatOperation((at & 1) === 0 ? 'subtract' : 'add', format, a, b, control);
    case 'minimum':
    case 'maximum':
      return extremum(operation, format, a, b, control);
    case 'compare':
      return compare(lane);
    case 'round':
      return round(lane);
    case 'reciprocal':
      return exact(reciprocal(format, b));
    case 'reciprocalSquareRoot':
      return exact(reciprocalSquareRoot(format, b));
    default:
      return floatOperation(operation, format, a, b, control);
  }
}

const half = 64;

/** A lane of a vector in scratch. */
function laneOf(registers: RegisterFile, place: number, bits: number, at: number): bigint {
  const bit = at * bits;
  const word = registers.scratch[place * 2 + (bit >= half ? 1 : 0)] ?? 0n;
  return BigInt.asUintN(bits, word >> BigInt(bit % half));
}

function setLane(registers: RegisterFile, bits: number, at: number, value: bigint): void {
  const bit = at * bits;
  const word = bit >= half ? 1 : 0;
  const shift = BigInt(bit % half);
  const mask = ((1n << BigInt(bits)) - 1n) << shift;
  registers.scratch[word] = ((registers.scratch[word] ?? 0n) & ~mask) | ((value << shift) & mask);
}

const carryFlag = 0x1n;
const parityFlag = 0x4n;
const zeroFlag = 0x40n;
const flagsOfRelation: Readonly<Record<Relation, bigint>> = {
  less: carryFlag,
  equal: zeroFlag,
  greater: 0n,
  unordered: carryFlag | parityFlag | zeroFlag,
};

function named<N>(names: readonly N[], index: bigint): N {
  const name = names[Number(index)];
  if (name === undefined) throw new InvariantError(`no operation ${index}`);
  return name;
}

const formatOf = (bytes: bigint): FloatFormat => (bytes === 4n ? binary32 : binary64);

export const vectorFloatHelpers = {
  /** Number in `floatLaneOperations`, bytes of a lane, lanes, control; vectors 0 and 1, the result in place of 0. */
  floatLanes: {
    arguments: 4,
    results: 0,
    run: ({ registers }, operation, bytes, count, immediate) => {
      const format = formatOf(bytes);
      const bits = Number(bytes) * 8;
      const control = controlOfMxcsr(registers.mxcsr);
      const results = Array.from({ length: Number(count) }, (_, at) =>
        operate(named(floatLaneOperations, operation), {
          at,
          format,
          a: laneOf(registers, 0, bits, at),
          b: laneOf(registers, 1, bits, at),
          control,
          immediate: Number(immediate),
        }),
      );
      const exception = report(registers, results);
      if (exception !== undefined) return exception;
      for (const [at, { value }] of results.entries()) setLane(registers, bits, at, value);
      return [];
    },
  },
  /** Number in `laneConversions`, lanes; vector 0, the result in its place. */
  convertLanes: {
    arguments: 2,
    results: 0,
    run: ({ registers }, conversion, count) => {
      const { from, to, convert } = conversions[named(laneConversions, conversion)];
      const control = controlOfMxcsr(registers.mxcsr);
      const results = Array.from({ length: Number(count) }, (_, at) =>
        convert(laneOf(registers, 0, from, at), control),
      );
      const exception = report(registers, results);
      if (exception !== undefined) return exception;
      registers.scratch.fill(0n, 0, 2);
      for (const [at, { value }] of results.entries()) setLane(registers, to, at, value);
      return [];
    },
  },
  /** Bytes of a lane, whether quiet; the lowest lanes of vectors 0 and 1, to ZF, PF and CF in their places. */
  compareLowLanes: {
    arguments: 2,
    results: 1,
    run: ({ registers }, bytes, quiet) => {
      const bits = Number(bytes) * 8;
      const first = laneOf(registers, 0, bits, 0);
      const second = laneOf(registers, 1, bits, 0);
      const control = controlOfMxcsr(registers.mxcsr);
      const { relation, flags } = compareFloats(formatOf(bytes), first, second, control, quiet === 1n);
      return report(registers, [exact(0n, flags)]) ?? [flagsOfRelation[relation]];
    },
  },
} as const satisfies Record<string, Helper>;
