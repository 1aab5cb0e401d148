/**
 * How a guest ends before its workload does: its kernel stops itself, it asks for something that the machine does not
 * model, or everything in it waits. To whoever runs it that is a value; what was observed until then stands.
 */
import { UnsupportedError } from '../base/errors.ts';
import { KernelPanic } from '../kernel/bug.ts';
import { Deadlock } from './scheduler.ts';

/** What the guest died of, in one line. Throws the error on when it is none of the guest's. */
export function causeOfDeath(error: unknown): string {
  if (error instanceof KernelPanic) return `kernel panic: ${error.message}`;
  if (error instanceof UnsupportedError) return `not supported: ${error.message}`;
  if (error instanceof Deadlock) return `deadlock: ${error.message}`;
  throw error;
}
