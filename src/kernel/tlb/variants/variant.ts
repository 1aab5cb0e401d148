/** An era with one thing changed: in its TLB code, or in the page-table code around it. */
import type { Era, MmVariant } from '../era.ts';

export interface Variant {
  /** Mutants and historical faults: their number in ERAS.md (M) or BUGS.md (B). */
  readonly id: string;
  readonly change: string;
  /** Nothing can go stale by it, so nothing may be reported. */
  readonly harmless?: boolean;
  readonly tlb?: Era['tlb'];
  readonly mm?: MmVariant;
}

export function variantOf(base: Era, { id, change, harmless = false, tlb = base.tlb, mm }: Variant): Era {
  const variant = { era: base.id, change, harmless };
  const era: Era = { ...base, id: `${base.id}-${id}`, summary: change, variantOf: variant, tlb };
  return mm === undefined ? era : { ...era, mm };
}
