/** A page fault under way, and its last step: putting an entry where there was none. */
import type { PhysicalAddress } from '../../arch/address.ts';
import { spin_lock, spin_unlock } from '../cell.ts';
import type { Kernel } from '../hardware.ts';
import type { page } from '../page_alloc.ts';
import type { MmContext } from './context.ts';
import type { user_mm } from './mm_types.ts';
import { pte_load, set_pte } from './pgtable.ts';
import { page_add_rmap } from './rmap.ts';
import type { vm_area_struct } from './vma.ts';

/** What a fault is about, as struct vm_fault. */
export interface vm_fault {
  readonly context: MmContext;
  readonly cpu: number;
  readonly mm: user_mm;
  readonly vma: vm_area_struct;
  /** Start of the page. */
  readonly address: bigint;
  readonly write: boolean;
  readonly ptep: PhysicalAddress;
  /** The entry as found, without a lock. */
  readonly orig_pte: bigint;
}

/** `done` includes that somebody else was faster: the access is made again in any case. */
export type FaultResult = 'done' | 'retry' | 'oom';

/**
 * Puts the entry in unless somebody else has put one there, or `valid` says under the lock that the page is not the one
 * to map any more. The entry takes over the caller's reference to the page.
 */
export function* map_if_none(
  fault: vm_fault,
  entry: bigint,
  page: page | null,
  valid: () => boolean,
): Kernel<FaultResult> {
  const { context, cpu, mm, address, ptep, orig_pte } = fault;
  yield* spin_lock(mm.page_table_lock);
  const found = yield* pte_load(ptep);
  const free = found === orig_pte && valid();
  if (free) {
    if (page !== null) page_add_rmap(page, mm, address);
    yield* set_pte(ptep, entry);
  } else if (page !== null) {
    context.pages.put_page(cpu, page);
  }
  yield* spin_unlock(mm.page_table_lock);
  return free || found !== orig_pte ? 'done' : 'retry';
}
