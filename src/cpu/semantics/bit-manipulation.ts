/** BMI1 and BMI2 without shifts and MULX (SDM 2A ANDN, BEXTR, BLSI, BLSMSK, BLSR, BZHI; 2B PDEP, PEXT). */
import type { Builder } from '../builder.ts';
import { Flag, FlagKind } from '../flags.ts';
import { isZero, not, read, write } from './operand-access.ts';
import { type Body, row } from './row.ts';

function logicFlags<V>(b: Builder<V>, result: V, bytes: number): void {
  b.setFlags(FlagKind.logic, bytes, result, result, result);
}

type LowestBit = <V>(b: Builder<V>, value: V, valueMinusOne: V) => V;

/** CF says whether the source was zero; for BLSI whether it was not. */
const lowestBit =
  (how: LowestBit, carryOfZero: bigint): Body =>
  (b, i) => {
    const [to, from] = i.operands;
    const value = read(b, i, from);
    const result = b.cut(how(b, value, b.subtract(value, b.constant(1n))), to.bytes);
    logicFlags(b, result, to.bytes);
    b.setFlag(Flag.CF, b.xor(isZero(b, value), b.constant(1n - carryOfZero)));
    write(b, i, to, result);
  };

/** Ones in the low `count` bits; all ones from 64 on. */
function lowMask<V>(b: Builder<V>, count: V): V {
  const some = b.subtract(b.shiftLeft(b.constant(1n), count), b.constant(1n));
  return b.select(b.lessUnsigned(count, b.constant(64n)), some, b.constant(-1n));
}

/** Bit by bit over the mask: `place` is where the mask has a bit, `rank` how many it has below. */
type Step = <V>(b: Builder<V>, value: V, place: V, rank: V) => V;

const byMask =
  (step: Step): Body =>
  (b, i) => {
    const [to, from, operand] = i.operands;
    const value = read(b, i, from);
    const mask = read(b, i, operand);
    const one = b.constant(1n);
    let rank = b.constant(0n);
    let result = b.constant(0n);
    for (let at = 0; at < to.bytes * 8; at++) {
      const place = b.constant(BigInt(at));
      const inMask = b.and(b.shiftRight(mask, place), one);
      result = b.or(result, b.select(inMask, step(b, value, place, rank), b.constant(0n)));
      rank = b.add(rank, inMask);
    }
    write(b, i, to, result);
  };

const deposit: Step = (b, value, place, rank) => b.shiftLeft(b.and(b.shiftRight(value, rank), b.constant(1n)), place);
const extract: Step = (b, value, place, rank) => b.shiftLeft(b.and(b.shiftRight(value, place), b.constant(1n)), rank);

const singleUndefined = { always: 'AF PF' };

export const bitManipulation = {
  ANDN: row((b, i) => {
    const [to, inverted, other] = i.operands;
    const result = b.and(not(b, read(b, i, inverted)), read(b, i, other));
    logicFlags(b, result, to.bytes);
    write(b, i, to, result);
  }, singleUndefined),
  BLSI: row(
    lowestBit((b, value, less) => b.and(value, not(b, less)), 0n),
    singleUndefined,
  ),
  BLSMSK: row(
    lowestBit((b, value, less) => b.xor(value, less), 1n),
    singleUndefined,
  ),
  BLSR: row(
    lowestBit((b, value, less) => b.and(value, less), 1n),
    singleUndefined,
  ),
  BEXTR: row(
    (b, i) => {
      const [to, from, operand] = i.operands;
      const value = read(b, i, from);
      const control = read(b, i, operand);
      const start = b.cut(control, 1);
      const length = b.cut(b.shiftRight(control, b.constant(8n)), 1);
      const shifted = b.select(b.lessUnsigned(start, b.constant(64n)), b.shiftRight(value, start), b.constant(0n));
      const result = b.and(shifted, lowMask(b, length));
      logicFlags(b, result, to.bytes);
      write(b, i, to, result);
    },
    { always: 'AF SF PF' },
  ),
  BZHI: row((b, i) => {
    const [to, from, operand] = i.operands;
    const count = b.cut(read(b, i, operand), 1);
    const result = b.and(read(b, i, from), lowMask(b, count));
    logicFlags(b, result, to.bytes);
    b.setFlag(Flag.CF, b.lessUnsigned(b.constant(BigInt(to.bytes * 8 - 1)), count));
    write(b, i, to, result);
  }, singleUndefined),
  PDEP: row(byMask(deposit)),
  PEXT: row(byMask(extract)),
};
