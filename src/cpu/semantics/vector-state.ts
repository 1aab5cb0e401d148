/** MXCSR and the end of MMX code (SDM 1 10.2.3, 9.6.3; 2A LDMXCSR, EMMS; 2B STMXCSR). */
import { read, write } from './operand-access.ts';
import { row } from './row.ts';
import { checkMxcsr } from './state-image.ts';
import { vectorRow } from './vector-operand.ts';

export const vectorState = {
  LDMXCSR: vectorRow((b, i) => {
    const value = read(b, i, i.operands[0]);
    checkMxcsr(b, value, b.constant(1n));
    b.setMxcsr(value);
  }),
  STMXCSR: vectorRow((b, i) => write(b, i, i.operands[0], b.mxcsr())),
  EMMS: row((b) => {
    b.requireUnit('mmx');
    b.call('emptyRegisters', []);
  }),
};
