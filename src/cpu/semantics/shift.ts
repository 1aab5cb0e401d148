/**
 * Shifts (SDM 2B SAL/SAR/SHL/SHR, SHLD, SHRD). The count is masked to 5 bits, 6 for 64-bit operands; with a count of 0
 * no flag changes, but the destination counts as written.
 */
import type { Builder } from '../builder.ts';
import { Flag, FlagKind } from '../flags.ts';
import type { Instruction, Operand } from '../instruction.ts';
import { bitAt, isZero, notZero, read, signBit, update, write } from './operand-access.ts';
import { type Body, row } from './row.ts';

export function maskedCount<V>(b: Builder<V>, i: Instruction, operand: Operand, bytes: number): V {
  return b.and(read(b, i, operand), b.constant(bytes === 8 ? 63n : 31n));
}

interface Shifted<V> {
  /** Above the operand's size ignored. */
  readonly result: V;
  /** Meaningful when the count is not 0. */
  readonly carry: V;
  readonly overflow: V;
}

type Shift = <V>(b: Builder<V>, value: V, count: V, bytes: number) => Shifted<V>;

const left: Shift = (b, value, count, bytes) => {
  const width = bytes * 8;
  const before = b.shiftLeft(value, b.subtract(count, b.constant(1n)));
  const result = b.shiftLeft(value, count);
  const carry = bitAt(b, before, width - 1);
  return { result, carry, overflow: b.xor(carry, signBit(b, result, bytes)) };
};

const right: Shift = (b, value, count, bytes) => ({
  result: b.shiftRight(value, count),
  carry: bitAt(b, b.shiftRight(value, b.subtract(count, b.constant(1n))), 0),
  overflow: signBit(b, value, bytes),
});

const rightSigned: Shift = (b, value, count, bytes) => {
  const wide = b.signExtend(value, bytes);
  const carry = bitAt(b, b.shiftRightSigned(wide, b.subtract(count, b.constant(1n))), 0);
  return { result: b.shiftRightSigned(wide, count), carry, overflow: b.constant(0n) };
};

function setShiftFlags<V>(b: Builder<V>, bytes: number, result: V, { carry, overflow }: Shifted<V>): void {
  b.setFlags(FlagKind.result, bytes, result, result, result);
  b.setFlag(Flag.CF, carry);
  b.setFlag(Flag.OF, overflow);
}

const shift =
  (how: Shift): Body =>
  (b, i) => {
    const [to, by] = i.operands;
    const count = maskedCount(b, i, by, to.bytes);
    update(b, i, to, (value) => {
      const shifted = how(b, value, count, to.bytes);
      const result = b.cut(shifted.result, to.bytes);
      b.when(notZero(b, count), () => setShiftFlags(b, to.bytes, result, shifted));
      return result;
    });
  };

/** The destination shifted, filled from the second operand. Counts above 16 of 16-bit operands: as if it went on. */
const doubleShift =
  (toLeft: boolean): Body =>
  (b, i) => {
    const [to, from, by] = i.operands;
    const width = to.bytes * 8;
    const count = maskedCount(b, i, by, to.bytes);
    const fill = read(b, i, from);
    update(b, i, to, (value) => {
      const rest = b.subtract(b.constant(BigInt(width)), count);
      const previous = b.subtract(count, b.constant(1n));
      const shifted = toLeft
        ? b.or(b.shiftLeft(value, count), b.shiftRight(fill, rest))
        : b.or(b.shiftRight(value, count), b.shiftLeft(fill, rest));
      const result = b.select(isZero(b, count), value, b.cut(shifted, to.bytes));
      const carry = toLeft
        ? bitAt(b, b.shiftLeft(value, previous), width - 1)
        : bitAt(b, b.shiftRight(value, previous), 0);
      const overflow = signBit(b, b.xor(value, result), to.bytes);
      b.when(notZero(b, count), () => setShiftFlags(b, to.bytes, result, { result, carry, overflow }));
      return result;
    });
  };

/** BMI2: three operands, no flags. */
const shiftWithoutFlags =
  (how: Shift): Body =>
  (b, i) => {
    const [to, from, by] = i.operands;
    const value = read(b, i, from);
    write(b, i, to, how(b, value, maskedCount(b, i, by, to.bytes), to.bytes).result);
  };

const shiftUndefined = { nonzeroCount: 'AF', countBeyondOne: 'OF' };
const doubleUndefined = { nonzeroCount: 'AF', countBeyondOne: 'OF', resultBeyondWidth: true } as const;

export const shifts = {
  SHL: row(shift(left), { ...shiftUndefined, countOfWidth: 'CF' }),
  SHR: row(shift(right), { ...shiftUndefined, countOfWidth: 'CF' }),
  SAR: row(shift(rightSigned), shiftUndefined),
  SHLD: row(doubleShift(true), doubleUndefined),
  SHRD: row(doubleShift(false), doubleUndefined),
  SHLX: row(shiftWithoutFlags(left)),
  SHRX: row(shiftWithoutFlags(right)),
  SARX: row(shiftWithoutFlags(rightSigned)),
};
