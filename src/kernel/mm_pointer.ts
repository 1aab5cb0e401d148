/**
 * Pointers to an mm that are compared or marked, never followed: what another processor has loaded may be an mm that is
 * gone by the time it is looked at, or none at all.
 */
import type { Cell } from './cell.ts';

/** In loaded_mm, with interrupts off: CR3 holds the old tables or the new ones. No mm's address. */
export const LOADED_MM_SWITCHING = 1n;

/** The same eight bytes, not decoded. */
export function pointer_bits<T>({ address }: Cell<T>): Cell<bigint> {
  const same = (bits: bigint): bigint => bits;
  return { address, encode: same, decode: same };
}
