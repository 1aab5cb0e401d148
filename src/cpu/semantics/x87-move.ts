/** Loads, stores and moves of the x87 FPU (SDM 1 8.3.3, 8.3.4; SDM 2A FBLD, FCMOVcc, FILD, FIST, FLD, FST, FXCH). */
import type { Builder } from '../builder.ts';
import { type LoadableConstant, loadableConstants } from '../float/constants.ts';
import { type StoreFormat, storeFormats } from '../helpers/x87-move.ts';
import type { Instruction } from '../instruction.ts';
import { isZero } from './operand-access.ts';
import { type Body, row } from './row.ts';
import {
  checkWritable,
  done,
  flagOf,
  inMemory,
  loadPart,
  numberOf,
  ready,
  stackIndex,
  storePart,
} from './x87-access.ts';

/** Low 64 bits and high 16 of ten bytes. */
function loadTen<V>(b: Builder<V>, i: Instruction): readonly [V, V] {
  return [loadPart(b, i, 0, 8), loadPart(b, i, 8, 2)];
}

function load<V>(b: Builder<V>, i: Instruction): void {
  ready(b);
  const { bytes } = i.operands[0];
  if (!inMemory(i)) b.call('x87LoadRegister', [stackIndex(b, i)]);
  else if (bytes === 10) b.call('x87LoadExtended', loadTen(b, i));
  else b.call(bytes === 4 ? 'x87LoadSingle' : 'x87LoadDouble', [loadPart(b, i, 0, bytes)]);
  done(b, i);
}

const loadConstant =
  (name: LoadableConstant): Body =>
  (b, i) => {
    ready(b);
    b.call('x87LoadConstant', [numberOf(b, loadableConstants.indexOf(name))]);
    done(b, i);
  };

/** By the operand's size. */
const realFormats: Readonly<Record<number, StoreFormat>> = { 4: 'single', 8: 'double', 10: 'extended' };
const integerFormats: Readonly<Record<number, StoreFormat>> = { 2: 'word', 4: 'doubleword', 8: 'quadword' };

interface Store {
  readonly formats: Readonly<Record<number, StoreFormat>>;
  readonly truncates?: boolean;
  readonly pops?: boolean;
}

function storeToMemory<V>(b: Builder<V>, i: Instruction, { formats, truncates = false, pops = false }: Store): void {
  const { bytes } = i.operands[0];
  const format = numberOf(b, storeFormats.indexOf(formats[bytes] ?? 'single'));
  const truncating = flagOf(b, truncates);
  const [low, high, delivered] = b.call('x87ValueToStore', [format, truncating]);
  const none = b.constant(0n);
  b.when(delivered ?? none, () => {
    if (bytes === 10) {
      checkWritable(b, i, 10);
      storePart(b, i, 0, 8, low ?? none);
      storePart(b, i, 8, 2, high ?? none);
    } else storePart(b, i, 0, bytes, low ?? none);
  });
  // What is withheld still has to be writable.
  b.when(isZero(b, delivered ?? none), () => checkWritable(b, i, bytes));
  b.call('x87Stored', [format, truncating, flagOf(b, pops)]);
}

const store =
  (how: Store): Body =>
  (b, i) => {
    ready(b);
    if (inMemory(i)) storeToMemory(b, i, how);
    else b.call('x87StoreRegister', [stackIndex(b, i), flagOf(b, how.pops ?? false)]);
    done(b, i);
  };

/** The conditions of FCMOVcc, as Jcc numbers them (SDM 1 table 8-5). */
const conditionalMove =
  (condition: number): Body =>
  (b, i) => {
    ready(b);
    b.call('x87ConditionalMove', [stackIndex(b, i), b.condition(condition)]);
    done(b, i);
  };

const free =
  (pops: boolean): Body =>
  (b, i) => {
    ready(b);
    b.call('x87Free', [stackIndex(b, i), flagOf(b, pops)]);
    done(b, i);
  };

const moveTop =
  (by: number): Body =>
  (b, i) => {
    ready(b);
    b.call('x87MoveTop', [numberOf(b, by)]);
    done(b, i);
  };

export const x87Moves = {
  FLD: row(load),
  FILD: row((b, i) => {
    ready(b);
    const { bytes } = i.operands[0];
    b.call('x87LoadInteger', [loadPart(b, i, 0, bytes), numberOf(b, bytes)]);
    done(b, i);
  }),
  FBLD: row((b, i) => {
    ready(b);
    b.call('x87LoadDecimal', loadTen(b, i));
    done(b, i);
  }),
  FLD1: row(loadConstant('one')),
  FLDL2T: row(loadConstant('log2Of10')),
  FLDL2E: row(loadConstant('log2OfE')),
  FLDPI: row(loadConstant('pi')),
  FLDLG2: row(loadConstant('log10Of2')),
  FLDLN2: row(loadConstant('ln2')),
  FLDZ: row(loadConstant('zero')),
  FST: row(store({ formats: realFormats })),
  FSTP: row(store({ formats: realFormats, pops: true })),
  /** Without looking whether ST(0) is empty. */
  FSTPNCE: row((b, i) => {
    ready(b);
    b.call('x87StoreUnchecked', [stackIndex(b, i)]);
    done(b, i);
  }),
  FIST: row(store({ formats: integerFormats })),
  FISTP: row(store({ formats: integerFormats, pops: true })),
  FISTTP: row(store({ formats: integerFormats, truncates: true, pops: true })),
  FBSTP: row(store({ formats: { 10: 'decimal' }, pops: true })),
  FXCH: row((b, i) => {
    ready(b);
    b.call('x87Exchange', [stackIndex(b, i)]);
    done(b, i);
  }),
  FCMOVB: row(conditionalMove(2)),
  FCMOVE: row(conditionalMove(4)),
  FCMOVBE: row(conditionalMove(6)),
  FCMOVU: row(conditionalMove(10)),
  FCMOVNB: row(conditionalMove(3)),
  FCMOVNE: row(conditionalMove(5)),
  FCMOVNBE: row(conditionalMove(7)),
  FCMOVNU: row(conditionalMove(11)),
  FFREE: row(free(false)),
  FFREEP: row(free(true)),
  FINCSTP: row(moveTop(1)),
  FDECSTP: row(moveTop(7)),
};
