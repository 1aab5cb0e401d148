/**
 * A WebAssembly function body in the making: a stack of bytes with one method for each shape of instruction
 * (WebAssembly Core Specification 2.0, 5.4). It checks nothing: the engine that compiles the module does.
 */
import { InvariantError } from '../../../../base/errors.ts';

/** Value types (5.3.1). */
export const Type = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b } as const;
export type Type = (typeof Type)[keyof typeof Type];

/** Instructions without immediates (5.4.5). */
export const Op = {
  unreachable: 0x00,
  return: 0x0f,
  drop: 0x1a,
  select: 0x1b,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32Ne: 0x47,
  i32GreaterUnsigned: 0x4b,
  i64Eqz: 0x50,
  i64Eq: 0x51,
  i64Ne: 0x52,
  i64LessSigned: 0x53,
  i64LessUnsigned: 0x54,
  i64GreaterUnsigned: 0x56,
  i32Add: 0x6a,
  i32Subtract: 0x6b,
  i32And: 0x71,
  i32Or: 0x72,
  i32Xor: 0x73,
  i32ShiftLeft: 0x74,
  i32ShiftRight: 0x76,
  i64LeadingZeros: 0x79,
  i64TrailingZeros: 0x7a,
  i64CountOnes: 0x7b,
  i64Add: 0x7c,
  i64Subtract: 0x7d,
  i64Multiply: 0x7e,
  i64DivideSigned: 0x7f,
  i64Divide: 0x80,
  i64RemainderSigned: 0x81,
  i64Remainder: 0x82,
  i64And: 0x83,
  i64Or: 0x84,
  i64Xor: 0x85,
  i64ShiftLeft: 0x86,
  i64ShiftRightSigned: 0x87,
  i64ShiftRight: 0x88,
  f64Add: 0xa0,
  i32Wrap: 0xa7,
  i64Extend: 0xad,
  f64ConvertSigned32: 0xb7,
  i64Extend8: 0xc2,
  i64Extend16: 0xc3,
  i64Extend32: 0xc4,
} as const;
export type Op = (typeof Op)[keyof typeof Op];

/** Loads and stores, which have an offset (5.4.6); narrow ones extend with zeros, or cut. */
export const Memory = {
  i32Load: 0x28,
  i64Load: 0x29,
  f64Load: 0x2b,
  i32Load8: 0x2d,
  i32Load16: 0x2f,
  i64Load8: 0x31,
  i64Load16: 0x33,
  i64Load32: 0x35,
  i32Store: 0x36,
  i64Store: 0x37,
  f64Store: 0x39,
  i32Store16: 0x3b,
  i64Store8: 0x3c,
  i64Store16: 0x3d,
  i64Store32: 0x3e,
} as const;
export type Memory = (typeof Memory)[keyof typeof Memory];

/** What a block leaves on the stack. */
export type BlockType = Type | 'nothing';

const emptyBlock = 0x40;
const vectorPrefix = 0xfd;

export class Code {
  #buffer = new Uint8Array(64);
  #length = 0;

  /** What was written until now. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  op(op: Op): this {
    return this.#put(op);
  }

  ops(...ops: readonly Op[]): this {
    for (const op of ops) this.#put(op);
    return this;
  }

  /** A memory instruction; alignment is a hint only, so none is given. */
  memory(op: Memory, offset: number): this {
    return this.#put(op).#put(0).unsigned(offset);
  }

  /** A vector instruction by its number (5.4.8). */
  vector(op: number): this {
    return this.#put(vectorPrefix).unsigned(op);
  }

  vectorMemory(op: number, offset: number): this {
    return this.vector(op).#put(0).unsigned(offset);
  }

  /** Lane numbers and other bytes that follow a vector instruction. */
  immediates(bytes: readonly number[]): this {
    return this.append(bytes);
  }

  get(local: number): this {
    return this.#put(0x20).unsigned(local);
  }

  set(local: number): this {
    return this.#put(0x21).unsigned(local);
  }

  tee(local: number): this {
    return this.#put(0x22).unsigned(local);
  }

  i32(value: number): this {
    return this.#put(0x41).signed(BigInt.asIntN(32, BigInt(value)));
  }

  /** Taken modulo 2^64. */
  i64(value: bigint): this {
    return this.#put(0x42).signed(BigInt.asIntN(64, value));
  }

  call(index: number): this {
    return this.#put(0x10).unsigned(index);
  }

  /** Through table 0. */
  callIndirect(type: number): this {
    return this.#put(0x11).unsigned(type).#put(0);
  }

  block(type: BlockType = 'nothing'): this {
    return this.#structured(0x02, type);
  }

  loop(): this {
    return this.#structured(0x03, 'nothing');
  }

  if(type: BlockType = 'nothing'): this {
    return this.#structured(0x04, type);
  }

  else(): this {
    return this.#put(0x05);
  }

  end(): this {
    return this.#put(0x0b);
  }

  branch(depth: number): this {
    return this.#put(0x0c).unsigned(depth);
  }

  branchIf(depth: number): this {
    return this.#put(0x0d).unsigned(depth);
  }

  branchTable(depths: readonly number[], otherwise: number): this {
    this.#put(0x0e).unsigned(depths.length);
    for (const depth of depths) this.unsigned(depth);
    return this.unsigned(otherwise);
  }

  append(bytes: ArrayLike<number>): this {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** LEB128 (5.2.2). */
  unsigned(value: number): this {
    if (value < 0 || value >= 2 ** 32) throw new InvariantError(`not an unsigned 32-bit number: ${value}`);
    let rest = value;
    do {
      const low = rest & 0x7f;
      rest >>>= 7;
      this.#put(rest === 0 ? low : low | 0x80);
    } while (rest !== 0);
    return this;
  }

  private signed(value: bigint): this {
    let rest = value;
    for (;;) {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      const last = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0);
      this.#put(last ? low : low | 0x80);
      if (last) return this;
    }
  }

  #structured(opcode: number, type: BlockType): this {
    return this.#put(opcode).#put(type === 'nothing' ? emptyBlock : type);
  }

  #put(byte: number): this {
    if (this.#length === this.#buffer.length) this.#reserve(1);
    this.#buffer[this.#length++] = byte;
    return this;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
    larger.set(this.bytes);
    this.#buffer = larger;
  }
}
