/** ptep_clear_flush: takes one entry away and flushes it, under page_table_lock. */
import type { PhysicalAddress } from '../../arch/address.ts';
import type { Kernel } from '../hardware.ts';
import type { MmContext } from './context.ts';
import type { user_mm } from './mm_types.ts';
import { pte_load, ptep_get_and_clear, set_pte } from './pgtable.ts';
import { pte_hw_present } from './pte.ts';
import { mm_tlb_flush_pending } from './tlbflush.ts';

/** Result: the entry as it was at the last moment, A and D included. */
export function* ptep_clear_flush(
  context: MmContext,
  cpu: number,
  mm: user_mm,
  address: bigint,
  shift: number,
  ptep: PhysicalAddress,
  reason: string,
): Kernel<bigint> {
  const flush = (): Kernel<void> => context.flush.flush_tlb_page(cpu, mm, address, shift, reason);
  if (context.variant.flushBeforeClear) {
    yield* flush();
    return yield* ptep_get_and_clear(ptep);
  }
  const pte = yield* context.variant.plainClear ? plain_get_and_clear(ptep) : ptep_get_and_clear(ptep);
  if (yield* pte_accessible(context, mm, pte)) yield* flush();
  return pte;
}

/** An inaccessible entry may have been accessible until a moment ago, and its flush may still be to come. */
function* pte_accessible(context: MmContext, mm: user_mm, pte: bigint): Kernel<boolean> {
  if (pte_hw_present(pte)) return true;
  return context.variant.ignoreFlushPending ? false : yield* mm_tlb_flush_pending(mm);
}

function* plain_get_and_clear(ptep: PhysicalAddress): Kernel<bigint> {
  const pte = yield* pte_load(ptep);
  yield* set_pte(ptep, 0n);
  return pte;
}
