/** Isolating the pages that an address space maps in a range, for reclaim and migration. */
import type { Kernel } from '../hardware.ts';
import type { page } from '../page_alloc.ts';
import type { MmContext } from './context.ts';
import type { user_mm } from './mm_types.ts';
import { entryAddress, PAGE_SIZE, pte_load, walk_page_range } from './pgtable.ts';
import { pte_present } from './pte.ts';
import type { Range } from './range.ts';
import { page_mapped_at } from './rmap.ts';
import { down_read, up_read } from './rwsem.ts';
import { vm_normal_page } from './zap.ts';

/** The 4-KByte pages of [start, end), each with a reference for the caller. */
export function* isolate_pages(context: MmContext, mm: user_mm, range: Range): Kernel<page[]> {
  const isolated = new Set<page>();
  yield* down_read(mm.rmap_lock);
  yield* walk_page_range(context, mm, range, 1, function* ({ table, start, end }) {
    for (let address = start; address < end; address += PAGE_SIZE) {
      const pte = yield* pte_load(entryAddress(table, address, 1));
      if (!pte_present(pte)) continue;
      const page = vm_normal_page(context, pte);
      if (page === null || isolated.has(page) || !page_mapped_at(page, mm, address)) continue;
      context.pages.get_page(page);
      isolated.add(page);
    }
  });
  yield* up_read(mm.rmap_lock);
  return [...isolated];
}
