/**
 * Reclaim. Pages are unmapped in batches without a flush each: the batch remembers which processors may still hold
 * translations, and one flush for all of them comes before anything is written to swap or given away.
 *
 * A page stays locked from before it is unmapped until its fate is decided; faults wait for that. Left out: age. Whoever
 * calls says which pages.
 */
import type { Kernel } from './hardware.ts';
import { ptep_clear_flush } from './mm/clear_flush.ts';
import { isolate_pages } from './mm/collect.ts';
import type { MmContext } from './mm/context.ts';
import type { user_mm } from './mm/mm_types.ts';
import { ptep_get_and_clear, set_pte } from './mm/pgtable.ts';
import { pte_dirty, swp_entry_to_pte } from './mm/pte.ts';
import type { Range } from './mm/range.ts';
import { page_mapcount, page_remove_rmap } from './mm/rmap.ts';
import { type MappedEntry, rmap_walk } from './mm/rmap_walk.ts';
import type { tlbflush_unmap_batch } from './mm/tlbflush.ts';
import type { swap_entry } from './mm/swap.ts';
import type { vm_object } from './mm/vm_object.ts';
import type { page } from './page_alloc.ts';

/** Result: pages whose frames were freed. */
export function* reclaim_pages(context: MmContext, cpu: number, mm: user_mm, range: Range): Kernel<number> {
  const isolated = yield* isolate_pages(context, mm, range);
  const batch: tlbflush_unmap_batch = { cpumask: 0n, mms: [], flush_required: false };
  let freed = 0;
  for (let next = 0; next < isolated.length; next += context.tuning.reclaimBatch) {
    freed += yield* shrink_page_list(context, cpu, isolated.slice(next, next + context.tuning.reclaimBatch), batch);
  }
  return freed;
}

function* shrink_page_list(
  context: MmContext,
  cpu: number,
  pages: readonly page[],
  batch: tlbflush_unmap_batch,
): Kernel<number> {
  const unmapped: page[] = [];
  for (const page of pages) {
    if (!(yield* context.locks.trylock_page(page))) {
      context.pages.put_page(cpu, page);
    } else if (yield* try_to_unmap(context, cpu, page, batch)) {
      unmapped.push(page);
    } else {
      yield* release(context, cpu, page);
    }
  }
  if (context.variant.freeBeforeFlush) {
    const freed = yield* free_unmapped(context, cpu, unmapped);
    yield* context.flush.try_to_unmap_flush(cpu, batch);
    return freed;
  }
  yield* context.flush.try_to_unmap_flush(cpu, batch);
  return yield* free_unmapped(context, cpu, unmapped);
}

function* free_unmapped(context: MmContext, cpu: number, unmapped: readonly page[]): Kernel<number> {
  let freed = 0;
  for (const page of unmapped) {
    yield* pageout(context, cpu, page);
    if (page.refcount === 1) freed++;
    yield* release(context, cpu, page);
  }
  return freed;
}

/** A swap entry that no page-table entry holds goes: the page was unmapped by others, or not at all. */
function* release(context: MmContext, cpu: number, page: page): Kernel<void> {
  if (page.swap !== null && page.swap.count === 0) context.swap.abandon(cpu, page.swap);
  yield* context.locks.unlock_page(page);
  context.pages.put_page(cpu, page);
}

/** Takes every entry away that maps the page. False: some remain. */
function* try_to_unmap(context: MmContext, cpu: number, page: page, batch: tlbflush_unmap_batch): Kernel<boolean> {
  if (page.anon && !page.lazyfree && page.swap === null) context.swap.add_to_swap(page);
  yield* rmap_walk(
    context,
    () => page.rmap,
    (entry) => try_to_unmap_one(context, cpu, page, entry, batch),
  );
  return page_mapcount(page) === 0;
}

function* try_to_unmap_one(
  context: MmContext,
  cpu: number,
  page: page,
  { mm, address, ptep }: MappedEntry,
  batch: tlbflush_unmap_batch,
): Kernel<boolean> {
  const pte = yield* clear_for_reclaim(context, cpu, mm, address, ptep, batch);
  if (pte_dirty(pte)) page.dirty = true;
  if (page.lazyfree && page.dirty) {
    yield* set_pte(ptep, pte);
    page.lazyfree = false;
    return false;
  }
  if (page.swap !== null) {
    context.swap.swap_duplicate(page.swap);
    yield* set_pte(ptep, swp_entry_to_pte({ kind: 'swap', number: page.swap.number }));
  }
  page_remove_rmap(page, mm, address);
  context.pages.put_page(cpu, page);
  return true;
}

function* clear_for_reclaim(
  context: MmContext,
  cpu: number,
  mm: user_mm,
  address: bigint,
  ptep: MappedEntry['ptep'],
  batch: tlbflush_unmap_batch,
): Kernel<bigint> {
  if (!(yield* context.flush.should_defer_flush(cpu, mm))) {
    return yield* ptep_clear_flush(context, cpu, mm, address, 12, ptep, 'reclaim');
  }
  if (context.variant.flushBeforeClear) yield* context.flush.set_tlb_ubc_flush_pending(cpu, batch, mm);
  const pte = yield* ptep_get_and_clear(ptep);
  if (!context.variant.flushBeforeClear) yield* context.flush.set_tlb_ubc_flush_pending(cpu, batch, mm);
  return pte;
}

/** Nobody can write the page any more: keeps its content elsewhere and lets go of it, unless somebody holds it. */
function* pageout(context: MmContext, cpu: number, page: page): Kernel<void> {
  if (page.swap !== null && page.swap.count > 0) yield* pageout_anonymous(context, cpu, page, page.swap);
  else if (page.object !== null) yield* pageout_object(context, cpu, page, page.object);
}

/** References to a page that only reclaim and one cache hold. */
const ISOLATED_AND_CACHED = 2;

function* pageout_anonymous(context: MmContext, cpu: number, page: page, swap: swap_entry): Kernel<void> {
  if (swap.slot === null) {
    const slot = yield* context.swap.write(page);
    // Whoever held the entry may have unmapped it meanwhile.
    if (slot !== null && page.swap !== swap) context.pages.put_page(cpu, slot.page);
    else swap.slot = slot;
  }
  if (page.swap === swap && swap.slot !== null && page.refcount === ISOLATED_AND_CACHED) {
    context.swap.delete_from_swap_cache(cpu, page);
  }
}

function* pageout_object(context: MmContext, cpu: number, page: page, object: vm_object): Kernel<void> {
  if (page.refcount !== ISOLATED_AND_CACHED) return;
  const slot = yield* context.swap.write(page);
  if (slot === null) return;
  if (page.refcount === ISOLATED_AND_CACHED && object.pages.get(page.index) === page) {
    object.pages.set(page.index, slot);
    page.object = null;
    context.pages.put_page(cpu, page);
  } else {
    context.pages.put_page(cpu, slot.page);
  }
}
