/** madvise: MADV_DONTNEED gives pages back now, MADV_FREE whenever reclaim wants them. mmap_lock is held shared. */
import { spin_lock, spin_unlock } from '../cell.ts';
import { EINVAL, ENOMEM } from '../errno.ts';
import type { Kernel } from '../hardware.ts';
import type { MmContext } from './context.ts';
import type { user_mm } from './mm_types.ts';
import { mmu_gather } from './mmu_gather.ts';
import { round_up, splits_huge_page } from './mmap.ts';
import {
  entryAddress,
  PAGE_SIZE,
  pte_load,
  ptep_get_and_clear,
  set_pte,
  type TableRange,
  walk_page_range,
} from './pgtable.ts';
import { pte_dirty, pte_mkclean, pte_mkold, pte_present, pte_to_swp_entry, pte_young } from './pte.ts';
import { intersection, type Range } from './range.ts';
import { page_mapcount } from './rmap.ts';
import { down_read, up_read } from './rwsem.ts';
import { range_is_mapped, vmas_in } from './vma.ts';
import { unmap_page_range, vm_normal_page, zap_soft_entry } from './zap.ts';

export type Advice = 'dontneed' | 'free';

/** Result: 0, or a negative errno; -ENOMEM only after the parts that are mapped have been served. */
export function* do_madvise(
  context: MmContext,
  cpu: number,
  mm: user_mm,
  { start, length, advice }: { readonly start: bigint; readonly length: bigint; readonly advice: Advice },
): Kernel<number> {
  if (start % PAGE_SIZE !== 0n) return -EINVAL;
  const end = start + round_up(length, PAGE_SIZE);
  yield* down_read(mm.mmap_lock);
  const result = yield* madvise_locked(context, cpu, mm, { start, end }, advice);
  yield* up_read(mm.mmap_lock);
  return result;
}

function* madvise_locked(context: MmContext, cpu: number, mm: user_mm, range: Range, advice: Advice): Kernel<number> {
  if (splits_huge_page(mm, range.start, range.end)) return -EINVAL;
  for (const vma of vmas_in(mm, range.start, range.end)) {
    const part = intersection(range, { start: vma.vm_start, end: vma.vm_end });
    if (advice === 'free' && (vma.vm_object !== null || vma.vm_shift !== 12)) return -EINVAL;
    const why = advice === 'free' ? 'madvise(MADV_FREE)' : 'madvise(MADV_DONTNEED)';
    const tlb = new mmu_gather(context, cpu, mm, { ...part, fullmm: false }, why);
    yield* tlb.tlb_gather_mmu();
    if (advice === 'free') yield* madvise_free_page_range(context, tlb, part);
    else yield* unmap_page_range(context, tlb, vma, part.start, part.end);
    yield* tlb.tlb_finish_mmu();
    context.operations.promise(cpu, { mm: mm.ctx_id, ...part, why });
  }
  return range_is_mapped(mm, range.start, range.end) ? 0 : -ENOMEM;
}

function* madvise_free_page_range(context: MmContext, tlb: mmu_gather, part: Range): Kernel<void> {
  yield* walk_page_range(context, tlb.mm, part, 1, (range) => madvise_free_pte_range(context, tlb, range));
}

/** Takes A and D away: a page that is found without D later has not been written since. */
function* madvise_free_pte_range(context: MmContext, tlb: mmu_gather, { table, start, end }: TableRange): Kernel<void> {
  const { mm, cpu } = tlb;
  yield* spin_lock(mm.page_table_lock);
  yield* context.flush.flush_tlb_batched_pending(cpu, mm);
  for (let address = start; address < end; address += PAGE_SIZE) {
    const ptep = entryAddress(table, address, 1);
    const found = yield* pte_load(ptep);
    if (found === 0n) continue;
    if (!pte_present(found)) {
      if (pte_to_swp_entry(found).kind === 'swap') yield* zap_soft_entry(context, cpu, mm, address, ptep, found);
      continue;
    }
    const page = vm_normal_page(context, found);
    // Only pages that are this mapping's alone; one that somebody is moving stays as it is.
    if (page === null || page_mapcount(page) !== 1 || page.swap !== null || page.lock !== null) continue;
    if (pte_young(found) || pte_dirty(found)) {
      const pte = yield* ptep_get_and_clear(ptep);
      yield* set_pte(ptep, pte_mkold(pte_mkclean(pte)));
      tlb.tlb_remove_tlb_entry(address, 12);
    }
    page.dirty = false;
    page.lazyfree = true;
  }
  yield* spin_unlock(mm.page_table_lock);
}
