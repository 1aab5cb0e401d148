/** The eras that a run can choose, as data for whoever lists them. */
import { ERAS } from '../kernel/tlb/eras.ts';

export interface EraSummary {
  readonly id: string;
  readonly kernels: string;
  readonly summary: string;
  /** For a variant: the era it departs from, how, and whether it is meant to be harmless. */
  readonly variantOf: { readonly era: string; readonly change: string; readonly harmless: boolean } | null;
}

export function listEras(): readonly EraSummary[] {
  return ERAS.map(({ id, kernels, summary, variantOf }) => ({ id, kernels, summary, variantOf: variantOf ?? null }));
}
