/**
 * x87 arithmetic and transcendental functions (SDM 1 8.3.5, 8.3.7 to 8.3.9; SDM 2A FADD, FSUB, FMUL, FDIV, FSQRT, FPREM, FRNDINT,
 * FSCALE, FXTRACT, FCHS, FABS, F2XM1, FCOS, FPATAN, FPTAN, FSIN, FSINCOS, FYL2X, FYL2XP1).
 */
import type { Builder } from '../builder.ts';
import type { HelperName } from '../helpers/table.ts';
import { x87Operations, type X87Operation } from '../helpers/x87-arithmetic.ts';
import type { Instruction } from '../instruction.ts';
import { type Body, row } from './row.ts';
import { done, flagOf, inMemory, loadPart, numberOf, ready, stackIndex } from './x87-access.ts';

/** ST(0) and a number from memory, of 4 or 8 bytes. */
function withMemory<V>(b: Builder<V>, i: Instruction, operation: V): void {
  const { bytes } = i.operands[0];
  b.call(bytes === 4 ? 'x87OperateSingle' : 'x87OperateDouble', [operation, loadPart(b, i, 0, bytes)]);
}

/** The first operand says where the result goes: ST(0) when it is fixed, else the register by ModR/M. */
function betweenRegisters<V>(b: Builder<V>, i: Instruction, operation: V, pops: boolean): void {
  const toTop = i.form.operands[0]?.text === 'ST0';
  if (toTop) b.call('x87OperateTop', [operation, stackIndex(b, i)]);
  else b.call('x87OperateRegister', [operation, stackIndex(b, i), flagOf(b, pops)]);
}

const operate =
  (name: X87Operation, pops = false): Body =>
  (b, i) => {
    ready(b);
    const operation = numberOf(b, x87Operations.indexOf(name));
    if (inMemory(i)) withMemory(b, i, operation);
    else betweenRegisters(b, i, operation, pops);
    done(b, i);
  };

const operateInteger =
  (name: X87Operation): Body =>
  (b, i) => {
    ready(b);
    const operation = numberOf(b, x87Operations.indexOf(name));
    const { bytes } = i.operands[0];
    b.call('x87OperateInteger', [operation, loadPart(b, i, 0, bytes), numberOf(b, bytes)]);
    done(b, i);
  };

/** On registers only, by one helper. */
const byHelper =
  (helper: HelperName, argument?: bigint): Body =>
  (b, i) => {
    ready(b);
    b.call(helper, argument === undefined ? [] : [b.constant(argument)]);
    done(b, i);
  };

export const x87Arithmetic = {
  FADD: row(operate('add')),
  FADDP: row(operate('add', true)),
  FIADD: row(operateInteger('add')),
  FMUL: row(operate('multiply')),
  FMULP: row(operate('multiply', true)),
  FIMUL: row(operateInteger('multiply')),
  FSUB: row(operate('subtract')),
  FSUBP: row(operate('subtract', true)),
  FISUB: row(operateInteger('subtract')),
  FSUBR: row(operate('subtractReversed')),
  FSUBRP: row(operate('subtractReversed', true)),
  FISUBR: row(operateInteger('subtractReversed')),
  FDIV: row(operate('divide')),
  FDIVP: row(operate('divide', true)),
  FIDIV: row(operateInteger('divide')),
  FDIVR: row(operate('divideReversed')),
  FDIVRP: row(operate('divideReversed', true)),
  FIDIVR: row(operateInteger('divideReversed')),
  FCHS: row(byHelper('x87ChangeSign')),
  FABS: row(byHelper('x87Absolute')),
  FSQRT: row(byHelper('x87SquareRoot')),
  FRNDINT: row(byHelper('x87RoundToInteger')),
  FSCALE: row(byHelper('x87Scale')),
  FPREM: row(byHelper('x87PartialRemainder', 0n)),
  FPREM1: row(byHelper('x87PartialRemainder', 1n)),
  FXTRACT: row(byHelper('x87Extract')),
  FSIN: row(byHelper('x87Sine')),
  FCOS: row(byHelper('x87Cosine')),
  FSINCOS: row(byHelper('x87SineCosine')),
  FPTAN: row(byHelper('x87Tangent')),
  FPATAN: row(byHelper('x87ArcTangent')),
  F2XM1: row(byHelper('x87PowerMinus1')),
  FYL2X: row(byHelper('x87Logarithm')),
  FYL2XP1: row(byHelper('x87LogarithmOfPlus1')),
};
