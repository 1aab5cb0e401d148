/**
 * Page tables of 4 or 5 levels (SDM 3A 4.5), read and written through the kernel's direct map: by physical address. With
 * 4 levels the p4d is folded away. Levels are numbered as in the manual: 1 is the page table; a 2-MByte page is an entry
 * of level 2.
 */
import {
  addressInFrame,
  type FrameNumber,
  linearAddress,
  PAGE_BYTES,
  pageOf,
  type PagingLevel,
  pagesPerEntry,
  type PhysicalAddress,
  physicalAddress,
  tableIndex,
} from '../../arch/address.ts';
import { entryFrame, makeEntry, PagingEntry } from '../../arch/paging-entry.ts';
import { assert } from '../bug.ts';
import { spin_lock, spin_unlock } from '../cell.ts';
import type { Kernel } from '../hardware.ts';
import type { mm_struct } from '../mm_struct.ts';
import type { MmContext } from './context.ts';
import { _KERNPG_TABLE, _PAGE_TABLE } from './pte.ts';
import { intersection, type Range } from './range.ts';

const ENTRY_BYTES = 8;
export const PAGE_SIZE = 4096n;
export const PMD_SIZE = 512n * PAGE_SIZE;

/** Level of the entries that map pages of 1 << shift bytes. */
export function leafLevel(shift: number): PagingLevel {
  return shift === 12 ? 1 : 2;
}

export function entryAddress(table: FrameNumber, address: bigint, level: PagingLevel): PhysicalAddress {
  return addressInFrame(table, tableIndex(pageOf(linearAddress(address)), level) * ENTRY_BYTES);
}

/** Bytes that one entry of this level translates. */
export function entrySpan(level: PagingLevel): bigint {
  return BigInt(pagesPerEntry(level)) * PAGE_SIZE;
}

export function* pte_load(ptep: PhysicalAddress): Kernel<bigint> {
  return yield { kind: 'load', address: ptep };
}

export function* set_pte(ptep: PhysicalAddress, pte: bigint): Kernel<void> {
  yield { kind: 'store', address: ptep, value: pte };
}

/**
 * An entry of `level` that refers to a table. With page-table isolation the entries of the top level are in the user's top
 * table, too, and the kernel may not execute by way of its own.
 */
export function* set_table_entry(
  context: MmContext,
  mm: mm_struct,
  slot: PhysicalAddress,
  level: PagingLevel,
  entry: bigint,
): Kernel<void> {
  if (!context.isolated || level !== context.levels || mm === context.core.init_mm) {
    yield* set_pte(slot, entry);
    return;
  }
  yield* set_pte(physicalAddress(slot + PAGE_BYTES), entry);
  yield* set_pte(slot, entry !== 0n && context.nx ? entry | PagingEntry.XD : entry);
}

/** Locked, for the processor may be setting A or D (SDM 3A 4.8). */
export function* ptep_get_and_clear(ptep: PhysicalAddress): Kernel<bigint> {
  return yield { kind: 'locked', address: ptep, operation: 'exchange', operand: 0n };
}

export function* ptep_set_wrprotect(ptep: PhysicalAddress): Kernel<void> {
  yield { kind: 'locked', address: ptep, operation: 'and', operand: BigInt.asUintN(64, ~PagingEntry.RW) };
}

/** Only ever adds rights, A or D. */
export function* ptep_set_access_flags(ptep: PhysicalAddress, flags: bigint): Kernel<void> {
  yield { kind: 'locked', address: ptep, operation: 'or', operand: flags };
}

/** Where the entry for an address is at `level`; null if the tables do not reach down to it. */
export function* pte_offset(
  context: MmContext,
  mm: mm_struct,
  address: bigint,
  level: PagingLevel,
): Kernel<PhysicalAddress | null> {
  let table = mm.pgd;
  for (let above: PagingLevel = context.levels; above > level; above = (above - 1) as PagingLevel) {
    const entry = yield* pte_load(entryAddress(table, address, above));
    if (!refersToTable(entry)) return null;
    table = entryFrame(entry);
  }
  return entryAddress(table, address, level);
}

/** As pte_offset, filling in the tables that are missing; null when memory is exhausted. */
export function* pte_alloc(
  context: MmContext,
  cpu: number,
  mm: mm_struct,
  address: bigint,
  level: PagingLevel,
): Kernel<PhysicalAddress | null> {
  let table = mm.pgd;
  for (let above: PagingLevel = context.levels; above > level; above = (above - 1) as PagingLevel) {
    const slot = entryAddress(table, address, above);
    let entry = yield* pte_load(slot);
    if (entry === 0n) {
      const populated = yield* populate(context, cpu, mm, slot, above);
      if (populated === null) return null;
      entry = populated;
    }
    assert(refersToTable(entry), `level ${above} of mm ${mm.ctx_id} maps a page at 0x${address.toString(16)}`);
    table = entryFrame(entry);
  }
  return entryAddress(table, address, level);
}

/** Links a zeroed table unless another processor was first. Result: the entry. */
function* populate(
  context: MmContext,
  cpu: number,
  mm: mm_struct,
  slot: PhysicalAddress,
  level: PagingLevel,
): Kernel<bigint | null> {
  const table = context.pages.alloc_pages('page-table', mm.ctx_id, 0);
  if (table === null) return null;
  yield { kind: 'zero-frame', frame: table.frame };
  yield* spin_lock(mm.page_table_lock);
  let entry = yield* pte_load(slot);
  if (entry === 0n) {
    entry = makeEntry(table.frame, mm === context.core.init_mm ? _KERNPG_TABLE : _PAGE_TABLE);
    yield* set_table_entry(context, mm, slot, level, entry);
    yield* spin_unlock(mm.page_table_lock);
  } else {
    yield* spin_unlock(mm.page_table_lock);
    context.pages.put_page(cpu, table);
  }
  return entry;
}

function refersToTable(entry: bigint): boolean {
  return (entry & (PagingEntry.P | PagingEntry.PS)) === PagingEntry.P;
}

export interface TableRange {
  readonly table: FrameNumber;
  readonly start: bigint;
  readonly end: bigint;
}

/** Calls `visit` on each table of `level` that exists for [start, end), with the part of the range that it translates. */
export function* walk_page_range(
  context: MmContext,
  mm: mm_struct,
  { start, end }: Range,
  level: PagingLevel,
  visit: (range: TableRange) => Kernel<void>,
): Kernel<void> {
  yield* descend({ table: mm.pgd, start, end }, context.levels, level, visit);
}

function* descend(
  { table, start, end }: TableRange,
  at: PagingLevel,
  level: PagingLevel,
  visit: (range: TableRange) => Kernel<void>,
): Kernel<void> {
  if (at === level) {
    yield* visit({ table, start, end });
    return;
  }
  const span = entrySpan(at);
  for (let address = start; address < end; ) {
    const boundary = address - (address % span) + span;
    const { end: next } = intersection({ start: address, end }, { start: address, end: boundary });
    const entry = yield* pte_load(entryAddress(table, address, at));
    if (refersToTable(entry)) {
      yield* descend({ table: entryFrame(entry), start: address, end: next }, (at - 1) as PagingLevel, level, visit);
    }
    address = next;
  }
}
