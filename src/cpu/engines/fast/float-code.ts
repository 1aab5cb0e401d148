/**
 * Pieces of generated floating-point code (WebAssembly Core Specification 2.0, 5.4.8): instruction numbers by format, what
 * has to hold of lanes for the host's arithmetic to be the guest's, and whether a result is exact.
 */
import { VectorOp } from './vector-code.ts';
import { Code, Op, Type } from './wasm/code.ts';

/** Instruction numbers of lanes of 4 bytes, and of 8. */
const numbers = {
  equal: [65, 71],
  less: [67, 73],
  lessOrEqual: [69, 75],
  greaterOrEqual: [70, 76],
  absolute: [224, 236],
  squareRoot: [227, 239],
  add: [228, 240],
  subtract: [229, 241],
  multiply: [230, 242],
  divide: [231, 243],
  /** The second operand if it is less, or the first is less; else the first. */
  pseudoMinimum: [234, 246],
  pseudoMaximum: [235, 247],
  ceiling: [103, 116],
  floor: [104, 117],
  truncate: [105, 122],
  nearest: [106, 148],
  /** Sign bits of lanes. */
  signs: [164, 196],
} as const;
export type FloatOp = keyof typeof numbers;

/** Without a choice of format. */
export const Convert = {
  toSingles: 94,
  toDoubles: 95,
  singlesToIntegers: 248,
  integersToSingles: 250,
  doublesToIntegers: 252,
  integersToDoubles: 254,
} as const;

interface Limits {
  /** The smallest normal number and the largest finite one, as bits. */
  readonly normal: bigint;
  readonly largest: bigint;
  /** Splits a significand into halves whose products are exact. */
  readonly splitter: bigint;
  /** Magnitudes of products between which the error of a product is itself exact. */
  readonly lowest: bigint;
  readonly highest: bigint;
}

const limits: Readonly<Record<4 | 8, Limits>> = {
  4: {
    normal: 0x0080_0000n,
    largest: 0x7f7f_ffffn,
    splitter: 0x4580_0800n, // 2^12 + 1
    lowest: 0x1280_0000n, // 2^-90
    highest: 0x7180_0000n, // 2^100
  },
  8: {
    normal: 0x0010_0000_0000_0000n,
    largest: 0x7fef_ffff_ffff_ffffn,
    splitter: 0x41a0_0000_0200_0000n, // 2^27 + 1
    lowest: 0x07b0_0000_0000_0000n, // 2^-900
    highest: 0x7830_0000_0000_0000n, // 2^900
  },
};

/** The parameters of every floating-point function. */
export const FloatParameter = {
  block: 0,
  /** Vectors. */
  a: 1,
  b: 2,
  /** A bit for each lane that counts. */
  lanes: 3,
  /** The operation's immediate. */
  control: 4,
} as const;
const firstLocal = 5;

export class FloatCode {
  readonly code = new Code();
  readonly locals: Type[] = [];
  readonly bytes: 4 | 8;

  /** For lanes of so many bytes. */
  constructor(bytes: 4 | 8) {
    this.bytes = bytes;
  }

  local(type: Type): number {
    return firstLocal + this.locals.push(type) - 1;
  }

  op(name: FloatOp): this {
    const number = numbers[name][this.bytes === 4 ? 0 : 1];
    this.code.vector(number);
    return this;
  }

  bits(name: 'and' | 'or' | 'xor'): this {
    this.code.vector({ and: 78, or: 80, xor: 81 }[name]);
    return this;
  }

  get(...locals: readonly number[]): this {
    for (const local of locals) this.code.get(local);
    return this;
  }

  /** The vector on the stack into a new local. */
  keep(): number {
    const local = this.local(Type.v128);
    this.code.set(local);
    return local;
  }

  /** A vector whose lanes have these bits. */
  constant(bits: bigint): this {
    const bytes = Array.from({ length: 16 }, (_, at) => Number((bits >> BigInt(8 * (at % this.bytes))) & 0xffn));
    this.code.vector(VectorOp.constant).immediates(bytes);
    return this;
  }

  zero(): this {
    return this.constant(0n);
  }

  /** Whether lanes are zero, normal or infinite: what raises neither invalid nor denormal by itself. */
  isNumber(local: number): this {
    this.get(local).op('absolute').constant(limits[this.bytes].normal).op('greaterOrEqual');
    return this.isZero(local).bits('or');
  }

  isZero(local: number): this {
    return this.get(local).zero().op('equal');
  }

  isFinite(local: number): this {
    return this.get(local).op('absolute').constant(limits[this.bytes].largest).op('lessOrEqual');
  }

  /** Whether lanes are too large to be denormal. */
  isNormal(local: number): this {
    return this.get(local).op('absolute').constant(limits[this.bytes].normal).op('greaterOrEqual');
  }

  /** Puts on the stack whether the mask on it has ones in every lane that counts. */
  allLanes(): Code {
    return this.op('signs').code.get(FloatParameter.lanes).op(Op.i32And).get(FloatParameter.lanes).op(Op.i32Eq);
  }

  /** Returns 0, for the slow way, unless the number on the stack is 1. */
  require(): void {
    this.code.op(Op.i32Eqz).if().i32(0).op(Op.return).end();
  }

  /** Whether `a + b = sum` exactly, there being no overflow: the error of the sum is a number of the format. */
  isExactSum(a: number, b: number, sum: number): this {
    const other = this.get(sum, a).op('subtract').keep();
    const errorOfA = this.get(a, sum, other).op('subtract').op('subtract').keep();
    return this.get(b, other).op('subtract').get(errorOfA).op('add').zero().op('equal');
  }

  /** Whether `a * b = product` exactly; false also where that is not certain. */
  isExactProduct(a: number, b: number, product: number): this {
    const { lowest, highest } = limits[this.bytes];
    const [aHigh, aLow] = this.#split(a);
    const [bHigh, bLow] = this.#split(b);
    this.get(aHigh, bHigh).op('multiply').get(product).op('subtract');
    this.get(aHigh, bLow).op('multiply').op('add');
    this.get(aLow, bHigh).op('multiply').op('add');
    this.get(aLow, bLow).op('multiply').op('add').zero().op('equal');
    const magnitude = this.get(product).op('absolute').keep();
    this.get(magnitude).constant(lowest).op('greaterOrEqual');
    this.get(magnitude).constant(highest).op('lessOrEqual').bits('and');
    return this.isZero(product).bits('or').bits('and');
  }

  #split(number: number): readonly [high: number, low: number] {
    const scaled = this.get(number).constant(limits[this.bytes].splitter).op('multiply').keep();
    const high = this.get(scaled, scaled, number).op('subtract').op('subtract').keep();
    return [high, this.get(number, high).op('subtract').keep()];
  }

  /** Two branches that leave a value on the stack. */
  either(type: Type, whenTrue: () => void, whenFalse: () => void): void {
    this.code.if(type);
    whenTrue();
    this.code.else();
    whenFalse();
    this.code.end();
  }
}
