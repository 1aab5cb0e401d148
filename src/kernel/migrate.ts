/**
 * Page migration: another frame takes the place of a page. Every entry that maps it is replaced by a migration entry and
 * flushed, the content is copied, and the entries come back for the new frame. Faults in between wait for the page lock.
 *
 * Left out: 2-MByte pages.
 */
import { assert } from './bug.ts';
import type { Kernel } from './hardware.ts';
import { ptep_clear_flush } from './mm/clear_flush.ts';
import { isolate_pages } from './mm/collect.ts';
import type { MmContext } from './mm/context.ts';
import type { migration } from './mm/migration_entry.ts';
import type { user_mm } from './mm/mm_types.ts';
import { PAGE_SIZE, set_pte } from './mm/pgtable.ts';
import {
  mk_pte,
  PROT_NONE,
  PROT_WRITE,
  pte_dirty,
  pte_mkold,
  pte_mkwrite,
  pte_to_swp_entry,
  pte_write,
  swp_entry_to_pte,
  vm_get_page_prot,
} from './mm/pte.ts';
import type { Range } from './mm/range.ts';
import { page_add_rmap, page_mapcount, page_remove_rmap, remove_item } from './mm/rmap.ts';
import { type MappedEntry, rmap_walk } from './mm/rmap_walk.ts';
import { copy_page } from './mm/swap.ts';
import { vm_page_prot, vma_lookup } from './mm/vma.ts';
import type { page } from './page_alloc.ts';

/** Result: pages that have moved. */
export function* do_migrate_pages(context: MmContext, cpu: number, mm: user_mm, range: Range): Kernel<number> {
  let moved = 0;
  for (const page of yield* isolate_pages(context, mm, range)) {
    if (yield* context.locks.trylock_page(page)) {
      if (yield* unmap_and_move(context, cpu, page)) moved++;
      yield* context.locks.unlock_page(page);
    }
    context.pages.put_page(cpu, page);
  }
  return moved;
}

/** The page is locked, and pinned by the caller. False: somebody else holds it, or memory is exhausted. */
function* unmap_and_move(context: MmContext, cpu: number, page: page): Kernel<boolean> {
  const copy = context.pages.alloc_pages('user', page.mm, 0);
  if (copy === null) return false;
  const moving = context.migrations.begin(page);
  yield* rmap_walk(
    context,
    () => page.rmap,
    (entry) => unmap_one(context, cpu, moving, entry),
  );
  const caller = 1;
  const caches = (page.object === null ? 0 : 1) + (page.swap === null ? 0 : 1);
  const free = (): boolean => page_mapcount(page) === 0 && page.refcount === caller + caches;
  let moved = false;
  if (free()) {
    yield* copy_page(page, copy);
    moved = free();
    if (moved) migrate_page_move_mapping(context, cpu, page, copy);
  }
  yield* remove_migration_ptes(context, moving, moved ? copy : page);
  context.migrations.end(moving);
  context.pages.put_page(cpu, copy);
  return moved;
}

function* unmap_one(
  context: MmContext,
  cpu: number,
  moving: migration,
  { mm, address, ptep }: MappedEntry,
): Kernel<boolean> {
  const { page } = moving;
  const pte = yield* ptep_clear_flush(context, cpu, mm, address, 12, ptep, 'migration');
  context.operations.promise(cpu, { mm: mm.ctx_id, start: address, end: address + PAGE_SIZE, why: 'migration' });
  if (pte_dirty(pte)) page.dirty = true;
  moving.locations.push({ mm, address });
  page_remove_rmap(page, mm, address);
  context.pages.put_page(cpu, page);
  yield* set_pte(ptep, swp_entry_to_pte({ kind: 'migration', number: moving.number, write: pte_write(pte) }));
  return true;
}

/** The caches refer to the copy from now on. */
function migrate_page_move_mapping(context: MmContext, cpu: number, page: page, copy: page): void {
  copy.anon = page.anon;
  copy.dirty = page.dirty;
  copy.lazyfree = page.lazyfree;
  if (page.object !== null) {
    assert(page.object.pages.get(page.index) === page, 'a page of an object is where the object says');
    copy.object = page.object;
    copy.index = page.index;
    page.object.pages.set(page.index, copy);
    context.pages.get_page(copy);
    page.object = null;
    context.pages.put_page(cpu, page);
  }
  if (page.swap !== null) {
    copy.swap = page.swap;
    page.swap.cache = copy;
    context.pages.get_page(copy);
    page.swap = null;
    context.pages.put_page(cpu, page);
  }
}

/** fork may add entries while we go through them; mremap moves them. */
function* remove_migration_ptes(context: MmContext, moving: migration, page: page): Kernel<void> {
  while (moving.locations.length > 0) {
    yield* rmap_walk(
      context,
      () => moving.locations,
      (entry) => remove_migration_pte(context, moving, page, entry),
    );
  }
}

function* remove_migration_pte(
  context: MmContext,
  moving: migration,
  page: page,
  { mm, address, ptep, pte }: MappedEntry,
): Kernel<boolean> {
  const entry = pte_to_swp_entry(pte);
  assert(entry.kind === 'migration' && entry.number === moving.number, 'a migration entry is where it was put');
  const vma = vma_lookup(mm, address);
  // Without an area the entry is about to be zapped: nobody may reach the page through it.
  const prot =
    vma === null ? vm_get_page_prot(PROT_NONE, { shared: false, nx: context.nx }) : vm_page_prot(vma, context.nx);
  const writable = entry.write && vma !== null && (vma.vm_prot & PROT_WRITE) !== 0;
  const mapped = pte_mkold(mk_pte(page.frame, prot));
  context.pages.get_page(page);
  page_add_rmap(page, mm, address);
  remove_item(moving.locations, mm, address);
  yield* set_pte(ptep, writable ? pte_mkwrite(mapped) : mapped);
  return true;
}
