/** Compare and exchange (SDM 2A CMPXCHG, CMPXCHG8B/CMPXCHG16B). The destination is written in either case. */
import type { Builder } from '../builder.ts';
import { Flag, FlagKind } from '../flags.ts';
import { type Instruction, OperandKind } from '../instruction.ts';
import { Register } from '../registers.ts';
import { isZero, read, update, write } from './operand-access.ts';
import { row } from './row.ts';

function compareExchange<V>(b: Builder<V>, i: Instruction): void {
  const [to, from] = i.operands;
  const expected = b.register(Register.RAX, to.bytes);
  const replacement = read(b, i, from);
  if (to.kind === OperandKind.memory) {
    update(b, i, to, (old) => b.select(compare(b, to.bytes, expected, old), replacement, old));
    return;
  }
  // A register that is not written keeps its upper half (SDM 2A CMPXCHG).
  const same = compare(b, to.bytes, expected, read(b, i, to));
  b.when(same, () => write(b, i, to, replacement));
}

/** Sets the flags; when different, the accumulator takes the old value. */
function compare<V>(b: Builder<V>, bytes: number, expected: V, old: V): V {
  const same = b.equal(expected, old);
  b.setFlags(FlagKind.subtract, bytes, b.cut(b.subtract(expected, old), bytes), expected, old);
  b.when(isZero(b, same), () => b.setRegister(Register.RAX, bytes, old));
  return same;
}

function compareExchange8<V>(b: Builder<V>, i: Instruction): void {
  const half = b.constant(32n);
  const joined = (high: number, low: number): V => b.or(b.shiftLeft(b.register(high, 4), half), b.register(low, 4));
  const offset = b.effectiveAddress(i, 0);
  const old = b.loadForWrite(i.segment, offset, 8);
  const same = b.equal(old, joined(Register.RDX, Register.RAX));
  b.store(i.segment, offset, 8, b.select(same, joined(Register.RCX, Register.RBX), old));
  b.when(isZero(b, same), () => {
    b.setRegister(Register.RAX, 4, old);
    b.setRegister(Register.RDX, 4, b.shiftRight(old, half));
  });
  b.setFlag(Flag.ZF, same);
}

function compareExchange16<V>(b: Builder<V>, i: Instruction): void {
  const offset = b.effectiveAddress(i, 0);
  const { low, high } = b.loadPairForWrite(i.segment, offset);
  const same = b.and(b.equal(low, b.register(Register.RAX, 8)), b.equal(high, b.register(Register.RDX, 8)));
  b.storePair(i.segment, offset, {
    low: b.select(same, b.register(Register.RBX, 8), low),
    high: b.select(same, b.register(Register.RCX, 8), high),
  });
  b.when(isZero(b, same), () => {
    b.setRegister(Register.RAX, 8, low);
    b.setRegister(Register.RDX, 8, high);
  });
  b.setFlag(Flag.ZF, same);
}

export const exchanges = {
  CMPXCHG: row(compareExchange),
  CMPXCHG8B: row(compareExchange8),
  CMPXCHG16B: row(compareExchange16),
};
