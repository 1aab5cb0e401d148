/**
 * The golden engine as a builder: values are `bigint`, and everything happens at once. Slow and plain: the oracle of
 * the other engines.
 */
import { InvariantError } from '../../../base/errors.ts';
import type { Builder, Division, Pair } from '../../builder.ts';
import { iterationsAtOnce, type Stop } from '../../engine.ts';
import {
  deviceNotAvailable,
  divideError,
  type Exception,
  generalProtection,
  invalidOpcode,
  stackFault,
  x87Error,
} from '../../exception.ts';
import type { Flag, FlagKind } from '../../flags.ts';
import { exceptionOf, type HelperContext } from '../../helpers/helper.ts';
import { type HelperName, helpers } from '../../helpers/table.ts';
import {
  type CodeSize,
  type Instruction,
  instructionPointer,
  type Operand,
  OperandKind,
  Segment,
} from '../../instruction.ts';
import type { MemoryPort, ProcessorPort } from '../../ports.ts';
import { Register, type RegisterFile } from '../../registers.ts';
import {
  type FloatLaneOperation,
  floatLaneOperations,
  type LaneConversion,
  laneConversions,
  type Unit,
  unitRules,
} from '../../vector-builder.ts';
import { GoldenVectorBuilder } from './golden-vector-builder.ts';
import { conditionHolds, withFlags } from './status-flags.ts';

/** Thrown to leave the instruction, never out of the engine; why is in `stopped`. */
export const leaving: unique symbol = Symbol('leaving the instruction');

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const i64 = (value: bigint): bigint => BigInt.asIntN(64, value);
const truth = (value: boolean): bigint => (value ? 1n : 0n);

/** Canonical for 48-bit linear addresses (SDM 1 3.3.7.1). */
function isCanonical(address: bigint): boolean {
  return u64(BigInt.asIntN(48, address)) === address;
}

export class GoldenBuilder extends GoldenVectorBuilder implements Builder<bigint> {
  readonly #memory: MemoryPort;
  readonly #helperContext: HelperContext;
  stackBytes: 2 | 4 | 8 = 8;
  codeSize: CodeSize = 64;
  /** Of the instruction being executed. */
  #address = 0n;
  #next = 0n;
  /** Where execution goes on. */
  target = 0n;
  /** Why the instruction was left early. */
  stopped: Stop | undefined;

  constructor(registers: RegisterFile, memory: MemoryPort, processor: ProcessorPort) {
    super(registers);
    this.#memory = memory;
    this.#helperContext = { registers, processor };
  }

  /** Before each instruction. */
  begin(i: Instruction): void {
    this.codeSize = i.codeSize;
    if (i.codeSize === 64) this.stackBytes = 8;
    else if (this.stackBytes === 8) this.stackBytes = 4;
    this.#address = this.registers.rip;
    this.#next = this.cut(this.#address + BigInt(i.length), i.codeSize === 64 ? 8 : i.codeSize / 8);
    this.target = this.#next;
    this.stopped = undefined;
  }

  constant(value: bigint): bigint {
    return u64(value);
  }
  immediate({ kind, low, high, bytes }: Operand): bigint {
    return this.cut((BigInt(high) << 32n) | BigInt(low >>> 0), kind === OperandKind.farPointer ? 6 : bytes);
  }

  add(a: bigint, b: bigint): bigint {
    return u64(a + b);
  }
  subtract(a: bigint, b: bigint): bigint {
    return u64(a - b);
  }
  multiply(a: bigint, b: bigint): bigint {
    return u64(a * b);
  }
  multiplyHigh(a: bigint, b: bigint): bigint {
    return (a * b) >> 64n;
  }
  multiplyHighSigned(a: bigint, b: bigint): bigint {
    return u64((i64(a) * i64(b)) >> 64n);
  }
  and(a: bigint, b: bigint): bigint {
    return a & b;
  }
  or(a: bigint, b: bigint): bigint {
    return a | b;
  }
  xor(a: bigint, b: bigint): bigint {
    return a ^ b;
  }
  shiftLeft(a: bigint, count: bigint): bigint {
    return u64(a << (count & 63n));
  }
  shiftRight(a: bigint, count: bigint): bigint {
    return a >> (count & 63n);
  }
  shiftRightSigned(a: bigint, count: bigint): bigint {
    return u64(i64(a) >> (count & 63n));
  }
  leadingZeros(a: bigint): bigint {
    return BigInt(a === 0n ? 64 : 64 - a.toString(2).length);
  }
  trailingZeros(a: bigint): bigint {
    return a === 0n ? 64n : 63n - this.leadingZeros(a & -a);
  }
  countOnes(a: bigint): bigint {
    return BigInt(a.toString(2).replaceAll('0', '').length);
  }
  cut(a: bigint, bytes: number): bigint {
    return BigInt.asUintN(bytes * 8, a);
  }
  signExtend(a: bigint, bytes: number): bigint {
    return u64(BigInt.asIntN(bytes * 8, a));
  }
  equal(a: bigint, b: bigint): bigint {
    return truth(a === b);
  }
  lessUnsigned(a: bigint, b: bigint): bigint {
    return truth(a < b);
  }
  lessSigned(a: bigint, b: bigint): bigint {
    return truth(i64(a) < i64(b));
  }
  select(condition: bigint, whenTrue: bigint, whenFalse: bigint): bigint {
    return condition === 1n ? whenTrue : whenFalse;
  }

  divide(high: bigint, low: bigint, divisor: bigint, bytes: number): Division<bigint> {
    const dividend = (high << BigInt(bytes * 8)) | low;
    if (divisor === 0n) return this.#leave(divideError);
    const quotient = dividend / divisor;
    if (this.cut(quotient, bytes) !== quotient) return this.#leave(divideError);
    return { quotient, remainder: dividend % divisor };
  }
  divideSigned(high: bigint, low: bigint, divisor: bigint, bytes: number): Division<bigint> {
    const width = bytes * 8;
    const dividend = (BigInt.asIntN(width, high) << BigInt(width)) | low;
    if (divisor === 0n) return this.#leave(divideError);
    const signedDivisor = BigInt.asIntN(width, divisor);
    const quotient = dividend / signedDivisor;
    if (BigInt.asIntN(width, quotient) !== quotient) return this.#leave(divideError);
    return { quotient: this.cut(quotient, bytes), remainder: this.cut(dividend % signedDivisor, bytes) };
  }

  register(number: number, bytes: number): bigint {
    return this.cut(this.#general(number), bytes);
  }
  setRegister(number: number, bytes: number, value: bigint): void {
    if (bytes < 4) {
      const mask = (1n << BigInt(bytes * 8)) - 1n;
      this.registers.general[number] = (this.#general(number) & ~mask) | (value & mask);
    } else this.registers.general[number] = this.cut(value, bytes);
  }
  highByte(number: number): bigint {
    return (this.#general(number) >> 8n) & 0xffn;
  }
  setHighByte(number: number, value: bigint): void {
    this.registers.general[number] = (this.#general(number) & ~0xff00n) | ((value & 0xffn) << 8n);
  }
  selector(segment: number): bigint {
    return BigInt(this.registers.selector[segment] ?? 0);
  }

  x87Opcode({ form, modrm }: Instruction): bigint {
    return BigInt(((form.byte & 7) << 8) | modrm);
  }

  effectiveAddress(i: Instruction, stackBias: number): bigint {
    let sum = (BigInt(i.displacementHigh) << 32n) | BigInt(i.displacementLow >>> 0);
    if (i.base === instructionPointer) sum += this.#next;
    else if (i.base >= 0) sum += this.#general(i.base);
    if (i.base === Register.RSP) sum += BigInt(stackBias);
    if (i.index >= 0) sum += this.#general(i.index) << BigInt(i.scale);
    return this.cut(sum, i.addressSize);
  }
  linearAddress(segment: number, offset: bigint): bigint {
    return this.cut(this.#segmentBase(segment) + offset, this.codeSize === 64 ? 8 : 4);
  }
  load(segment: number, offset: bigint, bytes: number): bigint {
    return this.#read(this.#linear(segment, offset, bytes), bytes, false);
  }
  loadForWrite(segment: number, offset: bigint, bytes: number): bigint {
    return this.#read(this.#linear(segment, offset, bytes), bytes, true);
  }
  store(segment: number, offset: bigint, bytes: number, value: bigint): void {
    this.#write(this.#linear(segment, offset, bytes), bytes, this.cut(value, bytes));
  }
  loadPairForWrite(segment: number, offset: bigint): Pair<bigint> {
    const linear = this.#vectorLinear(segment, offset, true);
    return { low: this.#read(linear, 8, true), high: this.#read(linear + 8n, 8, true) };
  }
  storePair(segment: number, offset: bigint, { low, high }: Pair<bigint>): void {
    this.store(segment, offset, 8, low);
    this.store(segment, offset + 8n, 8, high);
  }

  loadVector(segment: number, offset: bigint, aligned: boolean): bigint {
    const linear = this.#vectorLinear(segment, offset, aligned);
    return this.vectorOf(this.#read(linear, 8, false), this.#read(this.#second(linear), 8, false));
  }
  storeVector(segment: number, offset: bigint, aligned: boolean, value: bigint): void {
    const linear = this.#vectorLinear(segment, offset, aligned);
    const second = this.#second(linear);
    if (!aligned) {
      // The halves may be in two pages: both must be writable before either is written.
      this.#read(linear, 8, true);
      this.#read(second, 8, true);
    }
    this.#write(linear, 8, this.cut(value, 8));
    this.#write(second, 8, value >> 64n);
  }
  requireUnit(unit: Unit): void {
    const { undefinedWhen, unavailableWhen, reportsX87 } = unitRules[unit];
    const { restrictions } = this.registers;
    if ((restrictions & undefinedWhen) !== 0) this.#leave(invalidOpcode);
    if ((restrictions & unavailableWhen) !== 0) this.#leave(deviceNotAvailable);
    if (reportsX87 && this.x87ErrorPending()) this.#leave(x87Error);
  }
  float(operation: FloatLaneOperation, bytes: 4 | 8, count: number, a: bigint, b: bigint, control = 0n): bigint {
    this.passVector(0, a);
    this.passVector(1, b);
    const number = floatLaneOperations.indexOf(operation);
    this.call('floatLanes', [BigInt(number), BigInt(bytes), BigInt(count), control]);
    return this.passedVector(0);
  }
  convert(conversion: LaneConversion, count: number, a: bigint): bigint {
    this.passVector(0, a);
    this.call('convertLanes', [BigInt(laneConversions.indexOf(conversion)), BigInt(count)]);
    return this.passedVector(0);
  }
  compareFloats(bytes: 4 | 8, a: bigint, b: bigint, quiet: boolean): bigint {
    this.passVector(0, a);
    this.passVector(1, b);
    return this.call('compareLowLanes', [BigInt(bytes), truth(quiet)])[0] ?? 0n;
  }

  flag(flag: Flag): bigint {
    return BigInt((this.registers.rflags >> flag) & 1);
  }
  setFlag(flag: Flag, value: bigint): void {
    this.registers.rflags = (this.registers.rflags & ~(1 << flag)) | (Number(value) << flag);
  }
  setFlags(kind: FlagKind, bytes: number, result: bigint, a: bigint, b: bigint): void {
    this.registers.rflags = withFlags(this.registers.rflags, kind, bytes, result, a, b);
  }
  condition(code: number): bigint {
    return truth(conditionHolds(this.registers.rflags, code));
  }
  /** VM and RF read as zero (SDM 2B PUSHF). */
  flagsImage(): bigint {
    return BigInt(this.registers.rflags & 0xfcffff);
  }

  nextInstruction(): bigint {
    return this.#next;
  }
  checkTarget(target: bigint): void {
    if (this.codeSize === 64 && !isCanonical(target)) this.#leave(generalProtection);
  }
  jump(target: bigint): void {
    this.target = target;
  }
  relativeTarget({ low, high }: Operand, bytes: number): bigint {
    return this.cut(this.#next + ((BigInt(high) << 32n) | BigInt(low >>> 0)), bytes);
  }
  branch(condition: bigint, operand: Operand, bytes: number): void {
    if (condition === 0n) return;
    const target = this.relativeTarget(operand, bytes);
    this.checkTarget(target);
    this.target = target;
  }

  when(condition: bigint, body: () => void): void {
    if (condition === 1n) body();
  }
  loop(body: () => bigint): void {
    for (let times = 0; times < iterationsAtOnce; times++) {
      if (body() === 0n) return;
    }
    this.target = this.#address;
  }
  raise(exception: Exception): void {
    this.#leave(exception);
  }

  stop(kind: 'system-call' | 'halt'): void {
    this.stopped = { kind };
    throw leaving;
  }

  call(name: HelperName, values: readonly bigint[]): readonly bigint[] {
    const [a = 0n, b = 0n, c = 0n, d = 0n] = values;
    const outcome = helpers[name].run(this.#helperContext, a, b, c, d);
    const exception = exceptionOf(outcome);
    return exception === undefined ? (outcome as readonly bigint[]) : this.#leave(exception);
  }

  #general(number: number): bigint {
    const value = this.registers.general[number];
    if (value === undefined) throw new InvariantError(`no general register ${number}`);
    return value;
  }

  #read(linear: bigint, bytes: number, forWrite: boolean): bigint {
    const value = this.#memory.read(linear, bytes, forWrite);
    return typeof value === 'bigint' ? value : this.#leave(value);
  }

  #write(linear: bigint, bytes: number, value: bigint): void {
    const fault = this.#memory.write(linear, bytes, value);
    if (fault !== undefined) this.#leave(fault);
  }

  #vectorLinear(segment: number, offset: bigint, aligned: boolean): bigint {
    if (aligned && ((this.#segmentBase(segment) + offset) & 15n) !== 0n) this.#leave(generalProtection);
    return this.#linear(segment, offset, 16);
  }

  /** Where the second half of a vector is. */
  #second(linear: bigint): bigint {
    return this.cut(linear + 8n, this.codeSize === 64 ? 8 : 4);
  }

  /** SDM 3A 3.4.4: in 64-bit mode FS and GS only have one. */
  #segmentBase(segment: number): bigint {
    const based = this.codeSize !== 64 || segment === Segment.FS || segment === Segment.GS;
    return based ? (this.registers.segmentBase[segment] ?? 0n) : 0n;
  }

  /** Outside 64-bit mode limits and rights of segments are not checked. */
  #linear(segment: number, offset: bigint, bytes: number): bigint {
    const base = this.#segmentBase(segment);
    if (this.codeSize !== 64) return this.cut(base + offset, 4);
    const linear = u64(base + offset);
    if (!isCanonical(linear) || !isCanonical(u64(linear + BigInt(bytes - 1)))) {
      this.#leave(segment === Segment.SS ? stackFault : generalProtection);
    }
    return linear;
  }

  #leave(exception: Exception): never {
    this.stopped = { kind: 'exception', exception };
    throw leaving;
  }
}
