/** Integers, general registers and status flags in generated code: the part of the fast engine's builder that cannot leave. */
import type { Flag, FlagKind } from '../../flags.ts';
import { RegisterOffset } from '../../registers.ts';
import { Emitter, Parameter, type Value } from './emitter.ts';
import { pushCondition, pushFlag, setFlag, setFlags } from './flag-code.ts';
import { functionNumber } from './runtime-functions.ts';
import { fieldOf, isSymbol } from './symbols.ts';
import { type Code, Memory, Op, Type } from './wasm/code.ts';

const loads = { 1: Memory.i64Load8, 2: Memory.i64Load16, 4: Memory.i64Load32, 8: Memory.i64Load } as const;
const stores = { 1: Memory.i64Store8, 2: Memory.i64Store16, 4: Memory.i64Store32, 8: Memory.i64Store } as const;

export function loadOf(bytes: number): Memory {
  return loads[bytes as keyof typeof loads];
}

export function storeOf(bytes: number): Memory {
  return stores[bytes as keyof typeof stores];
}

/** Where a register file lies in the block, and how far its registers are apart. */
export interface RegisterFilePlace {
  readonly offset: number;
  readonly bytes: number;
}

const generalFile: RegisterFilePlace = { offset: RegisterOffset.general, bytes: 8 };

/** Whether the value is known to be 0 or 1. */
function isTruth(value: Value): boolean {
  return value.kind === 'local' ? value.type === 'truth' : value.value === 0n || value.value === 1n;
}

export class IntegerBuilder {
  readonly emitter = new Emitter();
  /** Locals that hold the addresses of registers, by symbol. */
  #addresses = new Map<number, number>();

  constant(value: bigint): Value {
    return { kind: 'constant', value: BigInt.asUintN(64, value) };
  }

  add(a: Value, b: Value): Value {
    return this.#binary(Op.i64Add, a, b);
  }
  subtract(a: Value, b: Value): Value {
    return this.#binary(Op.i64Subtract, a, b);
  }
  multiply(a: Value, b: Value): Value {
    return this.#binary(Op.i64Multiply, a, b);
  }
  multiplyHigh(a: Value, b: Value): Value {
    this.emitter.push(a);
    this.emitter.push(b).call(functionNumber('multiplyHigh'));
    return this.emitter.integer();
  }
  /** As unsigned, less each operand where the other is negative. */
  multiplyHighSigned(a: Value, b: Value): Value {
    const sign = this.constant(63n);
    const correction = this.add(
      this.and(b, this.shiftRightSigned(a, sign)),
      this.and(a, this.shiftRightSigned(b, sign)),
    );
    return this.subtract(this.multiplyHigh(a, b), correction);
  }
  and(a: Value, b: Value): Value {
    return this.#logic(Op.i64And, Op.i32And, a, b);
  }
  or(a: Value, b: Value): Value {
    return this.#logic(Op.i64Or, Op.i32Or, a, b);
  }
  xor(a: Value, b: Value): Value {
    return this.#logic(Op.i64Xor, Op.i32Xor, a, b);
  }
  shiftLeft(a: Value, count: Value): Value {
    return this.#binary(Op.i64ShiftLeft, a, count);
  }
  shiftRight(a: Value, count: Value): Value {
    return this.#binary(Op.i64ShiftRight, a, count);
  }
  shiftRightSigned(a: Value, count: Value): Value {
    return this.#binary(Op.i64ShiftRightSigned, a, count);
  }
  leadingZeros(a: Value): Value {
    return this.#unary(Op.i64LeadingZeros, a);
  }
  trailingZeros(a: Value): Value {
    return this.#unary(Op.i64TrailingZeros, a);
  }
  countOnes(a: Value): Value {
    return this.#unary(Op.i64CountOnes, a);
  }

  cut(a: Value, bytes: number): Value {
    if (bytes === 8 || isTruth(a)) return a;
    if (a.kind === 'constant') return this.constant(BigInt.asUintN(bytes * 8, a.value));
    if (bytes === 4) {
      this.emitter.push(a).ops(Op.i32Wrap, Op.i64Extend);
      return this.emitter.integer();
    }
    return this.and(a, this.constant((1n << BigInt(bytes * 8)) - 1n));
  }
  signExtend(a: Value, bytes: number): Value {
    if (bytes === 8) return a;
    if (a.kind === 'constant') return this.constant(BigInt.asIntN(bytes * 8, a.value));
    return this.#unary(bytes === 4 ? Op.i64Extend32 : bytes === 2 ? Op.i64Extend16 : Op.i64Extend8, a);
  }

  equal(a: Value, b: Value): Value {
    const zero = b.kind === 'constant' && b.value === 0n;
    if (zero && isTruth(a)) {
      this.emitter.pushLow(a).op(Op.i32Eqz);
      return this.emitter.truth();
    }
    this.emitter.push(a);
    if (zero) this.emitter.code.op(Op.i64Eqz);
    else this.emitter.push(b).op(Op.i64Eq);
    return this.emitter.truth();
  }
  lessUnsigned(a: Value, b: Value): Value {
    return this.#comparison(Op.i64LessUnsigned, a, b);
  }
  lessSigned(a: Value, b: Value): Value {
    return this.#comparison(Op.i64LessSigned, a, b);
  }
  select(condition: Value, whenTrue: Value, whenFalse: Value): Value {
    const { emitter } = this;
    const vectors = whenTrue.kind === 'local' && whenTrue.type === 'vector';
    if (vectors) {
      emitter.pushVector(whenTrue);
      emitter.pushVector(whenFalse);
    } else {
      emitter.push(whenTrue);
      emitter.push(whenFalse);
    }
    emitter.pushLow(condition).op(Op.select);
    return vectors ? emitter.vector() : emitter.integer();
  }

  register(number: number, bytes: number): Value {
    this.pushRegister(number, loadOf(bytes), 0);
    return this.emitter.integer();
  }
  setRegister(number: number, bytes: number, value: Value): void {
    const whole = bytes < 4 ? value : this.cut(value, bytes);
    this.storeRegister(number, storeOf(bytes < 4 ? bytes : 8), 0, () => this.emitter.push(whole));
  }
  highByte(number: number): Value {
    this.pushRegister(number, Memory.i64Load8, 1);
    return this.emitter.integer();
  }
  setHighByte(number: number, value: Value): void {
    this.storeRegister(number, Memory.i64Store8, 1, () => this.emitter.push(value));
  }

  flag(flag: Flag): Value {
    pushFlag(this.emitter, flag);
    return this.emitter.truth();
  }
  setFlag(flag: Flag, value: Value): void {
    setFlag(this.emitter, flag, value);
  }
  setFlags(kind: FlagKind, bytes: number, result: Value, a: Value, b: Value): void {
    setFlags(this.emitter, kind, { bytes, result, a, b });
  }
  condition(code: number): Value {
    pushCondition(this.emitter, code);
    return this.emitter.truth();
  }
  /** VM and RF read as zero (SDM 2B PUSHF). */
  flagsImage(): Value {
    this.emitter.code.get(Parameter.block).call(functionNumber('flagsToRegister'));
    this.emitter.load(Memory.i64Load32, RegisterOffset.rflags).i64(0xfc_ffffn).op(Op.i64And);
    return this.emitter.integer();
  }

  /** Loads from byte `at` of a register, given by its number in a file or by a symbol. */
  protected pushRegister(number: number, op: Memory, at: number, file = generalFile): void {
    this.pushPlace(number).memory(op, at + this.offsetOf(number, file));
  }

  protected storeRegister(number: number, op: Memory, at: number, value: () => void, file = generalFile): void {
    const code = this.pushPlace(number);
    value();
    code.memory(op, at + this.offsetOf(number, file));
  }

  /** Puts on the stack what the offset of a register counts from. */
  protected pushPlace(number: number): Code {
    return this.emitter.code.get(isSymbol(number) ? this.registerAddress(number) : Parameter.block);
  }

  protected offsetOf(number: number, { offset, bytes }: RegisterFilePlace): number {
    return isSymbol(number) ? 0 : offset + bytes * number;
  }

  /** A local with the address of the register that a symbol stands for. */
  protected registerAddress(symbol: number): number {
    const known = this.#addresses.get(symbol);
    if (known !== undefined) return known;
    const { op, offset } = fieldOf(symbol);
    const local = this.emitter.fresh(Type.i32);
    this.emitter.field(op, offset).get(Parameter.block).op(Op.i32Add).set(local);
    this.#addresses.set(symbol, local);
    return local;
  }

  /** Code that may not run: what it has put into locals is not known afterwards. */
  protected conditionally(body: () => void): void {
    const before = new Map(this.#addresses);
    body();
    this.#addresses = before;
  }

  #unary(op: Op, a: Value): Value {
    this.emitter.push(a).op(op);
    return this.emitter.integer();
  }

  #binary(op: Op, a: Value, b: Value): Value {
    this.emitter.push(a);
    this.emitter.push(b).op(op);
    return this.emitter.integer();
  }

  #logic(wide: Op, narrow: Op, a: Value, b: Value): Value {
    if (!isTruth(a) || !isTruth(b)) return this.#binary(wide, a, b);
    this.emitter.pushLow(a);
    this.emitter.pushLow(b).op(narrow);
    return this.emitter.truth();
  }

  #comparison(op: Op, a: Value, b: Value): Value {
    this.emitter.push(a);
    this.emitter.push(b).op(op);
    return this.emitter.truth();
  }
}
