/** Vectors in generated code: the part of the fast engine's builder that computes on them, or moves them between registers. */
import { RegisterOffset } from '../../registers.ts';
import type { LaneBytes, LaneFunction, LaneOperation, LaneShift, VectorTable } from '../../vector-builder.ts';
import type { Value } from './emitter.ts';
import { IntegerBuilder, type RegisterFilePlace } from './integer-builder.ts';
import { extractOp, laneFunctionOp, laneOp, replaceOp, shiftOp, signsOp, splatOp, VectorOp } from './vector-code.ts';
import type { VectorTables } from './vector-tables.ts';
import { Memory, Op } from './wasm/code.ts';

export const vectorFile: RegisterFilePlace = { offset: RegisterOffset.vector, bytes: 32 };
export const mmxFile: RegisterFilePlace = { offset: RegisterOffset.x87, bytes: 16 };
/** Two bytes each. */
const statusWord = RegisterOffset.x87Control + 2;
const tagWord = RegisterOffset.x87Control + 4;
const stackTop = 0x3800;

export class VectorBuilder extends IntegerBuilder {
  readonly #tables: VectorTables;

  constructor(tables: VectorTables) {
    super();
    this.#tables = tables;
  }

  vectorConstant(bits: bigint): Value {
    const { code } = this.emitter;
    code.vector(VectorOp.constant).immediates(bytesOf(bits));
    return this.emitter.vector();
  }
  vectorOf(low: Value, high: Value): Value {
    return this.withLane(8, this.splat(8, low), 1, high);
  }
  splat(bytes: LaneBytes, value: Value): Value {
    this.#pushLane(bytes, value);
    this.emitter.code.vector(splatOp(bytes));
    return this.emitter.vector();
  }
  lane(bytes: LaneBytes, vector: Value, at: number): Value {
    const code = this.emitter.pushVector(vector).vector(extractOp(bytes)).immediates([at]);
    if (bytes < 8) code.op(Op.i64Extend);
    return this.emitter.integer();
  }
  withLane(bytes: LaneBytes, vector: Value, at: number, value: Value): Value {
    this.emitter.pushVector(vector);
    this.#pushLane(bytes, value);
    this.emitter.code.vector(replaceOp(bytes)).immediates([at]);
    return this.emitter.vector();
  }

  vectorRegister(number: number): Value {
    this.pushPlace(number).vectorMemory(VectorOp.load, this.offsetOf(number, vectorFile));
    return this.emitter.vector();
  }
  setVectorRegister(number: number, value: Value): void {
    this.pushPlace(number);
    this.emitter.pushVector(value).vectorMemory(VectorOp.store, this.offsetOf(number, vectorFile));
  }
  mmxRegister(number: number): Value {
    this.pushRegister(number, Memory.i64Load, 0, mmxFile);
    return this.vectorOf(this.emitter.integer(), this.constant(0n));
  }
  setMmxRegister(number: number, value: Value): void {
    const low = this.lane(8, value, 0);
    this.storeRegister(number, Memory.i64Store, 0, () => this.emitter.push(low), mmxFile);
    this.storeRegister(number, Memory.i64Store, 8, () => this.emitter.code.i64(0xffffn), mmxFile);
  }
  enterMmx(): void {
    const { emitter } = this;
    emitter.store(Memory.i32Store16, statusWord, () => {
      emitter.load(Memory.i32Load16, statusWord).i32(~stackTop).op(Op.i32And);
    });
    emitter.store(Memory.i32Store16, tagWord, () => emitter.code.i32(0));
  }

  lanes(operation: LaneOperation, bytes: LaneBytes, a: Value, b: Value): Value {
    this.emitter.pushVector(a);
    this.emitter.pushVector(b).vector(laneOp(operation, bytes));
    return this.emitter.vector();
  }
  mapLanes(operation: LaneFunction, bytes: LaneBytes, a: Value): Value {
    this.emitter.pushVector(a).vector(laneFunctionOp(operation, bytes));
    return this.emitter.vector();
  }
  shiftLanes(shift: LaneShift, bytes: LaneBytes, a: Value, count: Value): Value {
    this.emitter.pushVector(a);
    this.emitter.pushLow(count).vector(shiftOp(shift, bytes));
    return this.emitter.vector();
  }
  shuffle(a: Value, b: Value, indexes: readonly number[]): Value {
    this.emitter.pushVector(a);
    this.emitter.pushVector(b).vector(VectorOp.shuffle).immediates(indexes);
    return this.emitter.vector();
  }
  swizzle(a: Value, indexes: Value): Value {
    this.emitter.pushVector(a);
    this.emitter.pushVector(indexes).vector(VectorOp.swizzle);
    return this.emitter.vector();
  }
  selectBits(mask: Value, whenOne: Value, whenZero: Value): Value {
    this.emitter.pushVector(whenOne);
    this.emitter.pushVector(whenZero);
    this.emitter.pushVector(mask).vector(VectorOp.bitSelect);
    return this.emitter.vector();
  }
  laneSigns(bytes: LaneBytes, a: Value): Value {
    this.emitter.pushVector(a).vector(signsOp(bytes)).op(Op.i64Extend);
    return this.emitter.integer();
  }
  lookUp(table: VectorTable, index: Value): Value {
    const address = this.#tables.addressOf(table);
    this.emitter.pushLow(index).i32(0xff).op(Op.i32And).i32(4).op(Op.i32ShiftLeft);
    this.emitter.code.vectorMemory(VectorOp.load, address);
    return this.emitter.vector();
  }

  mxcsr(): Value {
    this.emitter.load(Memory.i64Load32, RegisterOffset.mxcsr);
    return this.emitter.integer();
  }
  setMxcsr(value: Value): void {
    this.emitter.store(Memory.i32Store, RegisterOffset.mxcsr, () => this.emitter.pushLow(value));
  }

  passVector(place: number, vector: Value): void {
    this.emitter.code.get(0);
    this.emitter.pushVector(vector).vectorMemory(VectorOp.store, RegisterOffset.scratch + 16 * place);
  }
  passedVector(place: number): Value {
    this.emitter.code.get(0).vectorMemory(VectorOp.load, RegisterOffset.scratch + 16 * place);
    return this.emitter.vector();
  }

  #pushLane(bytes: LaneBytes, value: Value): void {
    if (bytes === 8) this.emitter.push(value);
    else this.emitter.pushLow(value);
  }
}

function bytesOf(bits: bigint): number[] {
  return Array.from({ length: 16 }, (_, at) => Number((bits >> BigInt(8 * at)) & 0xffn));
}
