/**
 * String instructions and REP (SDM 1 7.3.9.1; SDM 2B REP). After each iteration the registers say what is left, so that
 * a fault or interrupt in mid-way resumes; the flags of CMPS and SCAS change with the last iteration only, since a fault
 * leaves them as they were before the instruction. The destination is always in ES, and needs the same rights before
 * anything is written.
 */
import type { Builder } from '../builder.ts';
import { Flag, FlagKind } from '../flags.ts';
import { type Instruction, Repeat, Segment } from '../instruction.ts';
import { Register } from '../registers.ts';
import { isZero, notZero } from './operand-access.ts';
import { type Body, row } from './row.ts';

/** What is compared: flags of left - right. */
interface Comparison<V> {
  readonly left: V;
  readonly right: V;
}

class StringAccess<V> {
  readonly #b: Builder<V>;
  readonly #i: Instruction;
  readonly bytes: number;

  constructor(b: Builder<V>, i: Instruction) {
    this.#b = b;
    this.#i = i;
    this.bytes = i.operands[0].bytes;
  }

  source(): V {
    return this.#b.load(this.#i.segment, this.#b.register(Register.RSI, this.#i.addressSize), this.bytes);
  }

  destination(): V {
    return this.#b.load(Segment.ES, this.#b.register(Register.RDI, this.#i.addressSize), this.bytes);
  }

  store(value: V): void {
    this.#b.store(Segment.ES, this.#b.register(Register.RDI, this.#i.addressSize), this.bytes, value);
  }

  /** Moves an index register by the operand size, down when DF is set. */
  advance(register: Register): void {
    const b = this.#b;
    const { addressSize } = this.#i;
    const up = b.constant(BigInt(this.bytes));
    const step = b.select(b.flag(Flag.DF), b.subtract(b.constant(0n), up), up);
    b.setRegister(register, addressSize, b.add(b.register(register, addressSize), step));
  }
}

type Iteration = <V>(b: Builder<V>, access: StringAccess<V>) => void;
type ComparingIteration = <V>(b: Builder<V>, access: StringAccess<V>) => Comparison<V>;

/** Counts rCX down; 1 while it is not zero. */
function countDown<V>(b: Builder<V>, i: Instruction): V {
  const left = b.cut(b.subtract(b.register(Register.RCX, i.addressSize), b.constant(1n)), i.addressSize);
  b.setRegister(Register.RCX, i.addressSize, left);
  return notZero(b, left);
}

const moving =
  (iteration: Iteration): Body =>
  (b, i) => {
    const access = new StringAccess(b, i);
    if (i.repeat === Repeat.none) {
      iteration(b, access);
      return;
    }
    b.when(notZero(b, b.register(Register.RCX, i.addressSize)), () => {
      b.loop(() => {
        iteration(b, access);
        return countDown(b, i);
      });
    });
  };

const comparing =
  (iteration: ComparingIteration): Body =>
  (b, i) => {
    const access = new StringAccess(b, i);
    const { bytes } = access;
    const setFlags = <V>(to: Builder<V>, left: V, right: V): void =>
      to.setFlags(FlagKind.subtract, bytes, to.cut(to.subtract(left, right), bytes), left, right);
    if (i.repeat === Repeat.none) {
      const { left, right } = iteration(b, access);
      setFlags(b, left, right);
      return;
    }
    b.when(notZero(b, b.register(Register.RCX, i.addressSize)), () => {
      b.loop(() => {
        const { left, right } = iteration(b, access);
        const same = b.equal(left, right);
        const heeds = i.repeat === Repeat.whileEqual ? same : isZero(b, same);
        const again = b.and(countDown(b, i), heeds);
        b.when(isZero(b, again), () => setFlags(b, left, right));
        return again;
      });
    });
  };

export const strings = {
  MOVS: row(
    moving((_, access) => {
      access.store(access.source());
      access.advance(Register.RSI);
      access.advance(Register.RDI);
    }),
  ),
  STOS: row(
    moving((b, access) => {
      access.store(b.register(Register.RAX, access.bytes));
      access.advance(Register.RDI);
    }),
  ),
  LODS: row(
    moving((b, access) => {
      b.setRegister(Register.RAX, access.bytes, access.source());
      access.advance(Register.RSI);
    }),
  ),
  CMPS: row(
    comparing((_, access) => {
      const left = access.source();
      const right = access.destination();
      access.advance(Register.RSI);
      access.advance(Register.RDI);
      return { left, right };
    }),
  ),
  SCAS: row(
    comparing((b, access) => {
      const right = access.destination();
      access.advance(Register.RDI);
      return { left: b.register(Register.RAX, access.bytes), right };
    }),
  ),
};
