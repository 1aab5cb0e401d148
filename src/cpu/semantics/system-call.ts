/** Instructions that end in the kernel (SDM 2B SYSCALL; 2A HLT): what of them is the program's to see. The rest is the caller's. */
import type { Builder } from '../builder.ts';
import { Register } from '../registers.ts';
import { row } from './row.ts';

const R11 = 11;

/** RCX holds the way back, R11 the flags; masking flags and loading segments come with entering the kernel. */
function systemCall<V>(b: Builder<V>): void {
  b.setRegister(Register.RCX, 8, b.nextInstruction());
  b.setRegister(R11, 8, b.flagsImage());
  b.stop('system-call');
}

export const systemCalls = {
  SYSCALL: row(systemCall),
  /** Privileged: who drives the engine knows the privilege level. */
  HLT: row((b) => b.stop('halt')),
} as const;
