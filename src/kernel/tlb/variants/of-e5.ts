/** E5 with one thing changed. M carries the number of ERAS.md, B that of BUGS.md. */
import { PAGE_SHIFT } from '../../../arch/address.ts';
import type { Kernel } from '../../hardware.ts';
import type { mm_struct } from '../../mm_struct.ts';
import { E5, TlbE5 } from '../e5.ts';
import type { Era, FlushRequest } from '../era.ts';
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

/** What of the kernel's pages sits under the PCIDs of slots that are not loaded is forgotten. */
class OtherSlotsKept extends TlbE5 {
  protected override *clear_asid_other(cpu: number): Kernel<void> {
    yield* this.isolation.others_are_invalid(cpu);
  }
}

/** INVLPG for one address of a 2-MByte page invalidates all of its translation (SDM 3A 4.10.4.1). */
class FirstPageOfLarge extends TlbE5 {
  override flush_tlb_mm_range(cpu: number, mm: mm_struct, request: FlushRequest): Kernel<void> {
    const { start, end, stride_shift } = request;
    const large = stride_shift > PAGE_SHIFT && end - start === 1n << BigInt(stride_shift);
    const first = { ...request, end: start + (1n << BigInt(PAGE_SHIFT)), stride_shift: PAGE_SHIFT };
    return super.flush_tlb_mm_range(cpu, mm, large ? first : request);
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
    id: 'M21',
    change: 'flushes the first 4 KBytes of a 2-MByte page',
    harmless: true,
    tlb: (core) => new FirstPageOfLarge(core),
  }),
  variantOf(E5, {
    id: 'B14',
    change: 'flushes kernel pages in the loaded PCID only, with page-table isolation',
    tlb: (core) => new OtherSlotsKept(core),
  }),
  variantOf(E5, {
    id: 'B24',
    change: 'hands page tables back after an IPI that only interrupts',
    mm: { emptyIpiForTables: true },
  }),
];
