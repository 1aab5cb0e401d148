/**
 * Write-protects what an address space maps in a range, as before pages are written back or compared: the next write to
 * each of them faults, and is let through if the area allows it (wp.ts). Rights go, so the range is flushed.
 *
 * Left out: whatever is done with the pages meanwhile.
 */
import { spin_lock, spin_unlock } from './cell.ts';
import type { Kernel } from './hardware.ts';
import type { MmContext } from './mm/context.ts';
import type { user_mm } from './mm/mm_types.ts';
import { entryAddress, PAGE_SIZE, pte_load, ptep_set_wrprotect, walk_page_range } from './mm/pgtable.ts';
import { pte_hw_present, pte_write } from './mm/pte.ts';
import type { Range } from './mm/range.ts';
import { down_read, up_read } from './mm/rwsem.ts';
import { dec_tlb_flush_pending, inc_tlb_flush_pending } from './mm/tlbflush.ts';

/** Result: entries that have lost R/W. The address space has users. */
export function* write_protect_pages(context: MmContext, cpu: number, mm: user_mm, range: Range): Kernel<number> {
  const flush = (): Kernel<void> =>
    context.flush.flush_tlb_range(cpu, mm, { ...range, stride_shift: 12, reason: 'write-protect' });
  let protected_entries = 0;
  yield* down_read(mm.mmap_lock);
  yield* inc_tlb_flush_pending(mm);
  if (context.variant.flushBeforeClear) yield* flush();
  yield* walk_page_range(context, mm, range, 1, function* ({ table, start, end }) {
    yield* spin_lock(mm.page_table_lock);
    yield* context.flush.flush_tlb_batched_pending(cpu, mm);
    for (let address = start; address < end; address += PAGE_SIZE) {
      const ptep = entryAddress(table, address, 1);
      const pte = yield* pte_load(ptep);
      if (!pte_hw_present(pte) || !pte_write(pte)) continue;
      yield* ptep_set_wrprotect(ptep);
      protected_entries++;
    }
    yield* spin_unlock(mm.page_table_lock);
  });
  if (protected_entries > 0 && !context.variant.flushBeforeClear) yield* flush();
  yield* dec_tlb_flush_pending(mm);
  if (protected_entries > 0) {
    context.operations.promise(cpu, { mm: mm.ctx_id, ...range, why: 'write-protect' });
  }
  yield* up_read(mm.mmap_lock);
  return protected_entries;
}
