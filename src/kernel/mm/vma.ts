/** Virtual memory areas: the list of an address space, splitting, merging, and the search for free ranges. */
import { linearAddress } from '../../arch/address.ts';
import { present } from '../bug.ts';
import { PAGE_SIZE } from './pgtable.ts';
import type { user_mm } from './mm_types.ts';
import { PROT_EXEC, PROT_READ, PROT_WRITE, vm_get_page_prot } from './pte.ts';
import type { vm_object } from './vm_object.ts';

export interface vm_area_struct {
  vm_start: bigint;
  vm_end: bigint;
  vm_prot: number;
  readonly vm_shared: boolean;
  /** 12, or 21 for a mapping of 2-MByte pages (VM_HUGETLB). */
  readonly vm_shift: number;
  readonly vm_object: vm_object | null;
  /** Index of the first page in the object, in pages of the mapping's size. */
  vm_pgoff: number;
  /** A private page has been put into it: fork must copy its entries. */
  anon_vma: boolean;
}

export function vma_page_size(vma: vm_area_struct): bigint {
  return 1n << BigInt(vma.vm_shift);
}

export function vm_page_prot(vma: vm_area_struct, nx: boolean): bigint {
  return vm_get_page_prot(vma.vm_prot, { shared: vma.vm_shared, nx });
}

export function linear_page_index(vma: vm_area_struct, address: bigint): number {
  return vma.vm_pgoff + Number((address - vma.vm_start) >> BigInt(vma.vm_shift));
}

/** Whether a page fault's access is one that the area allows (write, fetch or read). */
export function vma_allows(
  vma: vm_area_struct,
  { write, fetch }: { readonly write: boolean; readonly fetch: boolean },
): boolean {
  if (write) return (vma.vm_prot & PROT_WRITE) !== 0;
  if (fetch) return (vma.vm_prot & PROT_EXEC) !== 0;
  return (vma.vm_prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) !== 0;
}

/** Position of the first area that ends above the address. */
function first_above(mm: user_mm, address: bigint): number {
  let low = 0;
  let high = mm.mmap.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (present(mm.mmap[middle], 'an area').vm_end > address) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The area that holds the address, or null. */
export function vma_lookup(mm: user_mm, address: bigint): vm_area_struct | null {
  const vma = mm.mmap[first_above(mm, address)];
  return vma !== undefined && vma.vm_start <= address ? vma : null;
}

/** Areas that intersect [start, end), ascending. */
export function vmas_in(mm: user_mm, start: bigint, end: bigint): vm_area_struct[] {
  const first = first_above(mm, start);
  let last = first;
  while (last < mm.mmap.length && present(mm.mmap[last], 'an area').vm_start < end) last++;
  return mm.mmap.slice(first, last);
}

/** End of the area below `start`, or 0. */
export function prev_end(mm: user_mm, start: bigint): bigint {
  const index = first_above(mm, start - 1n);
  const at = mm.mmap[index];
  if (at !== undefined && at.vm_start < start) return at.vm_end;
  return mm.mmap[index - 1]?.vm_end ?? 0n;
}

/** Start of the first area at or above `end`, in which no area lies, or null. */
export function next_start(mm: user_mm, end: bigint): bigint | null {
  return mm.mmap[first_above(mm, end)]?.vm_start ?? null;
}

export function insert_vm_struct(mm: user_mm, vma: vm_area_struct): void {
  if (vma.vm_object !== null) vma.vm_object.mappings++;
  mm.mmap.splice(first_above(mm, vma.vm_start), 0, vma);
}

/** Cuts the area that holds the address, if any, in two there. */
export function split_vma(mm: user_mm, address: bigint): void {
  const vma = vma_lookup(mm, address);
  if (vma === null || vma.vm_start === address) return;
  const upper = { ...vma, vm_start: address, vm_pgoff: linear_page_index(vma, address) };
  vma.vm_end = address;
  insert_vm_struct(mm, upper);
}

/** Takes the areas in [start, end) off the list; the caller has split at both ends, and puts their objects later. */
export function detach_vmas(mm: user_mm, start: bigint, end: bigint): vm_area_struct[] {
  const detached = vmas_in(mm, start, end);
  mm.mmap.splice(first_above(mm, start), detached.length);
  return detached;
}

/** Joins neighbours around [start, end) that differ in nothing. */
export function vma_merge(mm: user_mm, start: bigint, end: bigint): void {
  let index = Math.max(0, first_above(mm, start) - 1);
  for (;;) {
    const lower = mm.mmap[index];
    const upper = mm.mmap[index + 1];
    if (lower === undefined || upper === undefined || lower.vm_end > end) return;
    if (!can_merge(lower, upper)) {
      index++;
      continue;
    }
    lower.vm_end = upper.vm_end;
    lower.anon_vma ||= upper.anon_vma;
    if (upper.vm_object !== null) upper.vm_object.mappings--;
    mm.mmap.splice(index + 1, 1);
  }
}

function can_merge(lower: vm_area_struct, upper: vm_area_struct): boolean {
  return (
    lower.vm_end === upper.vm_start &&
    lower.vm_prot === upper.vm_prot &&
    lower.vm_shared === upper.vm_shared &&
    lower.vm_shift === upper.vm_shift &&
    lower.vm_object === upper.vm_object &&
    (lower.vm_object === null || linear_page_index(lower, upper.vm_start) === upper.vm_pgoff)
  );
}

/** First fit from mmap_base downwards, then upwards from it; null when nothing is free below `limit`. */
export function get_unmapped_area(mm: user_mm, length: bigint, align: bigint, limit: bigint): bigint | null {
  let ceiling = mm.mmap_base;
  for (let index = first_above(mm, ceiling); index >= 0; index--) {
    const above = mm.mmap[index];
    if (above !== undefined && above.vm_start < ceiling) ceiling = above.vm_start;
    const floor = mm.mmap[index - 1]?.vm_end ?? PAGE_SIZE;
    const start = ((ceiling - length) / align) * align;
    if (ceiling >= length && start >= floor) return start;
  }
  let floor = mm.mmap_base;
  for (let index = first_above(mm, floor); ; index++) {
    const start = ((floor + align - 1n) / align) * align;
    const above = mm.mmap[index];
    if (start + length <= (above?.vm_start ?? limit)) return start + length <= limit ? start : null;
    if (above === undefined) return null;
    floor = above.vm_end;
  }
}

/** Whether nothing is mapped in [start, end). */
export function range_is_free(mm: user_mm, start: bigint, end: bigint): boolean {
  return vmas_in(mm, start, end).length === 0;
}

/** Whether every byte of [start, end) is mapped. */
export function range_is_mapped(mm: user_mm, start: bigint, end: bigint): boolean {
  let covered = start;
  for (const vma of vmas_in(mm, start, end)) {
    if (vma.vm_start > covered) return false;
    covered = vma.vm_end;
  }
  return covered >= end;
}

/** End of user addresses: the highest canonical page of the lower half is never mapped. */
export function task_size(levels: 4 | 5): bigint {
  return linearAddress((1n << (levels === 4 ? 47n : 56n)) - PAGE_SIZE);
}
