/**
 * The flushes of the generic mm code, under the names that it uses, on top of an era's TLB code. Also the place where a
 * variant of an era loses flushes.
 */
import { type Cell, READ_ONCE, WRITE_ONCE } from '../cell.ts';
import type { Kernel, Touch } from '../hardware.ts';
import type { mm_struct } from '../mm_struct.ts';
import { type FlushRequest, type MmVariant, type Tlb, TLB_FLUSH_ALL, type TlbflushUnmapBatch } from '../tlb/era.ts';
import { cpumask_of } from '../cpumask.ts';

export interface RangeToFlush {
  readonly start: bigint;
  readonly end: bigint;
  readonly stride_shift: number;
  readonly reason: string;
}

/** tlb_ubc: what a task that reclaims owes. */
export interface tlbflush_unmap_batch extends TlbflushUnmapBatch {
  flush_required: boolean;
}

export class TlbFlush {
  readonly #tlb: Tlb;
  readonly #variant: MmVariant;
  readonly #touch: Touch | null;
  #count = 0;

  constructor(tlb: Tlb, variant: MmVariant, touch: Touch | null = null) {
    this.#tlb = tlb;
    this.#variant = variant;
    this.#touch = touch;
  }

  *flush_tlb_mm_range(cpu: number, mm: mm_struct, request: FlushRequest): Kernel<void> {
    if (this.#dropped()) return;
    yield* this.#tlb.flush_tlb_mm_range(cpu, mm, request);
  }

  flush_tlb_mm(cpu: number, mm: mm_struct, reason: string): Kernel<void> {
    return this.flush_tlb_mm_range(cpu, mm, {
      start: 0n,
      end: TLB_FLUSH_ALL,
      stride_shift: 12,
      freed_tables: true,
      reason,
    });
  }

  flush_tlb_range(cpu: number, mm: mm_struct, range: RangeToFlush): Kernel<void> {
    return this.flush_tlb_mm_range(cpu, mm, { ...range, freed_tables: this.#tlb.flushTlbRangeFreesTables ?? false });
  }

  flush_tlb_page(cpu: number, mm: mm_struct, address: bigint, shift: number, reason: string): Kernel<void> {
    const end = address + (1n << BigInt(shift));
    return this.flush_tlb_range(cpu, mm, { start: address, end, stride_shift: shift, reason });
  }

  *flush_tlb_kernel_range(cpu: number, start: bigint, end: bigint, reason: string): Kernel<void> {
    if (this.#dropped()) return;
    yield* this.#tlb.flush_tlb_kernel_range(cpu, start, end, reason);
  }

  flush_tlb_all(cpu: number, reason: string): Kernel<void> {
    return this.#tlb.flush_tlb_all(cpu, reason);
  }

  /** Deferring pays only if another processor would have to be interrupted. */
  *should_defer_flush(cpu: number, mm: mm_struct): Kernel<boolean> {
    const mask = yield* READ_ONCE(mm.cpumask);
    return (mask & ~cpumask_of(cpu)) !== 0n;
  }

  /** Under page_table_lock, after the entry has been cleared. */
  *set_tlb_ubc_flush_pending(cpu: number, batch: tlbflush_unmap_batch, mm: mm_struct): Kernel<void> {
    yield* this.#tlb.arch_tlbbatch_add_mm(cpu, batch, mm);
    batch.flush_required = true;
    yield* WRITE_ONCE(mm.tlb_flush_batched, 1);
  }

  *try_to_unmap_flush(cpu: number, batch: tlbflush_unmap_batch): Kernel<void> {
    if (!batch.flush_required) return;
    batch.flush_required = false;
    if (this.#dropped()) {
      batch.cpumask = 0n;
      batch.mms = [];
      return;
    }
    yield* this.#tlb.arch_tlbbatch_flush(cpu, batch);
  }

  /** Under page_table_lock: whoever finds a hole that reclaim has made must not trust it before its flush. */
  *flush_tlb_batched_pending(cpu: number, mm: mm_struct): Kernel<void> {
    if (this.#variant.ignoreBatchedPending) return;
    if ((yield* READ_ONCE(mm.tlb_flush_batched)) === 0) return;
    const pending = this.#tlb.arch_flush_tlb_batched_pending?.(cpu, mm);
    yield* pending ?? this.flush_tlb_mm(cpu, mm, 'batched flush pending');
    yield* WRITE_ONCE(mm.tlb_flush_batched, 0);
  }

  #dropped(): boolean {
    const { dropFlush } = this.#variant;
    if (dropFlush === undefined) return false;
    this.#touch?.('dropped flushes', 0, 'write');
    return ++this.#count % dropFlush === 0;
  }
}

export function* inc_tlb_flush_pending(mm: mm_struct): Kernel<void> {
  yield* add(mm.tlb_flush_pending, 1n);
}

export function* dec_tlb_flush_pending(mm: mm_struct): Kernel<void> {
  yield* add(mm.tlb_flush_pending, -1n);
}

/** Whether another gatherer works on this mm: it may have cleared entries that we found clear, and not flushed yet. */
export function* mm_tlb_flush_nested(mm: mm_struct): Kernel<boolean> {
  return (yield* READ_ONCE(mm.tlb_flush_pending)) > 1;
}

export function* mm_tlb_flush_pending(mm: mm_struct): Kernel<boolean> {
  return (yield* READ_ONCE(mm.tlb_flush_pending)) > 0;
}

function* add({ address }: Cell<number>, operand: bigint): Kernel<void> {
  yield { kind: 'locked', address, operation: 'add', operand: BigInt.asUintN(64, operand) };
}
