/** Multiplication and division (SDM 2A MUL, IMUL, DIV, IDIV, MULX). Dividends and products of bytes are in AX. */
import type { Builder } from '../builder.ts';
import { Flag } from '../flags.ts';
import type { Instruction, Operand } from '../instruction.ts';
import { Register } from '../registers.ts';
import { notZero, read, write } from './operand-access.ts';
import { type Body, row } from './row.ts';

interface Product<V> {
  readonly low: V;
  readonly high: V;
}

function product<V>(b: Builder<V>, a: V, c: V, bytes: number, signed: boolean): Product<V> {
  if (bytes === 8) {
    const high = signed ? b.multiplyHighSigned(a, c) : b.multiplyHigh(a, c);
    return { low: b.multiply(a, c), high };
  }
  const whole = signed ? b.multiply(b.signExtend(a, bytes), b.signExtend(c, bytes)) : b.multiply(a, c);
  return { low: b.cut(whole, bytes), high: b.cut(b.shiftRight(whole, b.constant(BigInt(bytes * 8))), bytes) };
}

/** CF and OF: whether the upper half says more than the lower one. */
function setOverflow<V>(b: Builder<V>, { low, high }: Product<V>, bytes: number, signed: boolean): void {
  const sign = b.shiftRightSigned(b.signExtend(low, bytes), b.constant(63n));
  const expected = signed ? b.cut(sign, bytes) : b.constant(0n);
  const lost = notZero(b, b.xor(high, expected));
  b.setFlag(Flag.CF, lost);
  b.setFlag(Flag.OF, lost);
}

function byAccumulator<V>(b: Builder<V>, i: Instruction, signed: boolean): void {
  const { bytes } = i.operands[0];
  const factor = read(b, i, i.operands[0]);
  const { low, high } = product(b, b.register(Register.RAX, bytes), factor, bytes, signed);
  setOverflow(b, { low, high }, bytes, signed);
  b.setRegister(Register.RAX, bytes, low);
  if (bytes === 1) b.setHighByte(Register.RAX, high);
  else b.setRegister(Register.RDX, bytes, high);
}

function intoOperand<V>(b: Builder<V>, i: Instruction, left: Operand, right: Operand): void {
  const [to] = i.operands;
  const parts = product(b, read(b, i, left), read(b, i, right), to.bytes, true);
  setOverflow(b, parts, to.bytes, true);
  write(b, i, to, parts.low);
}

const division =
  (signed: boolean): Body =>
  (b, i) => {
    const { bytes } = i.operands[0];
    const divisor = read(b, i, i.operands[0]);
    const low = b.register(Register.RAX, bytes);
    const high = bytes === 1 ? b.highByte(Register.RAX) : b.register(Register.RDX, bytes);
    const { quotient, remainder } = signed
      ? b.divideSigned(high, low, divisor, bytes)
      : b.divide(high, low, divisor, bytes);
    b.setRegister(Register.RAX, bytes, quotient);
    if (bytes === 1) b.setHighByte(Register.RAX, remainder);
    else b.setRegister(Register.RDX, bytes, remainder);
  };

const multiplyUndefined = { always: 'SF ZF AF PF' };
const divideUndefined = { always: 'CF OF SF ZF AF PF' };

export const multiplications = {
  MUL: row((b, i) => byAccumulator(b, i, false), multiplyUndefined),
  IMUL: row((b, i) => {
    const [to, second, third] = i.operands;
    if (i.operandCount === 1) byAccumulator(b, i, true);
    else if (i.operandCount === 2) intoOperand(b, i, to, second);
    else intoOperand(b, i, second, third);
  }, multiplyUndefined),
  DIV: row(division(false), divideUndefined),
  IDIV: row(division(true), divideUndefined),
  /** No flags; the high half is written last, and stays when both destinations are one register (SDM 2B MULX). */
  MULX: row((b, i) => {
    const [high, low, factor] = i.operands;
    const parts = product(b, b.register(Register.RDX, low.bytes), read(b, i, factor), low.bytes, false);
    write(b, i, low, parts.low);
    write(b, i, high, parts.high);
  }),
};
