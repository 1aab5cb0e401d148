/** The eras and variants that the tools try, and whether each has a bug. */
import { listEras } from '../../src/scenario/era-list.ts';

/** E9 and E10 are as released: their switch has a window that is real. */
const WINDOWS: ReadonlySet<string> = new Set(['E2', 'E9', 'E10']);

export const VARIANTS_OF_ERAS: readonly string[] = listEras().map(({ id }) => id);

export function eraById(id: string): { readonly broken: boolean } {
  const era = listEras().find((each) => each.id === id);
  if (era === undefined) throw new Error(`no era ${id}`);
  return { broken: WINDOWS.has(id) || (era.variantOf !== null && !era.variantOf.harmless) };
}
