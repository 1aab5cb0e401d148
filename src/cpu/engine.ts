/**
 * What an engine is to the processor around it: something that executes instructions on a register file until there is
 * something to do that is not an instruction. Engines differ in speed only: with the same state and the same budget
 * they stop in the same place with the same state.
 */
import type { Exception } from './exception.ts';
import type { CodeSize } from './instruction.ts';
import type { RegisterFile } from './registers.ts';

/** Why an engine stopped, at an instruction boundary. */
export type Stop =
  /** The budget is used up, or `Engine.interrupt` was asked for. */
  | { readonly kind: 'budget' }
  /** A fault: nothing of the instruction at RIP has happened. A trap: RIP is that of the next instruction. */
  | { readonly kind: 'exception'; readonly exception: Exception }
  /** SYSCALL: RCX and R11 are set and RIP is that of the next instruction; entering the kernel is left to the caller. */
  | { readonly kind: 'system-call' }
  /** HLT: RIP is that of the next instruction. */
  | { readonly kind: 'halt' };

export interface Engine {
  readonly registers: RegisterFile;
  /** Bits of the code segment. */
  codeSize: CodeSize;
  /**
   * Instructions executed so far. A repeated string instruction counts once for every `iterationsAtOnce` iterations
   * begun, and an instruction that faults does not count.
   */
  readonly executed: number;
  /** Executes at most so many instructions. */
  run(budget: number): Stop;
  /** Ends the present `run` after the current instruction: for system instructions that let an interrupt in. */
  interrupt(): void;
}

/** Iterations of a repeated instruction before the engine looks at interrupts and its budget again. */
export const iterationsAtOnce = 64;

/** The exception that an engine stopped for, if it did. */
export function exceptionOfStop(stop: Stop | undefined): Exception | undefined {
  return stop?.kind === 'exception' ? stop.exception : undefined;
}
