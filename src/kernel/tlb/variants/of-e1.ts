/**
 * The seed with one thing changed. Mutants M1 to M22 and the historical faults B7 and B32 carry the numbers of ERAS.md and
 * BUGS.md; the named ones are faults that are taught first. M3 and M22 are harmless and must stay unreported.
 */
import { present } from '../../bug.ts';
import { READ_ONCE } from '../../cell.ts';
import type { Kernel } from '../../hardware.ts';
import type { mm_struct } from '../../mm_struct.ts';
import { E1, type Flushed, type flush_tlb_info, TlbE1 } from '../e1.ts';
import { type Era, TLB_FLUSH_ALL } from '../era.ts';
import { variantOf } from './variant.ts';

/** A translation filled between the flush and the reading is credited with changes that it has missed. */
class SampleAfterFlush extends TlbE1 {
  protected override *record_tlb_gen(cpu: number, loaded_mm: mm_struct, _: number, flushed: Flushed): Kernel<void> {
    const late = yield* READ_ONCE(loaded_mm.tlb_gen);
    yield* super.record_tlb_gen(cpu, loaded_mm, late, flushed);
  }
}

/** A partial flush for the newest generation stands in for those between. */
class PartialAcrossGenerations extends TlbE1 {
  protected override may_flush_partially(f: flush_tlb_info, _local_tlb_gen: number, mm_tlb_gen: number): boolean {
    return f.end !== TLB_FLUSH_ALL && f.new_tlb_gen === mm_tlb_gen;
  }
}

/** The recorded generation never exceeds the mm's, so this is the same test. */
class UpToDateOrAhead extends TlbE1 {
  protected override is_up_to_date(local_tlb_gen: number, mm_tlb_gen: number): boolean {
    return local_tlb_gen >= mm_tlb_gen;
  }
}

/**
 * A processor that switches to the mm in between is sent no IPI. As every switch flushes, it goes wrong only when the
 * change still waits in the store buffer.
 */
class MaskBeforeGeneration extends TlbE1 {
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

/** Too low at worst: the next flush then does more than it must. */
class RecordRequested extends TlbE1 {
  protected override *record_tlb_gen(cpu: number, loaded_mm: mm_struct, now: number, flushed: Flushed): Kernel<void> {
    yield* super.record_tlb_gen(cpu, loaded_mm, flushed.partial ? now : flushed.f.new_tlb_gen, flushed);
  }
}

class NoRemote extends TlbE1 {
  protected override *flush_tlb_others(): Kernel<void> {}
}

class NoWait extends TlbE1 {
  protected override *flush_tlb_others(cpu: number, cpumask: bigint, info: flush_tlb_info): Kernel<void> {
    const remote = (target: number): Kernel<void> => this.flush_tlb_func_remote(target, info);
    yield* this.core.smp_call_function_many(cpu, cpumask, remote, false);
  }
}

export const VARIANTS_OF_E1: readonly Era[] = [
  variantOf(E1, { id: 'no-remote', change: 'forgets the other processors', tlb: (core) => new NoRemote(core) }),
  variantOf(E1, { id: 'no-wait', change: 'returns before the targets have flushed', tlb: (core) => new NoWait(core) }),
  variantOf(E1, { id: 'M1', change: 'reads mm.tlb_gen after flushing', tlb: (core) => new SampleAfterFlush(core) }),
  variantOf(E1, {
    id: 'M2',
    change: 'flushes partially whatever generation the processor is at',
    tlb: (core) => new PartialAcrossGenerations(core),
  }),
  variantOf(E1, {
    id: 'M3',
    change: 'is up to date also when ahead of the mm',
    harmless: true,
    tlb: (core) => new UpToDateOrAhead(core),
  }),
  variantOf(E1, {
    id: 'M8',
    change: 'reads mm_cpumask before advancing the generation, right after plain stores',
    tlb: (core) => new MaskBeforeGeneration(core),
    mm: { plainClear: true },
  }),
  variantOf(E1, { id: 'M9', change: 'flushes before the entries are changed', mm: { flushBeforeClear: true } }),
  variantOf(E1, { id: 'M12', change: 'hands pages and tables back before the flush', mm: { freeBeforeFlush: true } }),
  variantOf(E1, {
    id: 'M22',
    change: 'records the requested generation after a full flush',
    harmless: true,
    tlb: (core) => new RecordRequested(core),
  }),
  variantOf(E1, { id: 'B7', change: 'hands page tables back without a flush', mm: { skipTableFlush: true } }),
  variantOf(E1, {
    id: 'B32',
    change: 'does not look for a batched flush still owed',
    mm: { ignoreBatchedPending: true },
  }),
];
