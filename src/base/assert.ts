import { InvariantError } from './errors.ts';

/** Throws InvariantError unless the condition holds: a failure is our bug, never the guest's or the user's. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Ends a switch over a tagged union: a type error when a case is missing. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${JSON.stringify(value)}`);
}

/** The value, which our own code guarantees to be there. */
export function present<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new InvariantError(`missing: ${what}`);
  return value;
}
