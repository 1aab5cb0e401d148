/**
 * What Linux keeps in a page-table entry: the architectural bits of SDM 3A 4.5.4, and, in entries with P = 0, its own
 * formats. An entry that maps nothing and is not 0 is either an inaccessible mapping (PROT_NONE, which keeps its frame)
 * or a swap entry: a type in bits 13:9 and a number above.
 */
import { entryFrame, makeEntry, PagingEntry } from '../../arch/paging-entry.ts';
import type { FrameNumber } from '../../arch/address.ts';

const { P, RW, US, A, D, PS, G, XD } = PagingEntry;

/** _PAGE_PROTNONE: bit 8, free for software while P = 0. */
const _PAGE_PROTNONE = G;

/** _PAGE_TABLE and _KERNPG_TABLE: rights are left to the lowest level. */
export const _PAGE_TABLE = P | RW | US | A | D;
export const _KERNPG_TABLE = P | RW | A | D;

export const PROT_NONE = 0;
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const PROT_EXEC = 4;

const _PAGE_CHG_MASK = ~(P | RW | US | G | XD);

/** The bits of an entry for a protection; RW only where a write needs no copy first. */
export function vm_get_page_prot(
  prot: number,
  { shared, nx }: { readonly shared: boolean; readonly nx: boolean },
): bigint {
  if (prot === PROT_NONE) return _PAGE_PROTNONE | A;
  const writable = shared && (prot & PROT_WRITE) !== 0 ? RW : 0n;
  const executable = (prot & PROT_EXEC) !== 0 || !nx ? 0n : XD;
  return P | US | A | writable | executable;
}

/** PAGE_KERNEL, global where the kernel uses global pages. */
export function page_kernel({ global, nx }: { readonly global: boolean; readonly nx: boolean }): bigint {
  return P | RW | A | D | (global ? G : 0n) | (nx ? XD : 0n);
}

export function mk_pte(frame: FrameNumber, prot: bigint, huge = false): bigint {
  return makeEntry(frame, huge ? prot | PS : prot);
}

export function pte_pfn(pte: bigint): FrameNumber {
  return entryFrame(pte);
}

/** Maps a frame, even if inaccessibly. */
export function pte_present(pte: bigint): boolean {
  return (pte & (P | _PAGE_PROTNONE)) !== 0n;
}

/** The processor may have cached it: it has P = 1. */
export function pte_hw_present(pte: bigint): boolean {
  return (pte & P) !== 0n;
}

export function pte_write(pte: bigint): boolean {
  return (pte & RW) !== 0n;
}

export function pte_dirty(pte: bigint): boolean {
  return (pte & D) !== 0n;
}

export function pte_young(pte: bigint): boolean {
  return (pte & A) !== 0n;
}

export function pte_mkwrite(pte: bigint): bigint {
  return pte | RW;
}

export function pte_wrprotect(pte: bigint): bigint {
  return pte & ~RW;
}

export function pte_mkdirty(pte: bigint): bigint {
  return pte | D;
}

export function pte_mkclean(pte: bigint): bigint {
  return pte & ~D;
}

export function pte_mkold(pte: bigint): bigint {
  return pte & ~A;
}

/** The same frame, A, D and page size under another protection. */
export function pte_modify(pte: bigint, prot: bigint): bigint {
  return (pte & _PAGE_CHG_MASK) | (prot & ~_PAGE_CHG_MASK);
}

const SWP_TYPE_SHIFT = 9n;
const SWP_TYPE_MASK = 31n;
const SWP_OFFSET_SHIFT = 14n;

const SWP_SWAP = 1n;
const SWP_MIGRATION_READ = 30n;
const SWP_MIGRATION_WRITE = 31n;

/** What an entry that maps nothing stands for; `number` finds it in its registry. */
export type SoftEntry =
  | { readonly kind: 'swap'; readonly number: number }
  | { readonly kind: 'migration'; readonly number: number; readonly write: boolean };

export function swp_entry_to_pte(entry: SoftEntry): bigint {
  const type = entry.kind === 'swap' ? SWP_SWAP : entry.write ? SWP_MIGRATION_WRITE : SWP_MIGRATION_READ;
  return (BigInt(entry.number) << SWP_OFFSET_SHIFT) | (type << SWP_TYPE_SHIFT);
}

/** Of an entry that is neither 0 nor present. */
export function pte_to_swp_entry(pte: bigint): SoftEntry {
  const type = (pte >> SWP_TYPE_SHIFT) & SWP_TYPE_MASK;
  const number = Number(pte >> SWP_OFFSET_SHIFT);
  return type === SWP_SWAP
    ? { kind: 'swap', number }
    : { kind: 'migration', number, write: type === SWP_MIGRATION_WRITE };
}
