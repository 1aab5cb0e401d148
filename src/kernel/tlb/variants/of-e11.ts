/** E11 with one thing changed, on parts with INVLPGB. M carries the number of ERAS.md, B that of BUGS.md. */
import { PAGE_SHIFT } from '../../../arch/address.ts';
import { WRITE_ONCE } from '../../cell.ts';
import type { Kernel } from '../../hardware.ts';
import type { mm_struct } from '../../mm_struct.ts';
import { E11, EAGER, GLOBAL_ASIDS, TlbE11 } from '../e11.ts';
import { type Era, TLB_FLUSH_ALL, type TlbflushUnmapBatch } from '../era.ts';
import { GlobalAsids } from '../global_asid.ts';
import { __tlbsync } from '../invlpgb.ts';
import { wholeMm } from '../trace_tlb.ts';
import { variantOf } from './variant.ts';

/** A flush that sees the global ASID may not see yet that processors still run the mm under others. */
class PublishedFirst extends GlobalAsids {
  protected override *mm_assign_global_asid(mm: mm_struct, asid: number): Kernel<void> {
    yield* WRITE_ONCE(mm.global_asid, asid);
    yield* WRITE_ONCE(mm.asid_transition, 1);
  }
}

/** The flush returns when it has been sent. */
class WithoutSync extends TlbE11 {
  protected override *tlbsync(): Kernel<void> {}
}

/** As on arm64: the invalidation of a batch begins with each page, its flush only waits for those that it has sent. */
class EarlyBroadcast extends TlbE11 {
  override *arch_tlbbatch_add_mm(cpu: number, batch: TlbflushUnmapBatch, mm: mm_struct): Kernel<void> {
    yield* super.arch_tlbbatch_add_mm(cpu, batch, mm);
    if (this.invlpgb_count_max === null) return;
    yield { kind: 'invlpgb', operand: { pcid: null, pages: null, includeGlobals: false } };
  }

  override *arch_tlbbatch_flush(cpu: number, batch: TlbflushUnmapBatch): Kernel<void> {
    if (this.invlpgb_count_max === null) {
      yield* super.arch_tlbbatch_flush(cpu, batch);
      return;
    }
    const flush = this.core.nextFlush();
    const ranges = batch.mms.map(wholeMm);
    this.trace.flushBegin(cpu, { flush, reason: 'batched unmap', ranges, batch: true });
    this.trace.everywhere(flush, ranges, 'full', 'INVLPGB sent with each page');
    yield* __tlbsync();
    batch.cpumask = 0n;
    batch.mms = [];
    this.trace.flushReturn(cpu, flush);
  }
}

/** TLBSYNC waits for this processor's INVLPGBs; those of the batch are another's. */
class PendingOnlySyncs extends EarlyBroadcast {
  *arch_flush_tlb_batched_pending(cpu: number, mm: mm_struct): Kernel<void> {
    if (this.invlpgb_count_max !== null) {
      yield* __tlbsync();
      return;
    }
    const request = { start: 0n, end: TLB_FLUSH_ALL, stride_shift: PAGE_SHIFT, freed_tables: true };
    yield* this.flush_tlb_mm_range(cpu, mm, { ...request, reason: 'batched flush pending' });
  }
}

export const VARIANTS_OF_E11: readonly Era[] = [
  variantOf(E11, {
    id: 'M17',
    change: 'publishes the global ASID before the mm is marked as in transition',
    tlb: (core) => new TlbE11(core, EAGER, new PublishedFirst(core, GLOBAL_ASIDS)),
  }),
  variantOf(E11, { id: 'M18', change: 'does not wait for INVLPGB', tlb: (core) => new WithoutSync(core, EAGER) }),
  variantOf(E11, {
    id: 'early',
    change: 'sends the INVLPGB of a batch with each page, and waits for them at its flush',
    harmless: true,
    tlb: (core) => new EarlyBroadcast(core),
  }),
  variantOf(E11, {
    id: 'B52',
    change: 'sends the INVLPGB of a batch with each page; who finds a flush owed waits for INVLPGBs of its own',
    tlb: (core) => new PendingOnlySyncs(core),
  }),
];
