/**
 * The vector section of the golden engine: a vector is a `bigint` of 128 bits. Here is what computes or goes to registers;
 * what goes to memory, and what may leave the instruction, is in golden-builder.ts.
 */
import type { RegisterFile } from '../../registers.ts';
import type { LaneBytes, LaneFunction, LaneOperation, LaneShift, VectorTable } from '../../vector-builder.ts';
import { lanesOf, mapLanes, operateOnLanes, shiftLanes, vectorOfLanes } from './lanes.ts';

const half = (value: bigint): bigint => BigInt.asUintN(64, value);
const all = (1n << 128n) - 1n;

export class GoldenVectorBuilder {
  readonly registers: RegisterFile;

  constructor(registers: RegisterFile) {
    this.registers = registers;
  }

  vectorConstant(bits: bigint): bigint {
    return BigInt.asUintN(128, bits);
  }
  vectorOf(low: bigint, high: bigint): bigint {
    return (high << 64n) | low;
  }
  splat(bytes: LaneBytes, value: bigint): bigint {
    return vectorOfLanes(new Array<bigint>(16 / bytes).fill(value), bytes);
  }
  lane(bytes: LaneBytes, vector: bigint, at: number): bigint {
    return BigInt.asUintN(bytes * 8, vector >> BigInt(at * bytes * 8));
  }
  withLane(bytes: LaneBytes, vector: bigint, at: number, value: bigint): bigint {
    return vectorOfLanes(lanesOf(vector, bytes).with(at, value), bytes);
  }

  vectorRegister(number: number): bigint {
    const { vector } = this.registers;
    return this.vectorOf(vector[number * 4] ?? 0n, vector[number * 4 + 1] ?? 0n);
  }
  setVectorRegister(number: number, value: bigint): void {
    const { vector } = this.registers;
    vector[number * 4] = half(value);
    vector[number * 4 + 1] = value >> 64n;
  }
  mmxRegister(number: number): bigint {
    return this.registers.x87[number * 2] ?? 0n;
  }
  setMmxRegister(number: number, value: bigint): void {
    this.registers.x87[number * 2] = half(value);
    this.registers.x87[number * 2 + 1] = 0xffffn;
  }
  /** The error summary of the status word (SDM 1 8.1.3.3). */
  protected x87ErrorPending(): boolean {
    return ((this.registers.x87Words[1] ?? 0) & 0x80) !== 0;
  }
  enterMmx(): void {
    const words = this.registers.x87Words;
    words[1] = (words[1] ?? 0) & ~0x3800;
    words[2] = 0;
  }

  lanes(operation: LaneOperation, bytes: LaneBytes, a: bigint, b: bigint): bigint {
    return operateOnLanes(operation, bytes, a, b);
  }
  mapLanes(operation: LaneFunction, bytes: LaneBytes, a: bigint): bigint {
    return mapLanes(operation, bytes, a);
  }
  shiftLanes(shift: LaneShift, bytes: LaneBytes, a: bigint, count: bigint): bigint {
    return shiftLanes(shift, bytes, a, count);
  }
  shuffle(a: bigint, b: bigint, indexes: readonly number[]): bigint {
    const bytes = [...lanesOf(a, 1), ...lanesOf(b, 1)];
    return vectorOfLanes(
      indexes.map((index) => bytes[index] ?? 0n),
      1,
    );
  }
  swizzle(a: bigint, indexes: bigint): bigint {
    const bytes = lanesOf(a, 1);
    return vectorOfLanes(
      lanesOf(indexes, 1).map((index) => bytes[Number(index)] ?? 0n),
      1,
    );
  }
  selectBits(mask: bigint, whenOne: bigint, whenZero: bigint): bigint {
    return (whenOne & mask) | (whenZero & (all ^ mask));
  }
  laneSigns(bytes: LaneBytes, a: bigint): bigint {
    const top = BigInt(bytes * 8 - 1);
    return lanesOf(a, bytes).reduceRight((signs, lane) => (signs << 1n) | (lane >> top), 0n);
  }
  lookUp(table: VectorTable, index: bigint): bigint {
    return table.entry(Number(index & 0xffn));
  }

  mxcsr(): bigint {
    return BigInt(this.registers.mxcsr);
  }
  setMxcsr(value: bigint): void {
    this.registers.mxcsr = Number(value);
  }

  passVector(place: number, vector: bigint): void {
    this.registers.scratch[place * 2] = half(vector);
    this.registers.scratch[place * 2 + 1] = vector >> 64n;
  }
  passedVector(place: number): bigint {
    const { scratch } = this.registers;
    return this.vectorOf(scratch[place * 2] ?? 0n, scratch[place * 2 + 1] ?? 0n);
  }
}
