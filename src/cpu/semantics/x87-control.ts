/**
 * x87 control instructions (SDM 1 8.3.11, 8.3.12; SDM 2A FCLEX, FINIT, FLDCW, FLDENV, FRSTOR, FSAVE, FSTCW, FSTENV, FSTSW; 2D WAIT). The
 * environment has the protected-mode layouts; selectors in it are 0. Its layouts in real mode are not here.
 */
import type { Builder } from '../builder.ts';
import type { Instruction } from '../instruction.ts';
import { write } from './operand-access.ts';
import { row } from './row.ts';
import { checkWritable, done, loadPart, numberOf, ready, readyWithoutWaiting, storePart } from './x87-access.ts';

/** Bytes of each of the environment's seven fields, and of all. */
const fieldBytes = ({ operandSize }: Instruction): number => (operandSize === 2 ? 2 : 4);
const environmentBytes = (i: Instruction): number => 7 * fieldBytes(i);
const registerBytes = 10;
const registerNumbers = [0, 1, 2, 3, 4, 5, 6, 7] as const;

function field<V>(b: Builder<V>, value: V, at: number): V {
  return b.cut(b.shiftRight(value, numberOf(b, at * 16)), 2);
}

/** Upper halves of the words are ones (model; reserved). Layouts: SDM 1 figures 8-9 and 8-11. */
function storeEnvironment<V>(b: Builder<V>, i: Instruction): void {
  const bytes = fieldBytes(i);
  const none = b.constant(0n);
  const [words = none, instruction = none, opcode = none, data = none] = b.call('x87Environment', []);
  const ones = b.constant(0xffff_0000n);
  const opcodeField = bytes === 2 ? none : b.shiftLeft(opcode, b.constant(16n));
  const fields = [
    b.or(field(b, words, 0), ones),
    b.or(field(b, words, 1), ones),
    b.or(field(b, words, 2), ones),
    instruction,
    opcodeField,
    data,
    ones,
  ];
  for (const [at, value] of fields.entries()) storePart(b, i, at * bytes, bytes, value);
}

/** The environment's fields, loaded; helpers take them later, when nothing can fault any more. */
function loadEnvironment<V>(b: Builder<V>, i: Instruction): readonly V[] {
  const bytes = fieldBytes(i);
  const at = (place: number, size = 2): V => loadPart(b, i, place * bytes, size);
  const status = b.shiftLeft(at(1), b.constant(16n));
  const words = b.or(b.or(at(0), status), b.shiftLeft(at(2), b.constant(32n)));
  const opcode = bytes === 2 ? b.constant(0n) : loadPart(b, i, 4 * bytes + 2, 2);
  // The data pointer's selector, which is not kept.
  at(6, bytes);
  return [words, at(3, bytes), opcode, at(5, bytes)];
}

function storeState<V>(b: Builder<V>, i: Instruction): void {
  const start = environmentBytes(i);
  const none = b.constant(0n);
  checkWritable(b, i, start + 8 * registerBytes);
  storeEnvironment(b, i);
  for (const number of registerNumbers) {
    const [low = none, high = none] = b.call('x87Register', [numberOf(b, number)]);
    storePart(b, i, start + number * registerBytes, 8, low);
    storePart(b, i, start + number * registerBytes + 8, 2, high);
  }
  b.call('x87Initialize', []);
}

function loadState<V>(b: Builder<V>, i: Instruction): void {
  const start = environmentBytes(i);
  const environment = loadEnvironment(b, i);
  const contents = registerNumbers.map((number) => ({
    number: numberOf(b, number),
    low: loadPart(b, i, start + number * registerBytes, 8),
    high: loadPart(b, i, start + number * registerBytes + 8, 2),
  }));
  b.call('x87SetEnvironment', environment);
  for (const { number, low, high } of contents) b.call('x87SetRegister', [number, low, high]);
}

function single<V>(b: Builder<V>, values: readonly V[]): V {
  return values[0] ?? b.constant(0n);
}

/** What was for the 8087 and 80287 only. */
const nothing = row((b) => readyWithoutWaiting(b));

export const x87Control = {
  WAIT: row((b) => {
    b.call('x87Wait', []);
  }),
  FNOP: row((b, i) => {
    ready(b);
    done(b, i);
  }),
  FNENI: nothing,
  FNDISI: nothing,
  FNSETPM: nothing,
  FNCLEX: row((b) => {
    readyWithoutWaiting(b);
    b.call('x87ClearExceptions', []);
  }),
  FNINIT: row((b) => {
    readyWithoutWaiting(b);
    b.call('x87Initialize', []);
  }),
  FLDCW: row((b, i) => {
    ready(b);
    b.call('x87SetControlWord', [loadPart(b, i, 0, 2)]);
  }),
  FNSTCW: row((b, i) => {
    readyWithoutWaiting(b);
    write(b, i, i.operands[0], single(b, b.call('x87ControlWord', [])));
  }),
  FNSTSW: row((b, i) => {
    readyWithoutWaiting(b);
    write(b, i, i.operands[0], single(b, b.call('x87StatusWord', [])));
  }),
  FNSTENV: row((b, i) => {
    readyWithoutWaiting(b);
    checkWritable(b, i, environmentBytes(i));
    storeEnvironment(b, i);
    b.call('x87MaskAll', []);
  }),
  FLDENV: row((b, i) => {
    ready(b);
    b.call('x87SetEnvironment', loadEnvironment(b, i));
  }),
  FNSAVE: row((b, i) => {
    readyWithoutWaiting(b);
    storeState(b, i);
  }),
  FRSTOR: row((b, i) => {
    ready(b);
    loadState(b, i);
  }),
};
