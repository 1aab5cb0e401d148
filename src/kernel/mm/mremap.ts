/**
 * mremap. Entries move from the old range to the new one under page_table_lock, and the old range is flushed before that
 * lock goes: the pages are not ours to keep, and whoever unmaps them at the new place flushes only there.
 */
import { type FrameNumber, type PhysicalAddress, physicalAddress } from '../../arch/address.ts';
import { spin_lock, spin_unlock } from '../cell.ts';
import { EFAULT, EINVAL, ENOMEM } from '../errno.ts';
import type { Kernel } from '../hardware.ts';
import type { MmContext } from './context.ts';
import type { user_mm } from './mm_types.ts';
import { round_up, unmap_range } from './mmap.ts';
import {
  entryAddress,
  PAGE_SIZE,
  PMD_SIZE,
  pte_alloc,
  pte_load,
  ptep_get_and_clear,
  set_pte,
  walk_page_range,
} from './pgtable.ts';
import { pte_present, pte_to_swp_entry } from './pte.ts';
import { intersection } from './range.ts';
import { move_item } from './rmap.ts';
import { down_write, up_write } from './rwsem.ts';
import {
  get_unmapped_area,
  insert_vm_struct,
  linear_page_index,
  range_is_free,
  split_vma,
  task_size,
  vma_lookup,
  vma_merge,
  type vm_area_struct,
} from './vma.ts';
import { vm_normal_page } from './zap.ts';

export interface MremapRequest {
  readonly address: bigint;
  readonly oldLength: bigint;
  readonly newLength: bigint;
  /** MREMAP_MAYMOVE. */
  readonly mayMove: boolean;
  /** MREMAP_FIXED: where to; what is mapped there goes. Without: anywhere. */
  readonly newAddress?: bigint;
  /** Moves even if there is room to stay. */
  readonly forceMove?: boolean;
}

/** Result: the address, or a negative errno. */
export function* do_mremap(context: MmContext, cpu: number, mm: user_mm, request: MremapRequest): Kernel<bigint> {
  const { address } = request;
  if (address % PAGE_SIZE !== 0n || (request.newAddress ?? 0n) % PAGE_SIZE !== 0n) return BigInt(-EINVAL);
  const old_length = round_up(request.oldLength, PAGE_SIZE);
  const new_length = round_up(request.newLength, PAGE_SIZE);
  if (old_length <= 0n || new_length <= 0n) return BigInt(-EINVAL);
  yield* down_write(mm.mmap_lock);
  const result = yield* mremap_locked(context, cpu, mm, { ...request, oldLength: old_length, newLength: new_length });
  yield* up_write(mm.mmap_lock);
  return result;
}

function* mremap_locked(context: MmContext, cpu: number, mm: user_mm, request: MremapRequest): Kernel<bigint> {
  const { address, newLength: new_length, mayMove, newAddress = null, forceMove = false } = request;
  const vma = vma_lookup(mm, address);
  if (vma === null || address + request.oldLength > vma.vm_end) return BigInt(-EFAULT);
  if (vma.vm_shift !== 12) return BigInt(-EINVAL);
  const limit = task_size(context.levels);
  if (newAddress !== null) {
    const overlaps = newAddress < address + request.oldLength && address < newAddress + new_length;
    if (!mayMove || overlaps || newAddress + new_length > limit) return BigInt(-EINVAL);
    yield* unmap_range(context, cpu, mm, newAddress, newAddress + new_length, 'mremap(MREMAP_FIXED)');
  }
  let old_length = request.oldLength;
  if (new_length < old_length) {
    yield* unmap_range(context, cpu, mm, address + new_length, address + old_length, 'mremap');
    old_length = new_length;
  }
  if (newAddress === null && !forceMove) {
    if (new_length === old_length) return address;
    if (grow_in_place(mm, address, old_length, new_length, limit)) return address;
  }
  if (!mayMove) return BigInt(-ENOMEM);
  const to = newAddress ?? get_unmapped_area(mm, new_length, PAGE_SIZE, limit);
  if (to === null) return BigInt(-ENOMEM);
  return yield* move_vma(context, cpu, mm, { from: address, old_length, to, new_length });
}

function grow_in_place(mm: user_mm, address: bigint, old_length: bigint, new_length: bigint, limit: bigint): boolean {
  const end = address + old_length;
  const new_end = address + new_length;
  if (vma_lookup(mm, address)?.vm_end !== end || new_end > limit || !range_is_free(mm, end, new_end)) return false;
  split_vma(mm, address);
  const vma = vma_lookup(mm, address);
  if (vma === null) return false;
  vma.vm_end = new_end;
  vma_merge(mm, address, new_end);
  return true;
}

interface Move {
  readonly from: bigint;
  readonly old_length: bigint;
  readonly to: bigint;
  readonly new_length: bigint;
}

function* move_vma(context: MmContext, cpu: number, mm: user_mm, move: Move): Kernel<bigint> {
  const { from, old_length, to, new_length } = move;
  split_vma(mm, from);
  split_vma(mm, from + old_length);
  const vma = vma_lookup(mm, from);
  if (vma === null) return BigInt(-EFAULT);
  const copy: vm_area_struct = {
    ...vma,
    vm_start: to,
    vm_end: to + new_length,
    vm_pgoff: linear_page_index(vma, from),
  };
  const moved = yield* move_page_tables(context, cpu, mm, move);
  if (moved < old_length) {
    yield* move_page_tables(context, cpu, mm, { from: to, old_length: moved, to: from, new_length: moved });
    return BigInt(-ENOMEM);
  }
  insert_vm_struct(mm, copy);
  yield* unmap_range(context, cpu, mm, from, from + old_length, 'mremap');
  vma_merge(mm, to, to + new_length);
  return to;
}

/** Result: how many bytes have been moved; less than all when memory for tables is exhausted. */
function* move_page_tables(context: MmContext, cpu: number, mm: user_mm, move: Move): Kernel<bigint> {
  const { from, to, old_length } = move;
  const late = context.variant.mremapFlushesLate === true;
  let moved = old_length;
  yield* down_write(mm.rmap_lock);
  yield* walk_page_range(context, mm, { start: from, end: from + old_length }, 1, function* ({ table, start, end }) {
    // The new range is cut differently: stop wherever either of the two tables ends.
    for (let address = start; address < end && moved === old_length; ) {
      const target = address - from + to;
      const room = PMD_SIZE - (target % PMD_SIZE);
      const { end: stop } = intersection({ start: address, end }, { start: address, end: address + room });
      const new_ptep = yield* pte_alloc(context, cpu, mm, target, 1);
      if (new_ptep === null) moved = address - from;
      else yield* move_ptes(context, cpu, mm, { table, start: address, end: stop, new_ptep, delta: to - from });
      address = stop;
    }
  });
  yield* up_write(mm.rmap_lock);
  if (late) yield* flush_old_place(context, cpu, mm, from, from + old_length);
  return moved;
}

function flush_old_place(context: MmContext, cpu: number, mm: user_mm, start: bigint, end: bigint): Kernel<void> {
  return context.flush.flush_tlb_range(cpu, mm, { start, end, stride_shift: 12, reason: 'mremap' });
}

interface PteMove {
  readonly table: FrameNumber;
  readonly start: bigint;
  readonly end: bigint;
  /** Where the entry of `start` goes; those of the following pages go behind it. */
  readonly new_ptep: PhysicalAddress;
  readonly delta: bigint;
}

function* move_ptes(context: MmContext, cpu: number, mm: user_mm, move: PteMove): Kernel<void> {
  const { table, start, end, new_ptep, delta } = move;
  const { flushBeforeClear, mremapFlushesLate } = context.variant;
  let force_flush = false;
  yield* spin_lock(mm.page_table_lock);
  yield* context.flush.flush_tlb_batched_pending(cpu, mm);
  if (flushBeforeClear) yield* flush_old_place(context, cpu, mm, start, end);
  for (let address = start; address < end; address += PAGE_SIZE) {
    const ptep = entryAddress(table, address, 1);
    if ((yield* pte_load(ptep)) === 0n) continue;
    const pte = yield* ptep_get_and_clear(ptep);
    if (pte_present(pte)) force_flush = true;
    move_rmap(context, mm, pte, address, address + delta);
    yield* set_pte(physicalAddress(new_ptep + Number((address - start) / PAGE_SIZE) * 8), pte);
  }
  if (force_flush && !flushBeforeClear && !mremapFlushesLate) yield* flush_old_place(context, cpu, mm, start, end);
  yield* spin_unlock(mm.page_table_lock);
}

function move_rmap(context: MmContext, mm: user_mm, pte: bigint, from: bigint, to: bigint): void {
  if (pte_present(pte)) {
    const page = vm_normal_page(context, pte);
    if (page !== null) move_item(page.rmap, mm, from, to);
    return;
  }
  const entry = pte_to_swp_entry(pte);
  if (entry.kind === 'migration') move_item(context.migrations.find(entry.number).locations, mm, from, to);
}
