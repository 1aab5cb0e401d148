/** mprotect, as Linux 4.14 does it: flushes if any entry was touched, whether rights went or came. */
import { spin_lock, spin_unlock } from '../cell.ts';
import { EINVAL, ENOMEM } from '../errno.ts';
import type { Kernel } from '../hardware.ts';
import type { MmContext } from './context.ts';
import type { user_mm } from './mm_types.ts';
import { round_up, splits_huge_page } from './mmap.ts';
import {
  entryAddress,
  leafLevel,
  PAGE_SIZE,
  pte_load,
  ptep_get_and_clear,
  set_pte,
  type TableRange,
  walk_page_range,
} from './pgtable.ts';
import { pte_modify, pte_present, pte_to_swp_entry, swp_entry_to_pte } from './pte.ts';
import { down_write, up_write } from './rwsem.ts';
import { dec_tlb_flush_pending, inc_tlb_flush_pending } from './tlbflush.ts';
import {
  range_is_mapped,
  split_vma,
  vm_page_prot,
  vma_merge,
  vma_page_size,
  type vm_area_struct,
  vmas_in,
} from './vma.ts';

/** Result: 0 or a negative errno. */
export function* do_mprotect(
  context: MmContext,
  cpu: number,
  mm: user_mm,
  range: { readonly start: bigint; readonly length: bigint; readonly prot: number },
): Kernel<number> {
  const { start, prot } = range;
  if (start % PAGE_SIZE !== 0n) return -EINVAL;
  const end = start + round_up(range.length, PAGE_SIZE);
  yield* down_write(mm.mmap_lock);
  const result = yield* mprotect_locked(context, cpu, mm, start, end, prot);
  yield* up_write(mm.mmap_lock);
  return result;
}

function* mprotect_locked(
  context: MmContext,
  cpu: number,
  mm: user_mm,
  start: bigint,
  end: bigint,
  prot: number,
): Kernel<number> {
  if (start === end) return 0;
  if (!range_is_mapped(mm, start, end)) return -ENOMEM;
  if (splits_huge_page(mm, start, end)) return -EINVAL;
  split_vma(mm, start);
  split_vma(mm, end);
  for (const vma of vmas_in(mm, start, end)) {
    if (vma.vm_prot === prot) continue;
    vma.vm_prot = prot;
    yield* change_protection(context, cpu, mm, vma);
    // Only of what it has looked at: where nothing was to change, others may be in the middle of something.
    context.operations.promise(cpu, { mm: mm.ctx_id, start: vma.vm_start, end: vma.vm_end, why: 'mprotect' });
  }
  vma_merge(mm, start, end);
  return 0;
}

function* change_protection(context: MmContext, cpu: number, mm: user_mm, vma: vm_area_struct): Kernel<void> {
  const range = { start: vma.vm_start, end: vma.vm_end };
  const flush = (): Kernel<void> =>
    context.flush.flush_tlb_range(cpu, mm, { ...range, stride_shift: vma.vm_shift, reason: 'mprotect' });
  let changed = 0;
  yield* inc_tlb_flush_pending(mm);
  if (context.variant.flushBeforeClear) yield* flush();
  yield* walk_page_range(context, mm, range, leafLevel(vma.vm_shift), function* (part) {
    changed += yield* change_pte_range(context, cpu, mm, vma, part);
  });
  if (changed > 0 && !context.variant.flushBeforeClear) yield* flush();
  yield* dec_tlb_flush_pending(mm);
}

/** Result: number of entries touched. */
function* change_pte_range(
  context: MmContext,
  cpu: number,
  mm: user_mm,
  vma: vm_area_struct,
  { table, start, end }: TableRange,
): Kernel<number> {
  const prot = vm_page_prot(vma, context.nx);
  let changed = 0;
  yield* spin_lock(mm.page_table_lock);
  yield* context.flush.flush_tlb_batched_pending(cpu, mm);
  for (let address = start; address < end; address += vma_page_size(vma)) {
    const ptep = entryAddress(table, address, leafLevel(vma.vm_shift));
    const pte = yield* pte_load(ptep);
    if (pte === 0n) continue;
    if (pte_present(pte)) {
      // Cleared first, so that an A or D set by a processor at this moment is not lost.
      const last = yield* ptep_get_and_clear(ptep);
      yield* set_pte(ptep, pte_modify(last, prot));
      changed++;
      continue;
    }
    const entry = pte_to_swp_entry(pte);
    if (entry.kind === 'migration' && entry.write) {
      yield* set_pte(ptep, swp_entry_to_pte({ ...entry, write: false }));
      changed++;
    }
  }
  yield* spin_unlock(mm.page_table_lock);
  return changed;
}
