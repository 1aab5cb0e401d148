/** Far jumps, calls and returns (SDM 2A CALL, JMP; 2B RET). */
import type { Builder } from '../builder.ts';
import { type Instruction, OperandKind } from '../instruction.ts';
import { jumpBy } from './interrupt.ts';
import { row } from './row.ts';
import { loadFarPointer } from './segment.ts';

/** Selector and offset: in memory, or in the instruction. */
function pointer<V>(b: Builder<V>, i: Instruction): readonly [V, V] {
  const [to] = i.operands;
  if (to.kind === OperandKind.memory) {
    const { offset, selector } = loadFarPointer(b, i, i.operandSize);
    return [selector, offset];
  }
  const whole = b.immediate(to);
  return [b.shiftRight(whole, b.constant(32n)), b.cut(whole, i.operandSize)];
}

export const farBranches = {
  JMPF: row((b, i) => jumpBy(b, 'farJump', pointer(b, i))),
  CALLF: row((b, i) => {
    jumpBy(b, 'farCall', [...pointer(b, i), b.nextInstruction(), b.constant(BigInt(i.operandSize))]);
  }),
  RETF: row((b, i) => {
    const released = i.operandCount > 0 ? b.immediate(i.operands[0]) : b.constant(0n);
    jumpBy(b, 'farReturn', [b.constant(BigInt(i.operandSize)), released]);
  }),
};
