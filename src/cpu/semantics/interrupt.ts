/** Software interrupts, the way back, interrupt flags, and calls into the kernel (SDM 2A CLI, HLT, INT n, IRET; 2B STI, SYSCALL, SYSRET). */
import type { Builder } from '../builder.ts';
import { invalidOpcode } from '../exception.ts';
import type { HelperName } from '../helpers/table.ts';
import type { Instruction } from '../instruction.ts';
import { Register } from '../registers.ts';
import { type Body, row } from './row.ts';

const R11 = 11;
const breakpointVector = 3n;

/** To where a helper says. */
export function jumpBy<V>(b: Builder<V>, helper: HelperName, values: readonly V[]): void {
  const [target] = b.call(helper, values);
  b.jump(target ?? b.constant(0n));
}

function sized<V>(b: Builder<V>, i: Instruction): V {
  return b.constant(BigInt(i.operandSize));
}

/** RCX holds the way back, R11 the flags; who drives the engine enters the kernel: system/fast-call.ts, or a kernel outside. */
function systemCall<V>(b: Builder<V>): void {
  b.call('checkSystemCall', []);
  b.setRegister(Register.RCX, 8, b.nextInstruction());
  b.setRegister(R11, 8, b.flagsImage());
  b.stop('system-call');
}

const alone =
  (helper: HelperName): Body =>
  (b) => {
    b.call(helper, []);
  };

export const interrupts = {
  INT: row((b, i) => jumpBy(b, 'softwareInterrupt', [b.immediate(i.operands[0]), b.nextInstruction()])),
  INT3: row((b) => jumpBy(b, 'softwareInterrupt', [b.constant(breakpointVector), b.nextInstruction()])),
  IRET: row((b, i) => jumpBy(b, 'interruptReturn', [sized(b, i)])),
  SYSCALL: row(systemCall),
  SYSRET: row((b, i) => jumpBy(b, 'systemReturn', [sized(b, i)])),
  SYSENTER: row((b) => jumpBy(b, 'fastEnter', [])),
  SYSEXIT: row((b, i) => jumpBy(b, 'fastExit', [sized(b, i)])),
  CLI: row(alone('clearInterruptFlag')),
  STI: row(alone('setInterruptFlag')),
  CLAC: row(alone('clearAlignmentFlag')),
  STAC: row(alone('setAlignmentFlag')),
  /** There is no system-management mode. */
  RSM: row((b) => b.raise(invalidOpcode)),
  HLT: row((b) => {
    b.call('requirePrivilege', []);
    b.stop('halt');
  }),
};
