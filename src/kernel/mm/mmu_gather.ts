/**
 * mmu_gather: pages and page tables that have been taken out of an address space wait here until no processor can reach
 * them any more. The order is fixed: unhook, invalidate, free.
 *
 * While a gatherer is open, tlb_flush_pending tells others that entries which they find changed may still be cached. A
 * gatherer that meets another one flushes its whole range, for it may have found entries already cleared.
 *
 * Left out: freeing tables after an RCU grace period, since no software walker runs without a lock here.
 */
import { smp_mb } from '../cell.ts';
import type { Kernel } from '../hardware.ts';
import type { page } from '../page_alloc.ts';
import { TLB_FLUSH_ALL } from '../tlb/era.ts';
import type { MmContext } from './context.ts';
import type { user_mm } from './mm_types.ts';
import { PAGE_SIZE } from './pgtable.ts';
import { dec_tlb_flush_pending, inc_tlb_flush_pending, mm_tlb_flush_nested } from './tlbflush.ts';

export interface GatherRange {
  readonly start: bigint;
  readonly end: bigint;
  /** The whole address space goes. */
  readonly fullmm: boolean;
}

export class mmu_gather {
  readonly mm: user_mm;
  readonly cpu: number;
  readonly #context: MmContext;
  readonly #range: GatherRange;
  readonly #reason: string;
  /** Entries that have been cleared since the last flush; empty when end is 0. */
  #start = TLB_FLUSH_ALL;
  #end = 0n;
  #freed_tables = false;
  /** Smallest size of page whose entry was cleared; null if only tables went. */
  #stride_shift: number | null = null;
  #pages: page[] = [];
  #tables: page[] = [];
  #flushed_before = false;

  constructor(context: MmContext, cpu: number, mm: user_mm, range: GatherRange, reason: string) {
    this.#context = context;
    this.cpu = cpu;
    this.mm = mm;
    this.#range = range;
    this.#reason = reason;
  }

  *tlb_gather_mmu(): Kernel<void> {
    yield* inc_tlb_flush_pending(this.mm);
    if (!this.#context.variant.flushBeforeClear) return;
    this.#adjust(this.#range.start, this.#range.end);
    yield* this.tlb_flush_mmu_tlbonly();
    this.#flushed_before = true;
  }

  tlb_remove_tlb_entry(address: bigint, shift: number): void {
    this.#adjust(address, address + (1n << BigInt(shift)));
    this.#stride_shift = Math.min(this.#stride_shift ?? shift, shift);
  }

  /** Queues a page whose entry is cleared. True: the batch is full, call tlb_flush_mmu as soon as possible. */
  tlb_remove_page(page: page): boolean {
    this.#pages.push(page);
    return this.#pages.length >= this.#context.tuning.gatherBatch;
  }

  /**
   * Queues a table whose entry in the structure above is cleared. One invalidation at an address that the table
   * translated is enough: it drops what the paging-structure caches hold for the PCID (SDM 3A 4.10.4.1).
   */
  *tlb_remove_table(table: page, address: bigint): Kernel<void> {
    if (this.#context.variant.skipTableFlush) {
      // The grace period makes the unlinking visible everywhere; of translation caches it says nothing.
      yield* smp_mb();
      this.#context.pages.put_page(this.cpu, table);
      return;
    }
    if (this.#context.variant.emptyIpiForTables) {
      // Whoever walks page tables with interrupts off has finished then; translation caches do not hear of it.
      yield* this.#context.core.smp_call_function_many(this.cpu, -1n, do_nothing);
      this.#context.pages.put_page(this.cpu, table);
      return;
    }
    this.#adjust(address, address + PAGE_SIZE);
    this.#freed_tables = true;
    this.#tables.push(table);
    if (this.#tables.length >= this.#context.tuning.gatherBatch) yield* this.tlb_flush_mmu();
  }

  *tlb_flush_mmu_tlbonly(): Kernel<void> {
    if (this.#end === 0n) return;
    const { fullmm } = this.#range;
    const request = {
      start: fullmm ? 0n : this.#start,
      end: fullmm ? TLB_FLUSH_ALL : this.#end,
      stride_shift: this.#stride_shift ?? 12,
      freed_tables: this.#freed_tables,
      reason: this.#reason,
    };
    this.#start = TLB_FLUSH_ALL;
    this.#end = 0n;
    this.#freed_tables = false;
    this.#stride_shift = null;
    if (!this.#flushed_before) yield* this.#context.flush.flush_tlb_mm_range(this.cpu, this.mm, request);
  }

  /** Hands pages and tables back; what they were flushed for is done. */
  tlb_flush_mmu_free(): void {
    const gathered = [...this.#pages, ...this.#tables];
    this.#pages = [];
    this.#tables = [];
    for (const page of gathered) this.#context.pages.put_page(this.cpu, page);
  }

  *tlb_flush_mmu(): Kernel<void> {
    if (this.#context.variant.freeBeforeFlush) this.tlb_flush_mmu_free();
    yield* this.tlb_flush_mmu_tlbonly();
    this.tlb_flush_mmu_free();
  }

  *tlb_finish_mmu(): Kernel<void> {
    const nested = yield* mm_tlb_flush_nested(this.mm);
    if (nested && !this.#context.variant.ignoreNestedGather) this.#cover_everything();
    yield* this.tlb_flush_mmu();
    yield* dec_tlb_flush_pending(this.mm);
  }

  /** What another gatherer has found here is of any size, and may have been tables. */
  #cover_everything(): void {
    this.#adjust(this.#range.start, this.#range.end);
    this.#stride_shift = 12;
    this.#freed_tables = true;
  }

  #adjust(start: bigint, end: bigint): void {
    if (start < this.#start) this.#start = start;
    if (end > this.#end) this.#end = end;
  }
}

function* do_nothing(): Kernel<void> {}
