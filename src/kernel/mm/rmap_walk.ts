/** Visiting every entry that maps a page, coming from the page: under rmap_lock held shared and page_table_lock. */
import type { PhysicalAddress } from '../../arch/address.ts';
import { spin_lock, spin_unlock } from '../cell.ts';
import type { Kernel } from '../hardware.ts';
import type { rmap_item } from '../page_alloc.ts';
import type { MmContext } from './context.ts';
import type { user_mm } from './mm_types.ts';
import { pte_load, pte_offset } from './pgtable.ts';
import { find_item } from './rmap.ts';
import { down_read, up_read } from './rwsem.ts';

export interface MappedEntry {
  readonly mm: user_mm;
  readonly address: bigint;
  readonly ptep: PhysicalAddress;
  readonly pte: bigint;
}

/**
 * Calls `visit` with the entries that `items()` names, in order, as long as it returns true. An item that goes away
 * before its lock is taken is passed over: its address space may be half gone, and its tables with it.
 */
export function* rmap_walk(
  context: MmContext,
  items: () => readonly rmap_item[],
  visit: (entry: MappedEntry) => Kernel<boolean>,
): Kernel<void> {
  for (const { mm, address } of [...items()]) {
    yield* down_read(mm.rmap_lock);
    let goOn = true;
    if (find_item(items(), mm, address) >= 0) {
      const ptep = yield* pte_offset(context, mm, address, 1);
      yield* spin_lock(mm.page_table_lock);
      if (ptep !== null && find_item(items(), mm, address) >= 0) {
        const pte = yield* pte_load(ptep);
        goOn = yield* visit({ mm, address, ptep, pte });
      }
      yield* spin_unlock(mm.page_table_lock);
    }
    yield* up_read(mm.rmap_lock);
    if (!goOn) return;
  }
}
