/** Near branches (SDM 1 6.4, 7.3.8; SDM 2A CALL, Jcc, JMP, LOOP; 2B RET) and the exceptions that have an opcode. */
import type { Builder } from '../builder.ts';
import { boundRange, debugTrap, invalidOpcode, overflow } from '../exception.ts';
import { Flag } from '../flags.ts';
import { type Instruction, OperandKind } from '../instruction.ts';
import { Register } from '../registers.ts';
import { isZero, notZero, read } from './operand-access.ts';
import { type Body, row } from './row.ts';
import { drop, peek, push } from './stack.ts';

function call<V>(b: Builder<V>, i: Instruction): void {
  const [to] = i.operands;
  if (to.kind === OperandKind.relative) {
    b.checkTarget(b.relativeTarget(to, i.operandSize));
    push(b, b.nextInstruction(), i.operandSize);
    b.branch(b.constant(1n), to, i.operandSize);
    return;
  }
  const target = read(b, i, to);
  b.checkTarget(target);
  push(b, b.nextInstruction(), i.operandSize);
  b.jump(target);
}

function jump<V>(b: Builder<V>, i: Instruction): void {
  const [to] = i.operands;
  if (to.kind === OperandKind.relative) {
    b.branch(b.constant(1n), to, i.operandSize);
    return;
  }
  const target = read(b, i, to);
  b.checkTarget(target);
  b.jump(target);
}

function ret<V>(b: Builder<V>, i: Instruction): void {
  const target = peek(b, i.operandSize);
  b.checkTarget(target);
  drop(b, i.operandSize);
  if (i.operandCount > 0) {
    const pointer = b.add(b.register(Register.RSP, b.stackBytes), b.immediate(i.operands[0]));
    b.setRegister(Register.RSP, b.stackBytes, pointer);
  }
  b.jump(target);
}

type Test = <V>(b: Builder<V>) => V;

/** Counts rCX down without touching flags. */
const loop =
  (test: Test): Body =>
  (b, i) => {
    const count = b.cut(b.subtract(b.register(Register.RCX, i.addressSize), b.constant(1n)), i.addressSize);
    const taken = b.and(notZero(b, count), test(b));
    b.when(taken, () => b.checkTarget(b.relativeTarget(i.operands[0], i.operandSize)));
    b.setRegister(Register.RCX, i.addressSize, count);
    b.branch(taken, i.operands[0], i.operandSize);
  };

/** Two signed bounds in memory (SDM 2A BOUND). */
function bound<V>(b: Builder<V>, i: Instruction): void {
  const [index, limits] = i.operands;
  const { bytes } = index;
  const offset = b.effectiveAddress(i, 0);
  const lower = b.load(i.segment, offset, bytes);
  const upper = b.load(i.segment, b.cut(b.add(offset, b.constant(BigInt(limits.bytes - bytes))), i.addressSize), bytes);
  const value = b.signExtend(read(b, i, index), bytes);
  const below = b.lessSigned(value, b.signExtend(lower, bytes));
  const above = b.lessSigned(b.signExtend(upper, bytes), value);
  b.when(b.or(below, above), () => b.raise(boundRange));
}

export const branches = {
  Jcc: row((b, i) => b.branch(b.condition(i.condition), i.operands[0], i.operandSize)),
  JRCXZ: row((b, i) => b.branch(isZero(b, b.register(Register.RCX, i.addressSize)), i.operands[0], i.operandSize)),
  LOOP: row(loop((b) => b.constant(1n))),
  LOOPE: row(loop((b) => b.flag(Flag.ZF))),
  LOOPNE: row(loop((b) => isZero(b, b.flag(Flag.ZF)))),
  JMP: row(jump),
  CALL: row(call),
  RET: row(ret),
  BOUND: row(bound),
  INT1: row((b) => b.raise(debugTrap)),
  INTO: row((b) => b.when(b.flag(Flag.OF), () => b.raise(overflow))),
  UD0: row((b) => b.raise(invalidOpcode)),
  UD1: row((b) => b.raise(invalidOpcode)),
  UD2: row((b) => b.raise(invalidOpcode)),
};
