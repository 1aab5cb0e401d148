/** E3 with one thing changed. M carries the number of ERAS.md, B that of BUGS.md. */
import { present } from '../../bug.ts';
import type { AddressRange } from '../../../event/event.ts';
import { READ_ONCE, WRITE_ONCE } from '../../cell.ts';
import type { Kernel } from '../../hardware.ts';
import type { mm_struct } from '../../mm_struct.ts';
import { E3, type flush_tlb_info, type NewAsid, TlbE3 } from '../e3.ts';
import type { Era } from '../era.ts';
import { variantOf } from './variant.ts';

/** Flushes that were missed while another mm was loaded stay missed. */
class NoGenerationTest extends TlbE3 {
  protected override is_behind(): boolean {
    return false;
  }
}

/** A processor that switches to the mm in between is neither sent an IPI nor shown the new generation. */
class MaskBeforeGeneration extends TlbE3 {
  readonly #early = new Map<number, bigint>();

  protected override *inc_mm_tlb_gen(cpu: number, mm: mm_struct): Kernel<number> {
    this.#early.set(cpu, yield* super.mm_cpumask(cpu, mm));
    return yield* super.inc_mm_tlb_gen(cpu, mm);
  }

  // biome-ignore lint/correctness/useYield: what it would read has been read
  protected override *mm_cpumask(cpu: number, _mm: mm_struct): Kernel<bigint> {
    return present(this.#early.get(cpu), 'mm_cpumask, read too early');
  }
}

/** Without PCIDs: whoever stays lazy keeps the mm's translations and its paging-structure caches, freed tables or not. */
class LazySkipsFlush extends TlbE3 {
  // biome-ignore lint/correctness/useYield: it does nothing
  protected override *flush_while_lazy(cpu: number, f: flush_tlb_info, range: AddressRange): Kernel<void> {
    this.trace.decision(cpu, f.flush, range, 'skip', 'lazy');
  }
}

/** The slot's former mm leaves its translations to the next. */
class RecycleWithoutFlush extends TlbE3 {
  protected override *choose_new_asid(cpu: number, next: mm_struct, next_tlb_gen: number): Kernel<NewAsid> {
    const chosen = yield* super.choose_new_asid(cpu, next, next_tlb_gen);
    const { ctx_id, tlb_gen } = this.ctxs(cpu, chosen.asid);
    if (!this.pcid || (yield* READ_ONCE(ctx_id)) === next.ctx_id) return chosen;
    yield* WRITE_ONCE(ctx_id, next.ctx_id);
    yield* WRITE_ONCE(tlb_gen, next_tlb_gen);
    this.trace.slot(cpu, chosen.asid, this.kern_pcid(chosen.asid), next.ctx_id, next_tlb_gen);
    return { ...chosen, need_flush: false };
  }
}

export const VARIANTS_OF_E3: readonly Era[] = [
  variantOf(E3, {
    id: 'M6',
    change: 'keeps the slot of an mm without comparing generations',
    tlb: (core) => new NoGenerationTest(core),
  }),
  variantOf(E3, {
    id: 'M8',
    change: 'reads mm_cpumask before advancing the generation',
    tlb: (core) => new MaskBeforeGeneration(core),
  }),
  variantOf(E3, { id: 'M9', change: 'flushes before the entries are changed', mm: { flushBeforeClear: true } }),
  variantOf(E3, {
    id: 'M10',
    change: 'leaves lazy processors alone, freed tables or not (without PCID)',
    tlb: (core) => new LazySkipsFlush(core),
  }),
  variantOf(E3, { id: 'M12', change: 'hands pages and tables back before the flush', mm: { freeBeforeFlush: true } }),
  variantOf(E3, {
    id: 'M13',
    change: 'gives a slot to another mm without flushing it',
    tlb: (core) => new RecycleWithoutFlush(core),
  }),
  variantOf(E3, {
    id: 'B26',
    change: 'mremap flushes the old place after it has let go of the locks',
    mm: { mremapFlushesLate: true },
  }),
  variantOf(E3, { id: 'B7', change: 'hands page tables back without a flush', mm: { skipTableFlush: true } }),
  variantOf(E3, {
    id: 'B32',
    change: 'does not look for a batched flush still owed',
    mm: { ignoreBatchedPending: true },
  }),
];
