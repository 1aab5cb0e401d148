/**
 * Rotates (SDM 2B RCL/RCR/ROL/ROR, RORX). The count is masked as for shifts; ROL and ROR then turn by the count modulo
 * the width, RCL and RCR by the count modulo width + 1, the carry flag being the extra bit.
 */
import type { Builder } from '../builder.ts';
import { Flag } from '../flags.ts';
import { bitAt, isZero, notZero, read, signBit, update, write } from './operand-access.ts';
import { type Body, row } from './row.ts';
import { maskedCount } from './shift.ts';

/** Turns a value of `width` bits right by 0 to width - 1. */
function turnRight<V>(b: Builder<V>, value: V, by: V, width: number): V {
  const back = b.subtract(b.constant(BigInt(width)), by);
  const turned = b.or(b.shiftRight(value, by), b.shiftLeft(value, back));
  return b.select(isZero(b, by), value, turned);
}

const rotate =
  (toLeft: boolean): Body =>
  (b, i) => {
    const [to, operand] = i.operands;
    const width = to.bytes * 8;
    const count = maskedCount(b, i, operand, to.bytes);
    const mask = b.constant(BigInt(width - 1));
    const by = b.and(toLeft ? b.subtract(b.constant(BigInt(width)), count) : count, mask);
    update(b, i, to, (value) => {
      const result = b.cut(turnRight(b, value, by, width), to.bytes);
      const sign = signBit(b, result, to.bytes);
      const carry = toLeft ? bitAt(b, result, 0) : sign;
      const overflow = b.xor(sign, toLeft ? carry : bitAt(b, result, width - 2));
      b.when(notZero(b, count), () => {
        b.setFlag(Flag.CF, carry);
        b.setFlag(Flag.OF, overflow);
      });
      return result;
    });
  };

/** count modulo `width` + 1, for counts up to 31, or up to 63 when the width is 64. */
function moduloWithCarry<V>(b: Builder<V>, count: V, width: number): V {
  let left = count;
  for (let times = width === 8 ? 3 : width === 16 ? 1 : 0; times > 0; times--) {
    const less = b.subtract(left, b.constant(BigInt(width + 1)));
    left = b.select(b.lessUnsigned(left, b.constant(BigInt(width + 1))), left, less);
  }
  return left;
}

/** a << by, b for by = 64 giving 0. */
function shiftLeftWhole<V>(b: Builder<V>, value: V, by: V): V {
  return b.select(b.lessUnsigned(by, b.constant(64n)), b.shiftLeft(value, by), b.constant(0n));
}

function shiftRightWhole<V>(b: Builder<V>, value: V, by: V): V {
  return b.select(b.lessUnsigned(by, b.constant(64n)), b.shiftRight(value, by), b.constant(0n));
}

const rotateCarry =
  (toLeft: boolean): Body =>
  (b, i) => {
    const [to, operand] = i.operands;
    const width = to.bytes * 8;
    const by = moduloWithCarry(b, maskedCount(b, i, operand, to.bytes), width);
    const one = b.constant(1n);
    const carryIn = b.flag(Flag.CF);
    update(b, i, to, (value) => {
      const previous = b.subtract(by, one);
      const rest = b.subtract(b.constant(BigInt(width + 1)), by);
      const restOfWidth = b.subtract(b.constant(BigInt(width)), by);
      const turned = toLeft
        ? b.or(b.or(b.shiftLeft(value, by), b.shiftLeft(carryIn, previous)), shiftRightWhole(b, value, rest))
        : b.or(b.or(b.shiftRight(value, by), b.shiftLeft(carryIn, restOfWidth)), shiftLeftWhole(b, value, rest));
      const some = notZero(b, by);
      const result = b.select(some, b.cut(turned, to.bytes), value);
      const out = toLeft ? b.shiftRight(value, restOfWidth) : b.shiftRight(value, previous);
      const carry = bitAt(b, out, 0);
      const sign = signBit(b, result, to.bytes);
      b.when(some, () => {
        b.setFlag(Flag.CF, carry);
        b.setFlag(Flag.OF, b.xor(sign, toLeft ? carry : bitAt(b, result, width - 2)));
      });
      return result;
    });
  };

const rotateUndefined = { countBeyondOne: 'OF' };

export const rotates = {
  ROL: row(rotate(true), rotateUndefined),
  ROR: row(rotate(false), rotateUndefined),
  RCL: row(rotateCarry(true), rotateUndefined),
  RCR: row(rotateCarry(false), rotateUndefined),
  RORX: row((b, i) => {
    const [to, from, operand] = i.operands;
    const by = maskedCount(b, i, operand, to.bytes);
    write(b, i, to, turnRight(b, read(b, i, from), by, to.bytes * 8));
  }),
};
