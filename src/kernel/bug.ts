/**
 * The kernel's own BUG(). The mini-kernel is a guest: what it finds in its page tables may have been written through a
 * stale translation, so where it does not find what it must, the guest dies, and everything observed until then stands.
 */

/** The guest kernel stopped itself. */
export class KernelPanic extends Error {
  override readonly name = 'KernelPanic';
}

/** Ends the guest unless the condition holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new KernelPanic(message);
}

/** The value, or the end of the guest. */
export function present<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new KernelPanic(`missing: ${what}`);
  return value;
}
