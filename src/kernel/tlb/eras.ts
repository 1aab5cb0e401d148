/** Every era and every variant, in the order in which they are listed. */
import type { Era } from './era.ts';
import { E1 } from './e1.ts';

export const ERAS: readonly Era[] = [E1];

/** By id, in any case. Null when there is none. */
export function eraById(id: string): Era | null {
  return ERAS.find((era) => era.id.toLowerCase() === id.toLowerCase()) ?? null;
}
