/**
 * Code of one handler in the making: values that semantics pass around, and the locals that hold them.
 *
 * A handler has three parameters: the address of the processor's block, the record of its instruction, and the number of
 * instructions that may still be begun. Locals after them have types that repeat, so that one handler's code fits into a
 * function with others. Every value is computed once, into a local of its own; the host's compiler makes registers of them.
 */
import { InvariantError } from '../../../base/errors.ts';
import { Block } from './layout.ts';
import { Code, Memory, Op, Type } from './wasm/code.ts';

/** The parameters. */
export const Parameter = { block: 0, record: 1, remaining: 2 } as const;
const firstLocal = 3;

const localPattern: readonly Type[] = [Type.i64, Type.i64, Type.i64, Type.i32, Type.i64, Type.f64, Type.i32, Type.v128];

/** The types of so many locals. */
export function localTypes(count: number): Type[] {
  return Array.from({ length: count }, (_, at) => localPattern[at % localPattern.length] ?? Type.i64);
}

/** Why generated code returns. */
export const Leave = {
  /** It does not: only handlers that are functions of their own return this, to be followed by the next one. */
  goOn: 0,
  /** `Block.remaining` is 0; `Block.record` is where to go on. */
  budget: 1,
  /** RIP says where to go on; nothing is known of the code there, or nothing may be begun any more. */
  target: 2,
  /** `Block.detail` says which exception the instruction at `Block.record` raises. */
  exception: 3,
  /** The instruction at `Block.record` is done, and `Block.detail` says what it asks for. */
  stop: 4,
} as const;
export type Leave = (typeof Leave)[keyof typeof Leave];

/** What semantics see as V. A truth is 0 or 1. */
export type Value =
  | { readonly kind: 'constant'; readonly value: bigint }
  | { readonly kind: 'local'; readonly local: number; readonly type: 'integer' | 'truth' | 'vector' };

type LocalValue = Extract<Value, { kind: 'local' }>;

export class Emitter {
  readonly code = new Code();
  /** For each type, the next local of the pattern that may be free. */
  readonly #next = new Map<Type, number>();
  #locals = 0;

  /** How many locals are in use. */
  get locals(): number {
    return this.#locals;
  }

  /** A local that holds nothing yet. */
  fresh(type: Type): number {
    let at = this.#next.get(type) ?? 0;
    while (localPattern[at % localPattern.length] !== type) at++;
    this.#next.set(type, at + 1);
    this.#locals = Math.max(this.#locals, at + 1);
    return firstLocal + at;
  }

  /** Takes the 64-bit integer on the stack. */
  integer(): LocalValue {
    const local = this.fresh(Type.i64);
    this.code.set(local);
    return { kind: 'local', local, type: 'integer' };
  }

  /** Takes the 0 or 1 of 32 bits on the stack. */
  truth(): LocalValue {
    const local = this.fresh(Type.i32);
    this.code.set(local);
    return { kind: 'local', local, type: 'truth' };
  }

  /** Takes the vector on the stack. */
  vector(): LocalValue {
    const local = this.fresh(Type.v128);
    this.code.set(local);
    return { kind: 'local', local, type: 'vector' };
  }

  /** Puts an integer on the stack, 64 bits. */
  push(value: Value): Code {
    if (value.kind === 'constant') return this.code.i64(value.value);
    this.code.get(value.local);
    if (value.type === 'vector') throw new InvariantError('a vector is no integer');
    return value.type === 'truth' ? this.code.op(Op.i64Extend) : this.code;
  }

  /** Puts the low 32 bits of an integer on the stack. */
  pushLow(value: Value): Code {
    if (value.kind === 'constant') return this.code.i32(Number(BigInt.asIntN(32, value.value)));
    this.code.get(value.local);
    if (value.type === 'vector') throw new InvariantError('a vector is no integer');
    return value.type === 'truth' ? this.code : this.code.op(Op.i32Wrap);
  }

  pushVector(value: Value): Code {
    if (value.kind === 'constant' || value.type !== 'vector') throw new InvariantError('an integer is no vector');
    return this.code.get(value.local);
  }

  /** The value in a local of 64 bits. */
  local(value: Value): number {
    if (value.kind === 'local' && value.type === 'integer') return value.local;
    this.push(value);
    return this.integer().local;
  }

  /** Puts a word of the processor's block on the stack. */
  load(op: Memory, offset: number): Code {
    return this.code.get(Parameter.block).memory(op, offset);
  }

  /** Stores what `value` puts on the stack into the processor's block. */
  store(op: Memory, offset: number, value: () => void): Code {
    this.code.get(Parameter.block);
    value();
    return this.code.memory(op, offset);
  }

  /** Puts a field of the instruction's record on the stack. */
  field(op: Memory, offset: number): Code {
    return this.code.get(Parameter.record).memory(op, offset);
  }

  /** Tells those outside where execution stands. */
  savePlace(): void {
    this.store(Memory.i32Store, Block.record, () => this.code.get(Parameter.record));
    this.store(Memory.i32Store, Block.remaining, () => this.code.get(Parameter.remaining));
  }

  /** After a call that may have ended this run: how many instructions may still be begun. */
  reloadRemaining(): void {
    this.load(Memory.i32Load, Block.remaining).set(Parameter.remaining);
  }

  countInstruction(): void {
    this.code.get(Parameter.remaining).i32(1).op(Op.i32Subtract).set(Parameter.remaining);
  }

  leave(why: Leave): void {
    this.savePlace();
    this.code.i32(why).op(Op.return);
  }
}
