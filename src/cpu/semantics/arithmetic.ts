/** Addition, subtraction and logic (SDM 1 7.3.2, 7.3.5; SDM 2A, 2B under each name). */
import type { Builder } from '../builder.ts';
import { Flag, FlagKind } from '../flags.ts';
import type { Instruction } from '../instruction.ts';
import { bitAt, not, read, update, write } from './operand-access.ts';
import { type Body, row } from './row.ts';

type Combine = <V>(b: Builder<V>, a: V, c: V) => V;

const sum: Combine = (b, a, c) => b.add(a, c);
const sumCarry: Combine = (b, a, c) => b.add(b.add(a, c), b.flag(Flag.CF));
const difference: Combine = (b, a, c) => b.subtract(a, c);
const differenceBorrow: Combine = (b, a, c) => b.subtract(b.subtract(a, c), b.flag(Flag.CF));
const conjunction: Combine = (b, a, c) => b.and(a, c);
const disjunction: Combine = (b, a, c) => b.or(a, c);
const exclusive: Combine = (b, a, c) => b.xor(a, c);

/** The result cut to the operand's size, having set the flags by it. */
function result<V>(b: Builder<V>, bytes: number, kind: FlagKind, combine: Combine, a: V, c: V): V {
  const value = b.cut(combine(b, a, c), bytes);
  b.setFlags(kind, bytes, value, a, c);
  return value;
}

const twoOperands =
  (kind: FlagKind, combine: Combine): Body =>
  (b, i) => {
    const [to, from] = i.operands;
    const c = read(b, i, from);
    update(b, i, to, (a) => result(b, to.bytes, kind, combine, a, c));
  };

const flagsOnly =
  (kind: FlagKind, combine: Combine): Body =>
  (b, i) => {
    const [left, right] = i.operands;
    const c = read(b, i, right);
    result(b, left.bytes, kind, combine, read(b, i, left), c);
  };

const byOne =
  (kind: FlagKind, combine: Combine): Body =>
  (b, i) => {
    const [to] = i.operands;
    update(b, i, to, (a) => result(b, to.bytes, kind, combine, a, b.constant(1n)));
  };

/** ADCX and ADOX (SDM 2A): an addition whose carry in and out is one flag, the others untouched. */
const addThrough =
  (flag: Flag): Body =>
  (b, i) => {
    const [to, from] = i.operands;
    const a = read(b, i, to);
    const c = read(b, i, from);
    const total = b.cut(b.add(b.add(a, c), b.flag(flag)), to.bytes);
    const carries = b.or(b.and(a, c), b.and(b.or(a, c), not(b, total)));
    b.setFlag(flag, bitAt(b, carries, to.bytes * 8 - 1));
    write(b, i, to, total);
  };

function exchangeAndAdd<V>(b: Builder<V>, i: Instruction): void {
  const [to, from] = i.operands;
  const c = read(b, i, from);
  let old = c;
  // The sum is written last: when both are one register, that register holds it.
  const add = (a: V): V => {
    old = a;
    return result(b, to.bytes, FlagKind.add, sum, a, c);
  };
  const offsetFirst = to.kind === from.kind;
  if (offsetFirst) {
    const total = add(read(b, i, to));
    write(b, i, from, old);
    write(b, i, to, total);
  } else {
    update(b, i, to, add);
    write(b, i, from, old);
  }
}

export const arithmetic = {
  ADD: row(twoOperands(FlagKind.add, sum)),
  ADC: row(twoOperands(FlagKind.add, sumCarry)),
  SUB: row(twoOperands(FlagKind.subtract, difference)),
  SBB: row(twoOperands(FlagKind.subtract, differenceBorrow)),
  AND: row(twoOperands(FlagKind.logic, conjunction), { always: 'AF' }),
  OR: row(twoOperands(FlagKind.logic, disjunction), { always: 'AF' }),
  XOR: row(twoOperands(FlagKind.logic, exclusive), { always: 'AF' }),
  CMP: row(flagsOnly(FlagKind.subtract, difference)),
  TEST: row(flagsOnly(FlagKind.logic, conjunction), { always: 'AF' }),
  INC: row(byOne(FlagKind.increment, sum)),
  DEC: row(byOne(FlagKind.decrement, difference)),
  NEG: row((b, i) => {
    const [to] = i.operands;
    update(b, i, to, (a) => result(b, to.bytes, FlagKind.subtract, difference, b.constant(0n), a));
  }),
  NOT: row((b, i) => update(b, i, i.operands[0], (a) => not(b, a))),
  ADCX: row(addThrough(Flag.CF)),
  ADOX: row(addThrough(Flag.OF)),
  XADD: row(exchangeAndAdd),
};
