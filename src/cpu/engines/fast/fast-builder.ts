/**
 * The fast engine as a builder: semantics run once for each shape of instruction, and what they ask for becomes the code
 * of that shape's handler. Here is what depends on the instruction, goes to memory, or may leave the instruction.
 *
 * Jumps are noted, and emitted at the end of the handler: nothing that semantics do after them depends on them.
 */
import { InvariantError } from '../../../base/errors.ts';
import type { Builder, Division, Pair } from '../../builder.ts';
import { iterationsAtOnce } from '../../engine.ts';
import {
  deviceNotAvailable,
  divideError,
  type Exception,
  generalProtection,
  invalidOpcode,
  x87Error,
} from '../../exception.ts';
import { type HelperName, helpers } from '../../helpers/table.ts';
import { type Instruction, instructionPointer, type Operand, Repeat, Segment } from '../../instruction.ts';
import { RegisterOffset } from '../../registers.ts';
import { type Unit, unitRules } from '../../vector-builder.ts';
import { type AccessKind, emitLoad, emitStore } from './access-code.ts';
import { emitContinuation } from './continuation.ts';
import { Leave, Parameter, type Value } from './emitter.ts';
import { FloatBuilder } from './float-builder.ts';
import { loadOf, storeOf } from './integer-builder.ts';
import { Block, Rec, recordBytes } from './layout.ts';
import { type HostFunction, functionNumber } from './runtime-functions.ts';
import { Symbolic, operandField } from './symbols.ts';
import { VectorOp } from './vector-code.ts';
import type { VectorTables } from './vector-tables.ts';
import { Memory, Op, Type } from './wasm/code.ts';

/** Helpers by number. */
export const helperNames = Object.keys(helpers) as HelperName[];

/** `Block.detail` of stops. */
export const stopKinds = ['system-call', 'halt'] as const;

type Jump =
  | { readonly kind: 'computed'; readonly target: Value }
  | { readonly kind: 'relative'; readonly condition: Value; readonly operand: Operand; readonly bytes: number };

export interface FastBuilderParts {
  /** The instruction that stands for the shape: registers are symbols where they may differ. */
  readonly instruction: Instruction;
  readonly stackBytes: 2 | 4 | 8;
  readonly tables: VectorTables;
  /** The number under which an exception is known. */
  readonly exceptionNumber: (exception: Exception) => number;
}

export class FastBuilder extends FloatBuilder implements Builder<Value> {
  readonly stackBytes: 2 | 4 | 8;
  readonly #instruction: Instruction;
  readonly #exceptionNumber: (exception: Exception) => number;
  #jump: Jump | undefined;
  /** Holds by how much the record advances at the end; only repeated instructions have it. */
  readonly #advance: number | undefined;

  constructor({ instruction, stackBytes, tables, exceptionNumber }: FastBuilderParts) {
    super(tables);
    this.#instruction = instruction;
    this.stackBytes = stackBytes;
    this.#exceptionNumber = exceptionNumber;
    if (instruction.repeat === Repeat.none) return;
    this.#advance = this.emitter.fresh(Type.i32);
    this.emitter.code.i32(recordBytes).set(this.#advance);
  }

  immediate(operand: Operand): Value {
    this.emitter.field(Memory.i64Load, operandField(this.#placeOf(operand)));
    return this.emitter.integer();
  }
  selector(segment: number): Value {
    this.pushRegister(segment, Memory.i64Load16, 0, { offset: RegisterOffset.selector, bytes: 2 });
    return this.emitter.integer();
  }
  x87Opcode(_instruction: Instruction): Value {
    this.emitter.field(Memory.i64Load32, Rec.x87Opcode);
    return this.emitter.integer();
  }

  divide(high: Value, low: Value, divisor: Value, bytes: number): Division<Value> {
    this.when(this.equal(divisor, this.constant(0n)), () => this.raise(divideError));
    if (bytes === 8) return this.#divideWide(high, low, divisor, false);
    const dividend = this.or(this.shiftLeft(high, this.constant(BigInt(bytes * 8))), low);
    const quotient = this.#divided(Op.i64Divide, dividend, divisor);
    this.when(this.lessUnsigned(this.constant((1n << BigInt(bytes * 8)) - 1n), quotient), () =>
      this.raise(divideError),
    );
    return { quotient, remainder: this.#divided(Op.i64Remainder, dividend, divisor) };
  }
  divideSigned(high: Value, low: Value, divisor: Value, bytes: number): Division<Value> {
    this.when(this.equal(divisor, this.constant(0n)), () => this.raise(divideError));
    if (bytes === 8) return this.#divideWide(high, low, divisor, true);
    const signedDivisor = this.signExtend(divisor, bytes);
    const dividend = this.signExtend(this.or(this.shiftLeft(high, this.constant(BigInt(bytes * 8))), low), bytes * 2);
    if (bytes === 4) {
      const lowest = this.equal(dividend, this.constant(1n << 63n));
      const both = this.and(lowest, this.equal(signedDivisor, this.constant(-1n)));
      this.when(both, () => this.raise(divideError));
    }
    const quotient = this.#divided(Op.i64DivideSigned, dividend, signedDivisor);
    const fits = this.equal(this.signExtend(quotient, bytes), quotient);
    this.when(this.equal(fits, this.constant(0n)), () => this.raise(divideError));
    const remainder = this.#divided(Op.i64RemainderSigned, dividend, signedDivisor);
    return { quotient: this.cut(quotient, bytes), remainder: this.cut(remainder, bytes) };
  }

  effectiveAddress(i: Instruction, stackBias: number): Value {
    const { emitter } = this;
    const { code } = emitter;
    emitter.field(Memory.i64Load, Rec.displacement);
    if (i.base === instructionPointer) emitter.load(Memory.i64Load, Block.page).op(Op.i64Add);
    else if (i.base >= 0) {
      this.pushRegister(Symbolic.base, Memory.i64Load, 0);
      code.op(Op.i64Add);
    }
    if (i.index >= 0) {
      this.pushRegister(Symbolic.index, Memory.i64Load, 0);
      emitter.field(Memory.i64Load8, Rec.scale).ops(Op.i64ShiftLeft, Op.i64Add);
    }
    // A bias is in the displacement of the record already (record.ts).
    if (stackBias !== 0 && i.form.operation !== 'POP') throw new InvariantError('only POP addresses with a bias');
    return this.cut(emitter.integer(), i.addressSize);
  }

  linearAddress(segment: number, offset: Value): Value {
    this.emitter.code.get(this.#linear(segment, offset));
    return this.emitter.integer();
  }
  load(segment: number, offset: Value, bytes: number): Value {
    return this.#load(segment, offset, bytes, false);
  }
  loadForWrite(segment: number, offset: Value, bytes: number): Value {
    return this.#load(segment, offset, bytes, true);
  }
  store(segment: number, offset: Value, bytes: number, value: Value): void {
    const linear = this.#linear(segment, offset);
    const { emitter } = this;
    emitStore(emitter, linear, this.#access(segment, bytes, true), {
      exchange: () => emitter.store(Memory.i64Store, Block.exchange + 8, () => emitter.push(value)),
      store: () => emitter.push(value).memory(storeOf(bytes), 0),
    });
  }
  loadPairForWrite(segment: number, offset: Value): Pair<Value> {
    this.#requireAligned(this.#linear(segment, offset));
    const low = this.loadForWrite(segment, offset, 8);
    return { low, high: this.loadForWrite(segment, this.add(offset, this.constant(8n)), 8) };
  }
  storePair(segment: number, offset: Value, { low, high }: Pair<Value>): void {
    this.store(segment, offset, 8, low);
    this.store(segment, this.add(offset, this.constant(8n)), 8, high);
  }

  loadVector(segment: number, offset: Value, aligned: boolean): Value {
    const linear = this.#linear(segment, offset);
    if (aligned) this.#requireAligned(linear);
    const host = emitLoad(this.emitter, linear, { ...this.#access(segment, 16, false), count: 2 });
    this.emitter.code.get(host).vectorMemory(VectorOp.load, 0);
    return this.emitter.vector();
  }
  storeVector(segment: number, offset: Value, aligned: boolean, value: Value): void {
    const linear = this.#linear(segment, offset);
    if (aligned) this.#requireAligned(linear);
    const { emitter } = this;
    // An unaligned one asks for the rights of both halves first.
    emitStore(
      emitter,
      linear,
      { ...this.#access(segment, 16, true), count: aligned ? 2 : 4 },
      {
        exchange: () => {
          emitter.code.get(Parameter.block);
          emitter.pushVector(value).vectorMemory(VectorOp.store, Block.exchange + 8);
        },
        store: () => emitter.pushVector(value).vectorMemory(VectorOp.store, 0),
      },
    );
  }

  requireUnit(unit: Unit): void {
    const { emitter } = this;
    const { undefinedWhen, unavailableWhen, reportsX87 } = unitRules[unit];
    emitter.load(Memory.i32Load, RegisterOffset.restrictions);
    emitter.code
      .i32(undefinedWhen | unavailableWhen)
      .op(Op.i32And)
      .if();
    this.conditionally(() => {
      this.#whenRestricted(undefinedWhen, invalidOpcode);
      this.#whenRestricted(unavailableWhen, deviceNotAvailable);
    });
    emitter.code.end();
    if (!reportsX87) return;
    emitter
      .load(Memory.i32Load16, RegisterOffset.x87Control + 2)
      .i32(0x80)
      .op(Op.i32And)
      .if();
    this.raise(x87Error);
    emitter.code.end();
  }

  nextInstruction(): Value {
    this.emitter.load(Memory.i64Load, Block.page);
    this.emitter.field(Memory.i64Load16, Rec.end).op(Op.i64Add);
    const { codeSize } = this.#instruction;
    return this.cut(this.emitter.integer(), codeSize / 8);
  }
  relativeTarget(operand: Operand, bytes: number): Value {
    this.emitter.load(Memory.i64Load, Block.page);
    this.emitter.field(Memory.i64Load, operandField(this.#placeOf(operand))).op(Op.i64Add);
    return this.cut(this.emitter.integer(), bytes);
  }
  checkTarget(target: Value): void {
    if (this.#instruction.codeSize !== 64) return;
    const sixteen = this.constant(16n);
    const canonical = this.shiftRightSigned(this.shiftLeft(target, sixteen), sixteen);
    const fits = this.equal(canonical, target);
    this.when(this.equal(fits, this.constant(0n)), () => this.raise(generalProtection));
  }
  jump(target: Value): void {
    this.#jumpBy({ kind: 'computed', target });
  }
  branch(condition: Value, operand: Operand, bytes: number): void {
    this.#jumpBy({ kind: 'relative', condition, operand, bytes });
  }

  when(condition: Value, body: () => void): void {
    this.emitter.pushLow(condition).if();
    this.conditionally(body);
    this.emitter.code.end();
  }
  loop(body: () => Value): void {
    const { emitter } = this;
    const { code } = emitter;
    const left = emitter.fresh(Type.i32);
    if (this.#advance === undefined) throw new InvariantError('a loop in an instruction that does not repeat');
    code.i32(iterationsAtOnce).set(left).block().loop();
    this.conditionally(() => {
      emitter.pushLow(body()).op(Op.i32Eqz).branchIf(1);
    });
    code.get(left).i32(1).op(Op.i32Subtract).tee(left).branchIf(0).end();
    // As many as at once: the instruction goes on later.
    code.i32(0).set(this.#advance).end();
  }
  raise(exception: Exception): void {
    const number = this.#exceptionNumber(exception);
    this.emitter.store(Memory.i32Store, Block.detail, () => this.emitter.code.i32(number));
    this.emitter.leave(Leave.exception);
  }
  stop(kind: 'system-call' | 'halt'): void {
    this.emitter.store(Memory.i32Store, Block.detail, () => this.emitter.code.i32(stopKinds.indexOf(kind)));
    this.emitter.countInstruction();
    this.emitter.leave(Leave.stop);
  }

  call(name: HelperName, values: readonly Value[]): readonly Value[] {
    const { emitter } = this;
    for (const [at, value] of values.entries()) {
      emitter.store(Memory.i64Store, Block.exchange + 8 * at, () => emitter.push(value));
    }
    emitter.code.get(Parameter.block).call(functionNumber('flagsToRegister'));
    this.#callHost('help', helperNames.indexOf(name));
    emitter.code.get(Parameter.block).call(functionNumber('flagsFromRegister'));
    return Array.from({ length: helpers[name].results }, (_, at) => {
      emitter.load(Memory.i64Load, Block.exchange + 8 * at);
      return emitter.integer();
    });
  }

  /** The end of the handler: on to the next record, or to where the jump goes. */
  finish(): void {
    const { code } = this.emitter;
    const jump = this.#jump;
    if (jump === undefined) this.#goOn();
    else if (jump.kind === 'computed') this.#goTo(jump.target);
    else {
      this.emitter.pushLow(jump.condition).if();
      this.conditionally(() => this.#goRelative(jump.operand, jump.bytes));
      code.else();
      this.#goOn();
      code.end();
    }
  }

  #goOn(): void {
    const { code } = this.emitter;
    code.get(Parameter.record);
    if (this.#advance === undefined) code.i32(recordBytes);
    else code.get(this.#advance);
    code.op(Op.i32Add).set(Parameter.record);
    this.emitter.countInstruction();
  }

  /** By the link, if the target is in the page and known. */
  #goRelative(operand: Operand, bytes: number): void {
    const { code } = this.emitter;
    const link = this.emitter.fresh(Type.i32);
    this.emitter.field(Memory.i32Load, Rec.link).tee(link).if();
    code.get(link).set(Parameter.record);
    this.emitter.countInstruction();
    code.else();
    const target = this.relativeTarget(operand, bytes);
    this.checkTarget(target);
    this.#goTo(target);
    code.end();
  }

  #goTo(target: Value): void {
    this.emitter.store(Memory.i64Store, RegisterOffset.rip, () => this.emitter.push(target));
    this.emitter.countInstruction();
    emitContinuation(this.emitter);
  }

  #jumpBy(jump: Jump): void {
    if (this.#jump !== undefined) throw new InvariantError('two jumps in one instruction');
    this.#jump = jump;
  }

  #placeOf(operand: Operand): number {
    const place = this.#instruction.operands.indexOf(operand);
    if (place < 0) throw new InvariantError('an operand of another instruction');
    return place;
  }

  #divided(op: Op, dividend: Value, divisor: Value): Value {
    this.emitter.push(dividend);
    this.emitter.push(divisor).op(op);
    return this.emitter.integer();
  }

  #divideWide(high: Value, low: Value, divisor: Value, signed: boolean): Division<Value> {
    const { emitter } = this;
    for (const [at, value] of [high, low, divisor].entries()) {
      emitter.store(Memory.i64Store, Block.exchange + 8 * at, () => emitter.push(value));
    }
    this.#callHost('divide', signed ? 1 : 0);
    emitter.load(Memory.i64Load, Block.exchange);
    const quotient = emitter.integer();
    emitter.load(Memory.i64Load, Block.exchange + 8);
    return { quotient, remainder: emitter.integer() };
  }

  /** Calls a function of ours; the handler returns when it gives 0. */
  #callHost(name: HostFunction, what: number): void {
    const { code } = this.emitter;
    this.emitter.savePlace();
    code.get(Parameter.block).i32(what).call(functionNumber(name)).op(Op.i32Eqz);
    code.if().i32(Leave.exception).op(Op.return).end();
    this.emitter.reloadRemaining();
  }

  #whenRestricted(mask: number, exception: Exception): void {
    this.emitter.load(Memory.i32Load, RegisterOffset.restrictions).i32(mask).op(Op.i32And).if();
    this.raise(exception);
    this.emitter.code.end();
  }

  #requireAligned(linear: number): void {
    const { code } = this.emitter;
    code.get(linear).op(Op.i32Wrap).i32(15).op(Op.i32And).if();
    this.raise(generalProtection);
    code.end();
  }

  #access(segment: number, bytes: number, write: boolean): AccessKind {
    return { bytes, write, stack: segment === Segment.SS, count: 1 };
  }

  #load(segment: number, offset: Value, bytes: number, write: boolean): Value {
    const host = emitLoad(this.emitter, this.#linear(segment, offset), this.#access(segment, bytes, write));
    this.emitter.code.get(host).memory(loadOf(bytes), 0);
    return this.emitter.integer();
  }

  /** A local with the linear address; in 64-bit mode only FS and GS have a base (SDM 3A 3.4.4). */
  #linear(segment: number, offset: Value): number {
    const { emitter } = this;
    const long = this.#instruction.codeSize === 64;
    if (long && segment !== Symbolic.segment) return emitter.local(offset);
    this.pushRegister(segment, Memory.i64Load, 0, { offset: RegisterOffset.segmentBase, bytes: 8 });
    emitter.push(offset).op(Op.i64Add);
    return emitter.local(this.cut(emitter.integer(), long ? 8 : 4));
  }
}
