/** x87 comparisons (SDM 1 8.3.6; SDM 2A FCOM, FCOMI, FICOM, FTST, FUCOM, FXAM). */
import type { Builder } from '../builder.ts';
import { Flag } from '../flags.ts';
import type { Instruction } from '../instruction.ts';
import { type Body, row } from './row.ts';
import { done, flagOf, inMemory, loadPart, numberOf, ready, stackIndex } from './x87-access.ts';

const quiet = true;

function withMemory<V>(b: Builder<V>, i: Instruction, pops: V): void {
  const { bytes } = i.operands[0];
  b.call(bytes === 4 ? 'x87CompareSingle' : 'x87CompareDouble', [loadPart(b, i, 0, bytes), pops]);
}

/** Those that pop twice have no operand and compare with ST(1). */
const compare =
  (isQuiet: boolean, pops: number): Body =>
  (b, i) => {
    ready(b);
    if (inMemory(i)) withMemory(b, i, numberOf(b, pops));
    else {
      const index = i.operandCount === 0 ? b.constant(1n) : stackIndex(b, i);
      b.call('x87Compare', [index, flagOf(b, isQuiet), numberOf(b, pops)]);
    }
    done(b, i);
  };

const compareInteger =
  (pops: number): Body =>
  (b, i) => {
    ready(b);
    const { bytes } = i.operands[0];
    b.call('x87CompareInteger', [loadPart(b, i, 0, bytes), numberOf(b, bytes), numberOf(b, pops)]);
    done(b, i);
  };

/** OF, SF and AF become 0 as well (SDM 2A FCOMI). */
function setFlags<V>(b: Builder<V>, [ZF, PF, CF]: readonly V[]): void {
  const clear = b.constant(0n);
  b.setFlag(Flag.OF, clear);
  b.setFlag(Flag.SF, clear);
  b.setFlag(Flag.AF, clear);
  b.setFlag(Flag.ZF, ZF ?? clear);
  b.setFlag(Flag.PF, PF ?? clear);
  b.setFlag(Flag.CF, CF ?? clear);
}

const compareToFlags =
  (isQuiet: boolean, pops: number): Body =>
  (b, i) => {
    ready(b);
    const results = b.call('x87CompareToFlags', [stackIndex(b, i), flagOf(b, isQuiet), numberOf(b, pops)]);
    b.when(results[3] ?? b.constant(0n), () => setFlags(b, results));
    done(b, i);
  };

export const x87Comparisons = {
  FCOM: row(compare(!quiet, 0)),
  FCOMP: row(compare(!quiet, 1)),
  FCOMPP: row(compare(!quiet, 2)),
  FUCOM: row(compare(quiet, 0)),
  FUCOMP: row(compare(quiet, 1)),
  FUCOMPP: row(compare(quiet, 2)),
  FICOM: row(compareInteger(0)),
  FICOMP: row(compareInteger(1)),
  FCOMI: row(compareToFlags(!quiet, 0)),
  FCOMIP: row(compareToFlags(!quiet, 1)),
  FUCOMI: row(compareToFlags(quiet, 0)),
  FUCOMIP: row(compareToFlags(quiet, 1)),
  FTST: row((b, i) => {
    ready(b);
    b.call('x87Test', []);
    done(b, i);
  }),
  FXAM: row((b, i) => {
    ready(b);
    b.call('x87Examine', []);
    done(b, i);
  }),
};
