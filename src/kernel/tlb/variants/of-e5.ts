/** E5 with one thing changed. M carries the number of ERAS.md, B that of BUGS.md. */
import type { Kernel } from '../../hardware.ts';
import { E5, TlbE5 } from '../e5.ts';
import type { Era } from '../era.ts';
import { variantOf } from './variant.ts';

/** Who returns may still look lazy to a flusher, and yet read the generation from before that flush. */
class WithoutBarrier extends TlbE5 {
  protected override *order_is_lazy_before_tlb_gen(): Kernel<void> {}
}

/** A lazy processor may go on walking tables that have been freed. */
class NeverReachesLazy extends TlbE5 {
  protected override reaches_lazy(): boolean {
    return false;
  }
}

export const VARIANTS_OF_E5: readonly Era[] = [
  variantOf(E5, {
    id: 'no-mb',
    change: 'no barrier between leaving lazy mode and reading the generation',
    tlb: (core) => new WithoutBarrier(core),
  }),
  variantOf(E5, {
    id: 'M10',
    change: 'leaves lazy processors alone, freed tables or not',
    tlb: (core) => new NeverReachesLazy(core),
  }),
  variantOf(E5, {
    id: 'B24',
    change: 'hands page tables back after an IPI that only interrupts',
    mm: { emptyIpiForTables: true },
  }),
];
