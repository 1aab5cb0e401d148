/**
 * Work of an instruction that is done by a function, the same for every engine, instead of being built from operations:
 * what is rare or long (the x87 FPU, system registers), or asks somebody else (CPUID, the time).
 */
import type { Exception } from '../exception.ts';
import type { ProcessorPort } from '../ports.ts';
import type { RegisterFile } from '../registers.ts';

export interface HelperContext {
  readonly registers: RegisterFile;
  readonly processor: ProcessorPort;
}

/**
 * Values are 64 bits, unsigned. RIP is that of the instruction, and the flags are as it found or left them. A helper that gives an
 * exception has changed nothing.
 */
export interface Helper {
  /** How many values it is given; the others are 0. */
  readonly arguments: 0 | 1 | 2 | 3 | 4;
  /** How many it gives when there is no exception. */
  readonly results: 0 | 1 | 2 | 3 | 4;
  run(context: HelperContext, a: bigint, b: bigint, c: bigint, d: bigint): readonly bigint[] | Exception;
}

/** The exception, if that is what a helper gave. */
export function exceptionOf(outcome: readonly bigint[] | Exception): Exception | undefined {
  return 'vector' in outcome ? outcome : undefined;
}
