/** Bit tests, scans and counts (SDM 1 7.3.6; SDM 2A BT, BSF, BSR; 2B LZCNT, POPCNT, TZCNT). */
import type { Builder } from '../builder.ts';
import { Flag, FlagKind } from '../flags.ts';
import { type Instruction, type Operand, OperandKind } from '../instruction.ts';
import { isZero, not, notZero, read, update, write } from './operand-access.ts';
import { type Body, row } from './row.ts';

type BitChange = <V>(b: Builder<V>, value: V, mask: V) => V;

const set: BitChange = (b, value, mask) => b.or(value, mask);
const reset: BitChange = (b, value, mask) => b.and(value, not(b, mask));
const complement: BitChange = (b, value, mask) => b.xor(value, mask);

function inPlace<V>(b: Builder<V>, bit: V, value: V, change: BitChange | undefined): V {
  b.setFlag(Flag.CF, b.and(b.shiftRight(value, bit), b.constant(1n)));
  return change === undefined ? value : change(b, value, b.shiftLeft(b.constant(1n), bit));
}

/** A register as bit offset reaches beyond the memory operand: a signed number of bits from its address. */
function bitString<V>(b: Builder<V>, i: Instruction, base: Operand, index: V, change: BitChange | undefined): void {
  const { bytes } = base;
  const width = BigInt(bytes * 8);
  const steps = b.shiftRightSigned(b.signExtend(index, bytes), b.constant(BigInt(Math.log2(bytes * 8))));
  const offset = b.cut(b.add(b.effectiveAddress(i, 0), b.multiply(steps, b.constant(BigInt(bytes)))), i.addressSize);
  const bit = b.and(index, b.constant(width - 1n));
  if (change === undefined) inPlace(b, bit, b.load(i.segment, offset, bytes), undefined);
  else b.store(i.segment, offset, bytes, inPlace(b, bit, b.loadForWrite(i.segment, offset, bytes), change));
}

const bitTest =
  (change?: BitChange): Body =>
  (b, i) => {
    const [base, index] = i.operands;
    const number = read(b, i, index);
    if (base.kind === OperandKind.memory && index.kind === OperandKind.general) {
      bitString(b, i, base, number, change);
      return;
    }
    const bit = b.and(number, b.constant(BigInt(base.bytes * 8 - 1)));
    if (change === undefined) inPlace(b, bit, read(b, i, base), undefined);
    else update(b, i, base, (value) => inPlace(b, bit, value, change));
  };

function leadingZerosOf<V>(b: Builder<V>, value: V, bytes: number): V {
  return b.subtract(b.leadingZeros(value), b.constant(BigInt(64 - bytes * 8)));
}

/** The number of zeros below the lowest one; the width for zero. */
function trailingZerosOf<V>(b: Builder<V>, value: V, bytes: number): V {
  if (bytes === 8) return b.trailingZeros(value);
  return b.trailingZeros(b.or(value, b.constant(1n << BigInt(bytes * 8))));
}

type Count = <V>(b: Builder<V>, value: V, bytes: number) => V;
const lowestOne: Count = trailingZerosOf;
const highestOne: Count = (b, value) => b.subtract(b.constant(63n), b.leadingZeros(value));

/** Of zero the destination is undefined: processors leave it, its upper half too. */
const scan =
  (count: Count): Body =>
  (b, i) => {
    const [to, from] = i.operands;
    const value = read(b, i, from);
    b.setFlag(Flag.ZF, isZero(b, value));
    b.when(notZero(b, value), () => write(b, i, to, count(b, value, from.bytes)));
  };

const countZeros =
  (count: Count): Body =>
  (b, i) => {
    const [to, from] = i.operands;
    const value = read(b, i, from);
    const zeros = count(b, value, from.bytes);
    b.setFlag(Flag.CF, isZero(b, value));
    b.setFlag(Flag.ZF, isZero(b, zeros));
    write(b, i, to, zeros);
  };

const bitTestUndefined = { always: 'OF SF AF PF' };
const scanUndefined = { always: 'CF OF SF AF PF' };
const countUndefined = { always: 'OF SF AF PF' };

export const bits = {
  BT: row(bitTest(), bitTestUndefined),
  BTS: row(bitTest(set), bitTestUndefined),
  BTR: row(bitTest(reset), bitTestUndefined),
  BTC: row(bitTest(complement), bitTestUndefined),
  BSF: row(scan(lowestOne), scanUndefined),
  BSR: row(scan(highestOne), scanUndefined),
  TZCNT: row(countZeros(trailingZerosOf), countUndefined),
  LZCNT: row(countZeros(leadingZerosOf), countUndefined),
  POPCNT: row((b, i) => {
    const [to, from] = i.operands;
    const value = read(b, i, from);
    const zero = b.constant(0n);
    b.setFlags(FlagKind.logic, from.bytes, zero, zero, zero);
    b.setFlag(Flag.PF, zero);
    b.setFlag(Flag.ZF, isZero(b, value));
    write(b, i, to, b.countOnes(value));
  }),
};
