/** Decimal adjustment (SDM 2A AAA, AAD, AAM, AAS, DAA, DAS), outside 64-bit mode only. */
import type { Builder } from '../builder.ts';
import { Flag, FlagKind } from '../flags.ts';
import { Register } from '../registers.ts';
import { type Body, row } from './row.ts';

/** AL and AH adjusted by 6 and 1 when the low digit is above 9 or AF is set. */
const adjustUnpacked =
  (down: boolean): Body =>
  (b) => {
    const ax = b.register(Register.RAX, 2);
    const above = b.lessUnsigned(b.constant(9n), b.and(ax, b.constant(15n)));
    const adjust = b.or(above, b.flag(Flag.AF));
    const by = b.constant(0x106n);
    const adjusted = b.select(adjust, down ? b.subtract(ax, by) : b.add(ax, by), ax);
    b.setRegister(Register.RAX, 2, b.and(adjusted, b.constant(0xff0fn)));
    b.setFlag(Flag.AF, adjust);
    b.setFlag(Flag.CF, adjust);
  };

const adjustPacked =
  (down: boolean): Body =>
  (b) => {
    const al = b.register(Register.RAX, 1);
    const move = <V>(to: Builder<V>, value: V, by: bigint): V =>
      down ? to.subtract(value, to.constant(by)) : to.add(value, to.constant(by));
    const lowAbove = b.lessUnsigned(b.constant(9n), b.and(al, b.constant(15n)));
    const low = b.or(lowAbove, b.flag(Flag.AF));
    const high = b.or(b.lessUnsigned(b.constant(0x99n), al), b.flag(Flag.CF));
    const first = b.select(low, move(b, al, 6n), al);
    const result = b.cut(b.select(high, move(b, first, 0x60n), first), 1);
    // DAS also keeps the borrow of its first step.
    const borrow = b.and(low, b.lessUnsigned(al, b.constant(6n)));
    b.setRegister(Register.RAX, 1, result);
    b.setFlags(FlagKind.result, 1, result, result, result);
    b.setFlag(Flag.AF, low);
    b.setFlag(Flag.CF, down ? b.or(high, borrow) : high);
  };

const adjustUndefined = { always: 'OF SF ZF PF' };
const packedUndefined = { always: 'OF' };
const baseUndefined = { always: 'OF AF CF' };

export const decimals = {
  AAA: row(adjustUnpacked(false), adjustUndefined),
  AAS: row(adjustUnpacked(true), adjustUndefined),
  DAA: row(adjustPacked(false), packedUndefined),
  DAS: row(adjustPacked(true), packedUndefined),
  AAM: row((b, i) => {
    const base = b.immediate(i.operands[0]);
    const { quotient, remainder } = b.divide(b.constant(0n), b.register(Register.RAX, 1), base, 1);
    b.setHighByte(Register.RAX, quotient);
    b.setRegister(Register.RAX, 1, remainder);
    b.setFlags(FlagKind.result, 1, remainder, remainder, remainder);
  }, baseUndefined),
  AAD: row((b, i) => {
    const tens = b.multiply(b.highByte(Register.RAX), b.immediate(i.operands[0]));
    const result = b.cut(b.add(b.register(Register.RAX, 1), tens), 1);
    b.setRegister(Register.RAX, 2, result);
    b.setFlags(FlagKind.result, 1, result, result, result);
  }, baseUndefined),
};
