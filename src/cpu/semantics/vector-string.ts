/** Comparison of text in vectors (SDM 1 12.11.1; 2B 4.1, PCMPESTRI to PCMPISTRM). Memory need not be aligned. */
import { Flag, FlagKind } from '../flags.ts';
import { Register } from '../registers.ts';
import { bitAt } from './operand-access.ts';
import type { Semantics } from './row.ts';
import { readUnaligned, readVector, vectorRow } from './vector-operand.ts';

interface Variant {
  /** Lengths are in RAX and RDX; otherwise texts end at a zero. */
  readonly explicit: boolean;
  /** The result is a number in ECX; otherwise a vector in XMM0. */
  readonly index: boolean;
}

function compareTexts({ explicit, index }: Variant): Semantics {
  return vectorRow((b, i) => {
    const [first, second, control] = i.operands;
    const lengthIn = (register: Register) =>
      explicit ? b.signExtend(b.register(register, i.operandSize), i.operandSize) : b.constant(0n);
    b.passVector(1, readUnaligned(b, i, second));
    b.passVector(0, readVector(b, i, first));
    const explicitly = b.constant(explicit ? 1n : 0n);
    const lengths = [lengthIn(Register.RAX), lengthIn(Register.RDX)];
    const [place, relation] = b.call('compareTexts', [b.immediate(control), explicitly, ...lengths]);
    if (place === undefined || relation === undefined) return;
    // A result of 1 clears all flags.
    const one = b.constant(1n);
    b.setFlags(FlagKind.logic, 8, one, one, one);
    for (const flag of [Flag.CF, Flag.ZF, Flag.SF, Flag.OF]) b.setFlag(flag, bitAt(b, relation, flag));
    if (index) b.setRegister(Register.RCX, 4, place);
    else b.setVectorRegister(0, b.passedVector(0));
  });
}

export const vectorStrings = {
  PCMPESTRI: compareTexts({ explicit: true, index: true }),
  PCMPESTRM: compareTexts({ explicit: true, index: false }),
  PCMPISTRI: compareTexts({ explicit: false, index: true }),
  PCMPISTRM: compareTexts({ explicit: false, index: false }),
};
