/** Which page-table entries map a page. Changed together with the entry, under its page_table_lock. */
import { present } from '../bug.ts';
import type { page, rmap_item } from '../page_alloc.ts';
import type { user_mm } from './mm_types.ts';

export function page_add_rmap(page: page, mm: user_mm, address: bigint): void {
  page.rmap.push({ mm, address });
}

export function page_remove_rmap(page: page, mm: user_mm, address: bigint): void {
  remove_item(page.rmap, mm, address);
}

export function page_mapped_at(page: page, mm: user_mm, address: bigint): boolean {
  return find_item(page.rmap, mm, address) >= 0;
}

export function page_mapcount(page: page): number {
  return page.rmap.length;
}

/** mremap has moved an entry. */
export function move_item(items: rmap_item[], mm: user_mm, from: bigint, to: bigint): void {
  present(items[find_item(items, mm, from)], `an entry of mm ${mm.ctx_id} at 0x${from.toString(16)}`).address = to;
}

export function remove_item(items: rmap_item[], mm: user_mm, address: bigint): void {
  const index = find_item(items, mm, address);
  present(items[index], `an entry of mm ${mm.ctx_id} at 0x${address.toString(16)}`);
  items.splice(index, 1);
}

export function find_item(items: readonly rmap_item[], mm: user_mm, address: bigint): number {
  return items.findIndex((item) => item.mm === mm && item.address === address);
}
