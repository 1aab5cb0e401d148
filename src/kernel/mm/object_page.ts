/** Finding the page of an object that a fault asks for: in the page cache, on the swap device, or new. */
import type { Kernel } from '../hardware.ts';
import type { page } from '../page_alloc.ts';
import type { MmContext } from './context.ts';
import { clear_page, copy_page, type swap_slot } from './swap.ts';
import { in_memory, type vm_object } from './vm_object.ts';

/** Result: the page with a reference for the caller, unlocked a moment ago; null when memory is exhausted. */
export function* object_page(
  context: MmContext,
  cpu: number,
  object: vm_object,
  index: number,
  mm: number,
): Kernel<page | null> {
  for (;;) {
    const cached = object.pages.get(index);
    if (cached === undefined || !in_memory(cached)) {
      if (!(yield* fill(context, cpu, object, index, cached, mm))) return null;
    } else if (cached.lock !== null) {
      yield* context.locks.wait_on_page_locked(cached);
    } else {
      context.pages.get_page(cached);
      return cached;
    }
  }
}

/** Puts a page where `expected` is, unless another processor was first. False: no memory. */
function* fill(
  context: MmContext,
  cpu: number,
  object: vm_object,
  index: number,
  expected: swap_slot | undefined,
  mm: number,
): Kernel<boolean> {
  const page = context.pages.alloc_pages('user', mm, object.shift === 12 ? 0 : 9);
  if (page === null) return false;
  if (expected !== undefined) yield* copy_page(expected.page, page);
  else if (object.content === null) yield* clear_page(page);
  else yield { kind: 'fill-frame', frame: page.frame, content: object.content.page(index) };
  if (object.pages.get(index) !== expected) {
    context.pages.put_page(cpu, page);
    return true;
  }
  page.object = object;
  page.index = index;
  object.pages.set(index, page);
  if (expected !== undefined) context.pages.put_page(cpu, expected.page);
  return true;
}

/** Under page_table_lock, before the page is mapped: nobody is moving it. */
export function still_cached(page: page, object: vm_object, index: number): boolean {
  return page.lock === null && object.pages.get(index) === page;
}
