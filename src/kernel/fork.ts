/**
 * fork: a copy of the address space that shares all private pages, write-protected on both sides until somebody writes.
 * Parent and child must both fault, so the parent is flushed before fork returns. Shared mappings are not copied: the
 * child finds their pages by faulting.
 */
import { type FrameNumber, frameOf, type PhysicalAddress } from '../arch/address.ts';
import { spin_lock, spin_unlock } from './cell.ts';
import type { Kernel } from './hardware.ts';
import type { MmContext } from './mm/context.ts';
import type { user_mm } from './mm/mm_types.ts';
import { mm_alloc } from './mm/mm_alloc.ts';
import {
  entryAddress,
  leafLevel,
  pte_alloc,
  pte_load,
  ptep_set_wrprotect,
  set_pte,
  type TableRange,
  walk_page_range,
} from './mm/pgtable.ts';
import { pte_mkold, pte_present, pte_to_swp_entry, pte_write, pte_wrprotect, swp_entry_to_pte } from './mm/pte.ts';
import { page_add_rmap } from './mm/rmap.ts';
import { down_write, up_write } from './mm/rwsem.ts';
import { insert_vm_struct, vma_page_size, type vm_area_struct } from './mm/vma.ts';
import { vm_normal_page } from './mm/zap.ts';
import { TLB_FLUSH_ALL } from './tlb/era.ts';

/** Null: memory is exhausted; the child then stays as far as it came. */
export function* dup_mm(context: MmContext, cpu: number, oldmm: user_mm, name: string): Kernel<user_mm | null> {
  const mm = yield* mm_alloc(context, name);
  if (mm === null) return null;
  yield* down_write(oldmm.mmap_lock);
  mm.start_brk = oldmm.start_brk;
  mm.brk = oldmm.brk;
  if (context.variant.flushBeforeClear) yield* context.flush.flush_tlb_mm(cpu, oldmm, 'fork');
  let complete = true;
  for (const vma of oldmm.mmap) {
    insert_vm_struct(mm, { ...vma });
    if (vma.anon_vma && complete) complete = yield* copy_page_range(context, cpu, mm, oldmm, vma);
  }
  if (!context.variant.flushBeforeClear) yield* context.flush.flush_tlb_mm(cpu, oldmm, 'fork');
  context.operations.promise(cpu, { mm: oldmm.ctx_id, start: 0n, end: TLB_FLUSH_ALL, why: 'fork' });
  yield* up_write(oldmm.mmap_lock);
  return complete ? mm : null;
}

/** False when memory is exhausted. */
function* copy_page_range(
  context: MmContext,
  cpu: number,
  mm: user_mm,
  oldmm: user_mm,
  vma: vm_area_struct,
): Kernel<boolean> {
  const level = leafLevel(vma.vm_shift);
  let complete = true;
  yield* walk_page_range(context, oldmm, { start: vma.vm_start, end: vma.vm_end }, level, function* (range) {
    const first = complete ? yield* pte_alloc(context, cpu, mm, range.start, level) : null;
    if (first === null) complete = false;
    else yield* copy_pte_range(context, mm, oldmm, vma, range, frameOf(first));
  });
  return complete;
}

/** The child's lock first, then the parent's: nobody else takes two, for nobody else knows the child. */
function* copy_pte_range(
  context: MmContext,
  mm: user_mm,
  oldmm: user_mm,
  vma: vm_area_struct,
  { table, start, end }: TableRange,
  child: FrameNumber,
): Kernel<void> {
  yield* spin_lock(mm.page_table_lock);
  yield* spin_lock(oldmm.page_table_lock);
  for (let address = start; address < end; address += vma_page_size(vma)) {
    const source = entryAddress(table, address, leafLevel(vma.vm_shift));
    const found = yield* pte_load(source);
    if (found === 0n) continue;
    const pte = yield* pte_present(found)
      ? share_page(context, mm, address, source, found)
      : share_soft_entry(context, mm, address, source, found);
    yield* set_pte(entryAddress(child, address, leafLevel(vma.vm_shift)), pte);
  }
  yield* spin_unlock(oldmm.page_table_lock);
  yield* spin_unlock(mm.page_table_lock);
}

/** Result: the child's entry. */
function* share_page(
  context: MmContext,
  mm: user_mm,
  address: bigint,
  source: PhysicalAddress,
  found: bigint,
): Kernel<bigint> {
  if (pte_write(found)) yield* ptep_set_wrprotect(source);
  const page = vm_normal_page(context, found);
  if (page !== null) {
    context.pages.get_page(page);
    page_add_rmap(page, mm, address);
  }
  return pte_mkold(pte_wrprotect(found));
}

function* share_soft_entry(
  context: MmContext,
  mm: user_mm,
  address: bigint,
  source: PhysicalAddress,
  found: bigint,
): Kernel<bigint> {
  const entry = pte_to_swp_entry(found);
  if (entry.kind === 'swap') {
    context.swap.swap_duplicate(context.swap.entry(entry.number));
    return found;
  }
  context.migrations.find(entry.number).locations.push({ mm, address });
  const read = swp_entry_to_pte({ ...entry, write: false });
  if (entry.write) yield* set_pte(source, read);
  return read;
}
