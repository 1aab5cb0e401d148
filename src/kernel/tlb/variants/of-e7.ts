/** E7 with one thing changed. B carries the number of BUGS.md. */
import type { Kernel } from '../../hardware.ts';
import { E7, type flush_tlb_info, TlbE7 } from '../e7.ts';
import type { Era } from '../era.ts';
import { variantOf } from './variant.ts';

/** The early return as first written: a batched unmap, which names no generation, then flushes nobody. */
class ZeroIsReached extends TlbE7 {
  protected override is_already_reached(f: flush_tlb_info, local_tlb_gen: number): boolean {
    return f.new_tlb_gen <= local_tlb_gen;
  }
}

/**
 * Lives with INVLPG that leaves global translations, as FreeBSD does: kernel ranges cost every translation of every PCID,
 * globals included, where Linux goes without PCIDs.
 */
class FlushAllForKernel extends TlbE7 {
  protected override *do_kernel_range_flush(cpu: number, _start: bigint, _end: bigint, flush: number): Kernel<void> {
    yield* this.do_flush_tlb_all(cpu, flush);
  }
}

export const VARIANTS_OF_E7: readonly Era[] = [
  variantOf(E7, {
    id: 'B4',
    change: 'takes generation 0, which names none, for one already reached',
    tlb: (core) => new ZeroIsReached(core),
  }),
  variantOf(E7, {
    id: 'wide',
    change: 'flushes everything for a range of the kernel, without INVLPG',
    harmless: true,
    tlb: (core) => new FlushAllForKernel(core),
  }),
];
