/** mmap, munmap and brk. All of them hold mmap_lock for writing. */
import { EINVAL, ENOMEM, EPERM } from '../errno.ts';
import type { Kernel } from '../hardware.ts';
import type { MmContext } from './context.ts';
import type { user_mm } from './mm_types.ts';
import { mmu_gather } from './mmu_gather.ts';
import { PAGE_SIZE } from './pgtable.ts';
import { PROT_READ, PROT_WRITE } from './pte.ts';
import { down_write, up_write } from './rwsem.ts';
import {
  detach_vmas,
  get_unmapped_area,
  insert_vm_struct,
  next_start,
  prev_end,
  range_is_free,
  split_vma,
  task_size,
  vma_merge,
  vma_page_size,
  type vm_area_struct,
  vmas_in,
} from './vma.ts';
import type { FileContent } from './vm_object.ts';
import { free_pgtables, unmap_page_range } from './zap.ts';

export interface MmapRequest {
  /** Null: anywhere. Without `fixed` a hint, taken if the range is free. */
  readonly address: bigint | null;
  readonly length: bigint;
  readonly prot: number;
  readonly shared?: boolean;
  /** At this address, whatever is mapped there. */
  readonly fixed?: boolean;
  /** Pages of 2 MBytes. */
  readonly huge?: boolean;
  /** A file, by name, and the byte offset in it; without, anonymous memory. */
  readonly object?: { readonly file: string; readonly offset: bigint; readonly content?: FileContent };
}

/** Result: the address, or a negative errno. */
export function* do_mmap(context: MmContext, cpu: number, mm: user_mm, request: MmapRequest): Kernel<bigint> {
  const shift = request.huge ? 21 : 12;
  const size = 1n << BigInt(shift);
  const length = round_up(request.length, size);
  const offset = request.object?.offset ?? 0n;
  if (length <= 0n || offset % size !== 0n) return BigInt(-EINVAL);
  yield* down_write(mm.mmap_lock);
  const address = choose_address(context, mm, request, length, size);
  if (address >= 0n) {
    if (request.fixed) yield* unmap_range(context, cpu, mm, address, address + length, 'mmap(MAP_FIXED)');
    insert_vm_struct(mm, new_vma(context, request, address, length, shift));
    vma_merge(mm, address, address + length);
  }
  yield* up_write(mm.mmap_lock);
  return address;
}

function choose_address(
  context: MmContext,
  mm: user_mm,
  { address, fixed }: MmapRequest,
  length: bigint,
  size: bigint,
): bigint {
  const limit = task_size(context.levels);
  if (fixed) {
    if (address === null || address % size !== 0n || splits_huge_page(mm, address, address + length)) {
      return BigInt(-EINVAL);
    }
    if (address < PAGE_SIZE) return BigInt(-EPERM);
    return address + length <= limit ? address : BigInt(-ENOMEM);
  }
  if (address !== null && address >= PAGE_SIZE) {
    const hint = round_up(address, size);
    if (hint + length <= limit && range_is_free(mm, hint, hint + length)) return hint;
  }
  return get_unmapped_area(mm, length, size, limit) ?? BigInt(-ENOMEM);
}

function new_vma(
  context: MmContext,
  { prot, shared = false, object }: MmapRequest,
  address: bigint,
  length: bigint,
  shift: number,
): vm_area_struct {
  const anonymous = shared ? context.objects.shmem(shift) : null;
  return {
    vm_start: address,
    vm_end: address + length,
    vm_prot: prot,
    vm_shared: shared,
    vm_shift: shift,
    vm_object: object === undefined ? anonymous : context.objects.file(object.file, shift, object.content),
    vm_pgoff: Number((object?.offset ?? 0n) >> BigInt(shift)),
    anon_vma: false,
  };
}

/**
 * Maps private memory wherever [start, end) has none: for what a program had mapped before its recording began. No entry
 * changes, so nobody has to know. Result: 4-KByte pages mapped.
 */
export function map_gaps(context: MmContext, mm: user_mm, start: bigint, end: bigint, prot: number): number {
  let pages = 0n;
  let from = start;
  for (const vma of [...vmas_in(mm, start, end), null]) {
    const to = vma === null ? end : vma.vm_start;
    if (to > from) {
      insert_vm_struct(mm, new_vma(context, { address: from, length: to - from, prot }, from, to - from, 12));
      pages += (to - from) / PAGE_SIZE;
    }
    if (vma !== null) from = vma.vm_end;
  }
  vma_merge(mm, start, end);
  return Number(pages);
}

/** Result: 0 or a negative errno. */
export function* do_munmap(
  context: MmContext,
  cpu: number,
  mm: user_mm,
  start: bigint,
  length: bigint,
): Kernel<number> {
  if (start % PAGE_SIZE !== 0n || length <= 0n) return -EINVAL;
  const end = start + round_up(length, PAGE_SIZE);
  yield* down_write(mm.mmap_lock);
  const aligned = !splits_huge_page(mm, start, end);
  if (aligned) yield* unmap_range(context, cpu, mm, start, end, 'munmap');
  yield* up_write(mm.mmap_lock);
  return aligned ? 0 : -EINVAL;
}

/** Unmaps [start, end), and promises that nobody reaches what was there. mmap_lock is held for writing. */
export function* unmap_range(
  context: MmContext,
  cpu: number,
  mm: user_mm,
  start: bigint,
  end: bigint,
  why: string,
): Kernel<void> {
  split_vma(mm, start);
  split_vma(mm, end);
  const detached = detach_vmas(mm, start, end);
  if (detached.length > 0) {
    const tlb = new mmu_gather(context, cpu, mm, { start, end, fullmm: false }, why);
    yield* tlb.tlb_gather_mmu();
    for (const vma of detached) yield* unmap_page_range(context, tlb, vma, vma.vm_start, vma.vm_end);
    const ceiling = next_start(mm, end) ?? 1n << 64n;
    yield* free_pgtables(context, tlb, { start, end, floor: prev_end(mm, start), ceiling });
    yield* tlb.tlb_finish_mmu();
    for (const { vm_object } of detached) if (vm_object !== null) context.objects.put(cpu, vm_object);
  }
  context.operations.promise(cpu, { mm: mm.ctx_id, start, end, why });
}

/** Whether an end of the range lies inside a 2-MByte page: Linux refuses to cut those of a VM_HUGETLB area. */
export function splits_huge_page(mm: user_mm, start: bigint, end: bigint): boolean {
  return [start, end].some((edge) =>
    vmas_in(mm, edge, edge + 1n).some((vma) => vma.vm_start < edge && edge % vma_page_size(vma) !== 0n),
  );
}

/** Result: the new break, or the old one if it cannot move. */
export function* do_brk(context: MmContext, cpu: number, mm: user_mm, brk: bigint): Kernel<bigint> {
  yield* down_write(mm.mmap_lock);
  if (brk >= mm.start_brk) {
    const before = round_up(mm.brk, PAGE_SIZE);
    const after = round_up(brk, PAGE_SIZE);
    if (after < before) yield* unmap_range(context, cpu, mm, after, before, 'brk');
    if (after <= before || grow_heap(context, mm, before, after)) mm.brk = brk;
  }
  yield* up_write(mm.mmap_lock);
  return mm.brk;
}

function grow_heap(context: MmContext, mm: user_mm, start: bigint, end: bigint): boolean {
  if (end > task_size(context.levels) || !range_is_free(mm, start, end)) return false;
  const heap = { address: start, length: end - start, prot: PROT_READ | PROT_WRITE };
  insert_vm_struct(mm, new_vma(context, heap, start, end - start, 12));
  vma_merge(mm, start, end);
  return true;
}

/** The last user of the address space is gone: nobody can fault or change mappings any more, but lazy processors remain. */
export function* exit_mmap(context: MmContext, cpu: number, mm: user_mm): Kernel<void> {
  const end = task_size(context.levels);
  const tlb = new mmu_gather(context, cpu, mm, { start: 0n, end, fullmm: true }, 'exit_mmap');
  yield* tlb.tlb_gather_mmu();
  const vmas = mm.mmap;
  mm.mmap = [];
  for (const vma of vmas) yield* unmap_page_range(context, tlb, vma, vma.vm_start, vma.vm_end);
  yield* free_pgtables(context, tlb, { start: 0n, end, floor: 0n, ceiling: 1n << 64n });
  yield* tlb.tlb_finish_mmu();
  for (const { vm_object } of vmas) if (vm_object !== null) context.objects.put(cpu, vm_object);
}

export function round_up(value: bigint, unit: bigint): bigint {
  return ((value + unit - 1n) / unit) * unit;
}
