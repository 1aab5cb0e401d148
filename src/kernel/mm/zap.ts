/**
 * Taking mappings out of page tables: unmap_vmas clears the entries of pages, free_pgtables unlinks the tables that no
 * neighbour needs. Both only gather; mmu_gather flushes and frees.
 */
import { entryFrame, PagingEntry } from '../../arch/paging-entry.ts';
import type { FrameNumber, PagingLevel, PhysicalAddress } from '../../arch/address.ts';
import { spin_lock, spin_unlock } from '../cell.ts';
import type { Kernel } from '../hardware.ts';
import type { page } from '../page_alloc.ts';
import type { MmContext } from './context.ts';
import type { mmu_gather } from './mmu_gather.ts';
import type { user_mm } from './mm_types.ts';
import {
  entryAddress,
  entrySpan,
  leafLevel,
  PMD_SIZE,
  pte_load,
  ptep_get_and_clear,
  set_pte,
  set_table_entry,
  type TableRange,
  walk_page_range,
} from './pgtable.ts';
import { pte_dirty, pte_pfn, pte_present, pte_to_swp_entry } from './pte.ts';
import { intersection } from './range.ts';
import { page_remove_rmap, remove_item } from './rmap.ts';
import { down_write, up_write } from './rwsem.ts';
import { vma_page_size, type vm_area_struct } from './vma.ts';

/** The page that a present entry maps; null for the zero page, which nobody counts. */
export function vm_normal_page(context: MmContext, pte: bigint): page | null {
  const frame = pte_pfn(pte);
  return frame === context.zero_page.frame ? null : context.pages.pfn_to_page(frame);
}

/** Clears the entries of [start, end), which lies in the area. */
export function* unmap_page_range(
  context: MmContext,
  tlb: mmu_gather,
  vma: vm_area_struct,
  start: bigint,
  end: bigint,
): Kernel<void> {
  const visit = (range: TableRange): Kernel<void> => zap_pte_range(context, tlb, vma, range);
  yield* walk_page_range(context, tlb.mm, { start, end }, leafLevel(vma.vm_shift), visit);
}

function* zap_pte_range(context: MmContext, tlb: mmu_gather, vma: vm_area_struct, range: TableRange): Kernel<void> {
  const { mm, cpu } = tlb;
  const size = vma_page_size(vma);
  for (let address = range.start; address < range.end; ) {
    yield* spin_lock(mm.page_table_lock);
    yield* context.flush.flush_tlb_batched_pending(cpu, mm);
    let force_flush = false;
    for (; address < range.end && !force_flush; address += size) {
      force_flush = yield* zap_pte(context, tlb, vma, range.table, address);
    }
    if (force_flush && !context.variant.freeBeforeFlush) yield* tlb.tlb_flush_mmu_tlbonly();
    yield* spin_unlock(mm.page_table_lock);
    if (force_flush) yield* tlb.tlb_flush_mmu();
  }
}

/** Result: flush before the lock goes. A dirty page of a file must not be written back while stale entries can write it. */
function* zap_pte(
  context: MmContext,
  tlb: mmu_gather,
  vma: vm_area_struct,
  table: FrameNumber,
  address: bigint,
): Kernel<boolean> {
  const { mm, cpu } = tlb;
  const ptep = entryAddress(table, address, leafLevel(vma.vm_shift));
  const found = yield* pte_load(ptep);
  if (found === 0n) return false;
  if (!pte_present(found)) {
    yield* zap_soft_entry(context, cpu, mm, address, ptep, found);
    return false;
  }
  const pte = yield* ptep_get_and_clear(ptep);
  tlb.tlb_remove_tlb_entry(address, vma.vm_shift);
  const page = vm_normal_page(context, pte);
  if (page === null) return false;
  const dirtyFile = !page.anon && pte_dirty(pte);
  if (pte_dirty(pte)) page.dirty = true;
  page_remove_rmap(page, mm, address);
  return tlb.tlb_remove_page(page) || dirtyFile;
}

/** An entry that maps nothing is in no TLB: a plain store will do. */
export function* zap_soft_entry(
  context: MmContext,
  cpu: number,
  mm: user_mm,
  address: bigint,
  ptep: PhysicalAddress,
  pte: bigint,
): Kernel<void> {
  const entry = pte_to_swp_entry(pte);
  yield* set_pte(ptep, 0n);
  if (entry.kind === 'swap') context.swap.swap_free(cpu, context.swap.entry(entry.number));
  else remove_item(context.migrations.find(entry.number).locations, mm, address);
}

export interface FreeRange {
  readonly start: bigint;
  readonly end: bigint;
  /** End of the mapping below, and start of the one above: tables that reach into them stay. */
  readonly floor: bigint;
  readonly ceiling: bigint;
}

/** Unlinks the tables of a range without mappings. Whoever walks by way of the page is kept out meanwhile. */
export function* free_pgtables(context: MmContext, tlb: mmu_gather, range: FreeRange): Kernel<void> {
  yield* down_write(tlb.mm.rmap_lock);
  yield* free_table_range(context, tlb, tlb.mm.pgd, context.levels, range);
  yield* up_write(tlb.mm.rmap_lock);
}

function* free_table_range(
  context: MmContext,
  tlb: mmu_gather,
  table: FrameNumber,
  level: PagingLevel,
  { start, end, floor, ceiling }: FreeRange,
): Kernel<void> {
  const span = entrySpan(level);
  for (let base = start - (start % span); base < end; base += span) {
    const slot = entryAddress(table, base, level);
    const entry = yield* pte_load(slot);
    if ((entry & PagingEntry.P) === 0n) continue;
    const below = entryFrame(entry);
    const top = base + span;
    if (level > 2) {
      const part = { ...intersection({ start, end }, { start: base, end: top }), floor, ceiling };
      yield* free_table_range(context, tlb, below, (level - 1) as PagingLevel, part);
    }
    if (base < floor || top > ceiling) continue;
    yield* set_table_entry(context, tlb.mm, slot, level, 0n);
    yield* tlb.tlb_remove_table(context.pages.pfn_to_page(below), start > base ? start - (start % PMD_SIZE) : base);
  }
}
