/**
 * Floating-point vector operations in generated code: the host's arithmetic where it serves (float-functions.ts), else a
 * helper.
 */
import type { HelperName } from '../../helpers/table.ts';
import {
  type FloatLaneOperation,
  floatLaneOperations,
  type LaneConversion,
  laneConversions,
} from '../../vector-builder.ts';
import { Parameter, type Value } from './emitter.ts';
import { type FloatFunction, isFastFloat } from './float-functions.ts';
import { functionNumber } from './runtime-functions.ts';
import { VectorBuilder } from './vector-builder.ts';
import { Op, Type } from './wasm/code.ts';

interface Operands {
  readonly a: Value;
  readonly b: Value;
  /** How many lanes, the lowest ones. */
  readonly count: number;
  readonly control: Value;
}

export abstract class FloatBuilder extends VectorBuilder {
  abstract call(name: HelperName, values: readonly Value[]): readonly Value[];

  float(operation: FloatLaneOperation, bytes: 4 | 8, count: number, a: Value, b: Value, control?: Value): Value {
    const operands = { a, b, count, control: control ?? this.constant(0n) };
    const number = floatLaneOperations.indexOf(operation);
    const numbers = [number, bytes, count].map((value) => this.constant(BigInt(value)));
    const helper = (): void => {
      this.passVector(0, a);
      this.passVector(1, b);
      this.call('floatLanes', [...numbers, operands.control]);
    };
    if (isFastFloat(operation)) this.#firstTry(`${operation} ${bytes}`, operands, helper);
    else helper();
    const result = this.passedVector(0);
    return bytes * count === 16 ? result : this.#joined(result, a, bytes * count);
  }

  convert(conversion: LaneConversion, count: number, a: Value): Value {
    const number = BigInt(laneConversions.indexOf(conversion));
    this.#firstTry(conversion, { a, b: a, count, control: this.constant(0n) }, () => {
      this.passVector(0, a);
      this.call('convertLanes', [this.constant(number), this.constant(BigInt(count))]);
    });
    const bytes = count * (/To(Float|Int)32/.test(conversion) ? 4 : 8);
    const result = this.passedVector(0);
    return bytes === 16 ? result : this.#joined(result, this.vectorConstant(0n), bytes);
  }

  compareFloats(bytes: 4 | 8, a: Value, b: Value, quiet: boolean): Value {
    const { emitter } = this;
    const { code } = emitter;
    const flags = emitter.fresh(Type.i64);
    this.#pushTry(`compareLowest ${bytes}`, { a, b, count: 1, control: this.constant(0n) });
    code.op(Op.i64Extend).set(flags).get(flags).op(Op.i64Eqz).if();
    this.conditionally(() => {
      this.passVector(0, a);
      this.passVector(1, b);
      const [slow] = this.call('compareLowLanes', [this.constant(BigInt(bytes)), this.constant(quiet ? 1n : 0n)]);
      if (slow !== undefined) emitter.push(slow).set(flags);
    });
    code.end();
    return { kind: 'local', local: flags, type: 'integer' };
  }

  #firstTry(name: FloatFunction, operands: Operands, helper: () => void): void {
    this.#pushTry(name, operands);
    this.emitter.code.op(Op.i32Eqz).if();
    this.conditionally(helper);
    this.emitter.code.end();
  }

  #pushTry(name: FloatFunction, { a, b, count, control }: Operands): void {
    const { emitter } = this;
    emitter.code.get(Parameter.block);
    emitter.pushVector(a);
    emitter.pushVector(b).i32((1 << count) - 1);
    emitter.pushLow(control).call(functionNumber(name));
  }

  /** The low bytes of one vector, the others of another. */
  #joined(low: Value, high: Value, bytes: number): Value {
    return this.shuffle(
      low,
      high,
      Array.from({ length: 16 }, (_, at) => (at < bytes ? at : at + 16)),
    );
  }
}
