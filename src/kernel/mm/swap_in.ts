/** A fault on a swap entry: maps the page from the swap cache, or reads it back from the device. */
import { UnsupportedError } from '../../base/errors.ts';
import { spin_lock, spin_unlock } from '../cell.ts';
import type { Kernel } from '../hardware.ts';
import type { page } from '../page_alloc.ts';
import { pte_load } from './pgtable.ts';
import { mk_pte, pte_mkdirty, pte_mkwrite } from './pte.ts';
import { copy_page, type swap_entry } from './swap.ts';
import { type FaultResult, map_if_none, type vm_fault } from './vm_fault.ts';
import { vm_page_prot } from './vma.ts';

export function* do_swap_page(fault: vm_fault, number: number): Kernel<FaultResult> {
  const { context, cpu, mm, ptep, orig_pte } = fault;
  yield* spin_lock(mm.page_table_lock);
  const unchanged = (yield* pte_load(ptep)) === orig_pte;
  const entry = unchanged ? context.swap.entry(number) : null;
  const cached = entry?.cache ?? null;
  if (cached !== null) context.pages.get_page(cached);
  const slot = entry?.slot?.page ?? null;
  if (slot !== null) context.pages.get_page(slot);
  yield* spin_unlock(mm.page_table_lock);
  if (entry === null) return 'retry';
  const result = yield* swap_in(fault, entry, cached, slot);
  if (cached !== null) context.pages.put_page(cpu, cached);
  if (slot !== null) context.pages.put_page(cpu, slot);
  return result;
}

/** `cached` and `slot` are pinned. */
function* swap_in(fault: vm_fault, entry: swap_entry, cached: page | null, slot: page | null): Kernel<FaultResult> {
  const { context } = fault;
  if (cached !== null) {
    if (cached.lock !== null) {
      yield* context.locks.wait_on_page_locked(cached);
      return 'retry';
    }
    context.pages.get_page(cached);
    return yield* map_swapped(fault, entry, cached);
  }
  if (slot === null) throw new UnsupportedError(`swap entry ${entry.number} has lost its content`);
  const page = context.pages.alloc_pages('user', fault.mm.ctx_id, 0);
  if (page === null) return 'oom';
  yield* copy_page(slot, page);
  page.anon = true;
  page.dirty = true;
  return yield* map_swapped(fault, entry, page);
}

/** A copy of its own may be written; the cached page is read-only until nobody else holds the entry. */
function* map_swapped(fault: vm_fault, entry: swap_entry, page: page): Kernel<FaultResult> {
  const { context, cpu, vma, write } = fault;
  const cached = entry.cache === page;
  const read_only = mk_pte(page.frame, vm_page_prot(vma, context.nx));
  let mapped = false;
  const result = yield* map_if_none(
    fault,
    write && !cached ? pte_mkwrite(pte_mkdirty(read_only)) : read_only,
    page,
    () => {
      mapped = !cached || (page.lock === null && entry.cache === page);
      return mapped;
    },
  );
  if (mapped) context.swap.swap_free(cpu, entry);
  return result;
}
