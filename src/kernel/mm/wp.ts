/**
 * Copy on write. A private page that somebody else may see is copied: the old entry goes and is flushed before the new
 * one comes, so that no processor reads the old page after another has written the new one.
 */
import { PagingEntry } from '../../arch/paging-entry.ts';
import { spin_lock, spin_unlock } from '../cell.ts';
import type { Kernel } from '../hardware.ts';
import type { page } from '../page_alloc.ts';
import { ptep_clear_flush } from './clear_flush.ts';
import { pte_load, ptep_set_access_flags, set_pte } from './pgtable.ts';
import { mk_pte, pte_mkdirty, pte_mkwrite } from './pte.ts';
import { page_add_rmap, page_remove_rmap } from './rmap.ts';
import { clear_page, copy_page } from './swap.ts';
import type { FaultResult, vm_fault } from './vm_fault.ts';
import { vm_page_prot, vma_page_size } from './vma.ts';
import { vm_normal_page } from './zap.ts';

/** A write met a read-only entry in an area that may be written. page_table_lock is held, and released here. */
export function* do_wp_page(fault: vm_fault): Kernel<FaultResult> {
  const { context, mm, vma, ptep, orig_pte } = fault;
  const old = vm_normal_page(context, orig_pte);
  if (vma.vm_shared || (old?.anon && old.refcount === 1)) {
    yield* ptep_set_access_flags(ptep, PagingEntry.RW | PagingEntry.A | PagingEntry.D);
    yield* spin_unlock(mm.page_table_lock);
    return 'done';
  }
  if (old !== null) context.pages.get_page(old);
  yield* spin_unlock(mm.page_table_lock);
  const result = yield* wp_page_copy(fault, old);
  if (old !== null) context.pages.put_page(fault.cpu, old);
  return result;
}

/** `old` is null for the zero page, and pinned otherwise. */
function* wp_page_copy(fault: vm_fault, old: page | null): Kernel<FaultResult> {
  const { context, cpu, mm, vma, address, ptep, orig_pte } = fault;
  const copy = context.pages.alloc_pages('user', mm.ctx_id, old?.order ?? 0);
  if (copy === null) return 'oom';
  yield* old === null ? clear_page(copy) : copy_page(old, copy);
  copy.anon = true;
  yield* spin_lock(mm.page_table_lock);
  const pte = yield* pte_load(ptep);
  const unchanged = (pte & ~(PagingEntry.A | PagingEntry.D)) === (orig_pte & ~(PagingEntry.A | PagingEntry.D));
  if (unchanged) {
    yield* ptep_clear_flush(context, cpu, mm, address, vma.vm_shift, ptep, 'copy-on-write');
    const range = { mm: mm.ctx_id, start: address, end: address + vma_page_size(vma) };
    context.operations.promise(cpu, { ...range, why: 'copy-on-write' });
    page_add_rmap(copy, mm, address);
    vma.anon_vma = true;
    yield* set_pte(
      ptep,
      pte_mkwrite(pte_mkdirty(mk_pte(copy.frame, vm_page_prot(vma, context.nx), vma.vm_shift !== 12))),
    );
    if (old !== null) {
      page_remove_rmap(old, mm, address);
      context.pages.put_page(cpu, old);
    }
  }
  yield* spin_unlock(mm.page_table_lock);
  if (!unchanged) context.pages.put_page(cpu, copy);
  return 'done';
}
