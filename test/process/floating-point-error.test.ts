/** si_code of SIGFPE, by the flags that are raised and not masked. */
import { describe, expect, it } from 'vitest';
import { SI } from '../../src/arch/linux-signal.ts';
import { RegisterFile } from '../../src/cpu/registers.ts';
import { simdErrorCode, x87ErrorCode } from '../../src/process/signals/floating-point-error.ts';

const rows = [
  { what: 'invalid', flags: 0x01, masks: 0x3e, code: SI.FPE_FLTINV },
  { what: 'division by zero', flags: 0x04, masks: 0x3b, code: SI.FPE_FLTDIV },
  { what: 'overflow, with an inexact result', flags: 0x28, masks: 0x07, code: SI.FPE_FLTOVF },
  { what: 'underflow', flags: 0x10, masks: 0x2f, code: SI.FPE_FLTUND },
  { what: 'a denormal operand', flags: 0x02, masks: 0x3d, code: SI.FPE_FLTUND },
  { what: 'an inexact result', flags: 0x20, masks: 0x1f, code: SI.FPE_FLTRES },
  { what: 'an inexact result after a masked invalid operation', flags: 0x21, masks: 0x1f, code: SI.FPE_FLTRES },
  { what: 'nothing that is not masked', flags: 0x3f, masks: 0x3f, code: 0 },
];

describe('the code of SIGFPE', () => {
  it.each(rows)('$what', ({ flags, masks, code }) => {
    const registers = new RegisterFile();
    registers.x87Words[0] = 0x340 | masks;
    registers.x87Words[1] = 0x3800 | flags;
    registers.mxcsr = (masks << 7) | flags;
    expect([x87ErrorCode(registers), simdErrorCode(registers)]).toEqual([code, code]);
  });
});
