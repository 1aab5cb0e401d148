/**
 * Page faults (SDM 3A 4.7): demand-zero and file pages, copy on write, swap-in, entries that another processor has fixed
 * meanwhile. mmap_lock is held shared throughout; nobody waits for anything with page_table_lock held but for flushes.
 *
 * Linux maps read faults of anonymous memory to the zero page; so do we. Left out: fault-around, userfaultfd, growing
 * stacks, NUMA hints, memory that runs out is not reclaimed.
 */
import { linearAddress } from '../arch/address.ts';
import { PageFaultCode } from '../arch/page-fault.ts';
import { PagingEntry } from '../arch/paging-entry.ts';
import { UnsupportedError } from '../base/errors.ts';
import { spin_lock, spin_unlock } from './cell.ts';
import type { Kernel } from './hardware.ts';
import type { MmContext } from './mm/context.ts';
import type { user_mm } from './mm/mm_types.ts';
import { object_page, still_cached } from './mm/object_page.ts';
import { leafLevel, pte_alloc, pte_load, pte_offset, ptep_set_access_flags } from './mm/pgtable.ts';
import {
  mk_pte,
  pte_dirty,
  pte_hw_present,
  pte_mkdirty,
  pte_mkwrite,
  pte_present,
  pte_to_swp_entry,
  pte_write,
  pte_young,
} from './mm/pte.ts';
import { down_read, up_read } from './mm/rwsem.ts';
import { clear_page, copy_page } from './mm/swap.ts';
import { do_swap_page } from './mm/swap_in.ts';
import { type FaultResult, map_if_none, type vm_fault } from './mm/vm_fault.ts';
import {
  linear_page_index,
  task_size,
  vm_page_prot,
  vma_allows,
  vma_lookup,
  vma_page_size,
  type vm_area_struct,
} from './mm/vma.ts';
import { do_wp_page } from './mm/wp.ts';
import type { page } from './page_alloc.ts';

/** Result: handled; otherwise no mapping allows the access: SIGSEGV, or in kernel mode an oops. */
export function* do_page_fault(
  context: MmContext,
  cpu: number,
  mm: user_mm | null,
  address: bigint,
  error_code: number,
): Kernel<boolean> {
  if ((error_code & PageFaultCode.RSVD) !== 0) return false;
  const write = (error_code & PageFaultCode.WR) !== 0;
  const fetch = (error_code & PageFaultCode.ID) !== 0;
  if (address >= task_size(context.levels)) {
    const user = (error_code & PageFaultCode.US) !== 0;
    return !user && (yield* spurious_kernel_fault(context, address, { write, fetch }));
  }
  if (mm === null) return false;
  yield* down_read(mm.mmap_lock);
  const vma = vma_lookup(mm, address);
  const allowed = vma !== null && vma_allows(vma, { write, fetch });
  if (allowed) yield* handle_mm_fault(context, cpu, mm, vma, address, write);
  yield* up_read(mm.mmap_lock);
  return allowed;
}

/** The walk came before the store that made the mapping was in memory, or went through a translation with fewer rights. */
function* spurious_kernel_fault(
  context: MmContext,
  address: bigint,
  { write, fetch }: { readonly write: boolean; readonly fetch: boolean },
): Kernel<boolean> {
  const ptep = yield* pte_offset(context, context.core.init_mm, address, 1);
  if (ptep === null) return false;
  const pte = yield* pte_load(ptep);
  return pte_hw_present(pte) && (!write || pte_write(pte)) && (!fetch || (pte & PagingEntry.XD) === 0n);
}

function* handle_mm_fault(
  context: MmContext,
  cpu: number,
  mm: user_mm,
  vma: vm_area_struct,
  fault_address: bigint,
  write: boolean,
): Kernel<void> {
  const address = fault_address - (fault_address % vma_page_size(vma));
  for (;;) {
    const ptep = yield* pte_alloc(context, cpu, mm, address, leafLevel(vma.vm_shift));
    if (ptep === null) throw out_of_memory(mm, address);
    const orig_pte = yield* pte_load(ptep);
    const result = yield* handle_pte_fault({ context, cpu, mm, vma, address, write, ptep, orig_pte });
    if (result === 'done') return;
    if (result === 'oom') throw out_of_memory(mm, address);
  }
}

function* handle_pte_fault(fault: vm_fault): Kernel<FaultResult> {
  const { mm, vma, ptep, orig_pte, write } = fault;
  if (orig_pte === 0n) return yield* vma.vm_object === null ? do_anonymous_page(fault) : do_fault(fault, vma.vm_object);
  if (!pte_present(orig_pte)) {
    const entry = pte_to_swp_entry(orig_pte);
    return yield* entry.kind === 'swap' ? do_swap_page(fault, entry.number) : migration_entry_wait(fault);
  }
  yield* spin_lock(mm.page_table_lock);
  const pte = yield* pte_load(ptep);
  if (!same_mapping(pte, orig_pte)) {
    yield* spin_unlock(mm.page_table_lock);
    return 'retry';
  }
  if (write && !pte_write(pte)) return yield* do_wp_page({ ...fault, orig_pte: pte });
  // A spurious fault: the entry allows the access, the processor had cached less. #PF has dropped that (SDM 3A 4.10.4.1).
  if (!pte_young(pte) || (write && !pte_dirty(pte))) {
    yield* ptep_set_access_flags(ptep, PagingEntry.A | (write ? PagingEntry.D : 0n));
  }
  yield* spin_unlock(mm.page_table_lock);
  return 'done';
}

/** Processors set A and D at any time; nothing else may have changed. */
function same_mapping(pte: bigint, orig_pte: bigint): boolean {
  return ((pte ^ orig_pte) & ~(PagingEntry.A | PagingEntry.D)) === 0n;
}

function* do_anonymous_page(fault: vm_fault): Kernel<FaultResult> {
  const { context, mm, vma, write } = fault;
  const prot = vm_page_prot(vma, context.nx);
  const huge = vma.vm_shift !== 12;
  if (!write && !huge) return yield* map_if_none(fault, mk_pte(context.zero_page.frame, prot), null, () => true);
  const page = context.pages.alloc_pages('user', mm.ctx_id, huge ? 9 : 0);
  if (page === null) return 'oom';
  yield* clear_page(page);
  return yield* map_anonymous(fault, page);
}

/** Maps a new private page, writable if the area is: it is nobody else's. */
function map_anonymous(fault: vm_fault, page: page): Kernel<FaultResult> {
  const { context, vma } = fault;
  const entry = mk_pte(page.frame, vm_page_prot(vma, context.nx), vma.vm_shift !== 12);
  page.anon = true;
  vma.anon_vma = true;
  return map_if_none(
    fault,
    vma_allows(vma, { write: true, fetch: false }) ? pte_mkwrite(pte_mkdirty(entry)) : entry,
    page,
    () => true,
  );
}

function* do_fault(fault: vm_fault, object: NonNullable<vm_area_struct['vm_object']>): Kernel<FaultResult> {
  const { context, cpu, mm, vma, address, write } = fault;
  const index = linear_page_index(vma, address);
  const cached = yield* object_page(context, cpu, object, index, mm.ctx_id);
  if (cached === null) return 'oom';
  if (write && !vma.vm_shared) {
    const copy = context.pages.alloc_pages('user', mm.ctx_id, cached.order);
    if (copy !== null) yield* copy_page(cached, copy);
    context.pages.put_page(cpu, cached);
    return copy === null ? 'oom' : yield* map_anonymous(fault, copy);
  }
  const entry = mk_pte(cached.frame, vm_page_prot(vma, context.nx), vma.vm_shift !== 12);
  return yield* map_if_none(fault, write ? pte_mkdirty(entry) : entry, cached, () =>
    still_cached(cached, object, index),
  );
}

function* migration_entry_wait({ context, mm, ptep, orig_pte }: vm_fault): Kernel<FaultResult> {
  yield* spin_lock(mm.page_table_lock);
  const pte = yield* pte_load(ptep);
  const entry = pte === orig_pte ? pte_to_swp_entry(pte) : null;
  const moving = entry?.kind === 'migration' ? context.migrations.find(entry.number).page : null;
  yield* spin_unlock(mm.page_table_lock);
  if (moving !== null) yield* context.locks.wait_on_page_locked(moving);
  return 'retry';
}

function out_of_memory(mm: user_mm, address: bigint): UnsupportedError {
  const where = `0x${linearAddress(address).toString(16)} of ${mm.name}`;
  return new UnsupportedError(`out of memory: no frame for ${where}; give the machine more memory`);
}
