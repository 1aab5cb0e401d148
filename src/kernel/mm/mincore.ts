/** mincore: which pages of a range are resident. Racy by contract: the answer may be old when it arrives. */
import { EINVAL, ENOMEM } from '../errno.ts';
import type { Kernel } from '../hardware.ts';
import type { MmContext } from './context.ts';
import type { user_mm } from './mm_types.ts';
import { round_up } from './mmap.ts';
import { entryAddress, PAGE_SIZE, pte_load, walk_page_range } from './pgtable.ts';
import { pte_present } from './pte.ts';
import { down_read, up_read } from './rwsem.ts';
import { range_is_mapped } from './vma.ts';

/** Result: a byte for each 4-KByte page, or a negative errno. */
export function* do_mincore(
  context: MmContext,
  mm: user_mm,
  start: bigint,
  length: bigint,
): Kernel<Uint8Array | number> {
  if (start % PAGE_SIZE !== 0n) return -EINVAL;
  const end = start + round_up(length, PAGE_SIZE);
  yield* down_read(mm.mmap_lock);
  const mapped = range_is_mapped(mm, start, end);
  const resident = new Uint8Array(mapped ? Number((end - start) / PAGE_SIZE) : 0);
  if (mapped) {
    yield* walk_page_range(context, mm, { start, end }, 1, function* (part) {
      for (let address = part.start; address < part.end; address += PAGE_SIZE) {
        const pte = yield* pte_load(entryAddress(part.table, address, 1));
        if (pte_present(pte)) resident[Number((address - start) / PAGE_SIZE)] = 1;
      }
    });
  }
  yield* up_read(mm.mmap_lock);
  return mapped ? resident : -ENOMEM;
}
