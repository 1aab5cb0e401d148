/** MXCSR and the end of MMX code (SDM 1 10.2.3, 9.6.3; 2A LDMXCSR, EMMS; 2B STMXCSR). */
import { generalProtection } from '../exception.ts';
import { notZero, read, write } from './operand-access.ts';
import { row } from './row.ts';
import { vectorRow } from './vector-operand.ts';

/** Bits 31:16. */
const reserved = 0xffff_0000n;

export const vectorState = {
  LDMXCSR: vectorRow((b, i) => {
    const value = read(b, i, i.operands[0]);
    b.when(notZero(b, b.and(value, b.constant(reserved))), () => b.raise(generalProtection));
    b.setMxcsr(value);
  }),
  STMXCSR: vectorRow((b, i) => write(b, i, i.operands[0], b.mxcsr())),
  EMMS: row((b) => {
    b.requireUnit('mmx');
    b.call('emptyRegisters', []);
  }),
};
