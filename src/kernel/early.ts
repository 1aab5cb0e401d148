/** Kernel code that runs before any processor does: straight against memory, with nobody to see the steps. */
import { UnsupportedError } from '../base/errors.ts';
import type { Hardware, Kernel } from './hardware.ts';

/**
 * Runs code that only loads, stores and zeroes, and to which the memory that it zeroes is new (memory starts as zeros).
 */
export function run_early<T>(hardware: Hardware, code: Kernel<T>): T {
  let next = code.next();
  while (!next.done) {
    const action = next.value;
    let result = 0n;
    if (action.kind === 'load') result = hardware.peek(action.address);
    else if (action.kind === 'store') hardware.poke(action.address, action.value);
    else if (action.kind === 'acquire') hardware.poke(action.address, 1n);
    else if (action.kind !== 'zero-frame') throw new UnsupportedError(`${action.kind} before the first processor runs`);
    next = code.next(result);
  }
  return next.value;
}
