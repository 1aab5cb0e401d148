/**
 * Paging-structure entries of 4-level and 5-level paging: one 64-bit format, read differently by level
 * (SDM 3A 4.5.4, tables 4-14 to 4-20; protection keys 4.6.2).
 */
import type { FrameNumber, PagingLevel } from './address.ts';

export const PagingEntry = {
  P: 1n << 0n,
  RW: 1n << 1n,
  US: 1n << 2n,
  PWT: 1n << 3n,
  PCD: 1n << 4n,
  A: 1n << 5n,
  /** Entries that map a page only. */
  D: 1n << 6n,
  /** PDPTE and PDE: the entry maps a 1-GByte or 2-MByte page. */
  PS: 1n << 7n,
  /** PTE: the same position is PAT. */
  PAT_4K: 1n << 7n,
  /** Entries that map a page only. */
  G: 1n << 8n,
  /** PDE and PDPTE that map a page: PAT. */
  PAT_LARGE: 1n << 12n,
  XD: 1n << 63n,
} as const;

/** Bits 51:12 of an entry. */
export const ENTRY_FRAME_MASK = 0x000f_ffff_ffff_f000n;

/** Bits 62:59 of an entry that maps a page. */
const PROTECTION_KEY_SHIFT = 59n;

export function entryFrame(entry: bigint): FrameNumber {
  return Number((entry & ENTRY_FRAME_MASK) >> 12n) as FrameNumber;
}

export function entryProtectionKey(entry: bigint): number {
  return Number((entry >> PROTECTION_KEY_SHIFT) & 0xfn);
}

export function protectionKeyBits(key: number): bigint {
  return BigInt(key) << PROTECTION_KEY_SHIFT;
}

/** An entry that refers to a frame: flags are a union of the masks above. */
export function makeEntry(frame: FrameNumber, flags: bigint): bigint {
  return (BigInt(frame) << 12n) | flags;
}

/** Whether a present entry at this level maps a page rather than referring to another structure. */
export function mapsPage(entry: bigint, level: PagingLevel): boolean {
  return level === 1 || ((level === 2 || level === 3) && (entry & PagingEntry.PS) !== 0n);
}

/** The manual's name of an entry at this level. */
export const ENTRY_NAME = { 1: 'PTE', 2: 'PDE', 3: 'PDPTE', 4: 'PML4E', 5: 'PML5E' } as const satisfies Record<
  PagingLevel,
  string
>;
export type EntryName = (typeof ENTRY_NAME)[PagingLevel];
