/**
 * Addresses of x86-64 (SDM 3A 4.5).
 *
 * A linear address is a 64-bit `bigint`. Its page number, bits 63:12, has 52 bits and so is exact in a `number`: page
 * numbers tag every cache of translations, which keeps `bigint` off the paths that every access takes. Physical
 * addresses have at most 52 bits (MAXPHYADDR) and are `number`s throughout.
 */

declare const brand: unique symbol;

/** Bits 63:0 of a linear address, 0 <= value < 2^64. */
export type LinearAddress = bigint & { readonly [brand]: 'LinearAddress' };
/** Bits 51:0 of a physical address. */
export type PhysicalAddress = number & { readonly [brand]: 'PhysicalAddress' };
/** Bits 63:12 of a linear address, 0 <= value < 2^52. */
export type PageNumber = number & { readonly [brand]: 'PageNumber' };
/** Bits 51:12 of a physical address, 0 <= value < 2^40. */
export type FrameNumber = number & { readonly [brand]: 'FrameNumber' };

export const PAGE_SHIFT = 12;
export const PAGE_BYTES = 4096;

/** One more than the largest page number. */
export const PAGE_NUMBER_LIMIT = 2 ** 52;

export function linearAddress(value: bigint): LinearAddress {
  return BigInt.asUintN(64, value) as LinearAddress;
}

export function physicalAddress(value: number): PhysicalAddress {
  return value as PhysicalAddress;
}

export function pageNumber(value: number): PageNumber {
  return value as PageNumber;
}

export function frameNumber(value: number): FrameNumber {
  return value as FrameNumber;
}

export function pageOf(address: LinearAddress): PageNumber {
  return Number(address >> 12n) as PageNumber;
}

export function offsetOf(address: LinearAddress): number {
  return Number(address & 0xfffn);
}

export function addressInPage(page: PageNumber, offset: number): LinearAddress {
  return ((BigInt(page) << 12n) | BigInt(offset)) as LinearAddress;
}

export function frameOf(address: PhysicalAddress): FrameNumber {
  return Math.floor(address / PAGE_BYTES) as FrameNumber;
}

export function addressInFrame(frame: FrameNumber, offset: number): PhysicalAddress {
  return (frame * PAGE_BYTES + offset) as PhysicalAddress;
}

/** Number of paging levels: 4 translates 48-bit linear addresses, 5 translates 57-bit ones (CR4.LA57). */
export type PagingLevels = 4 | 5;

/** Whether bits 63:47 (4 levels) or 63:56 (5 levels) are all equal (SDM 1 3.3.7.1). */
export function isCanonical(page: PageNumber, levels: PagingLevels): boolean {
  const half = levels === 4 ? 2 ** 35 : 2 ** 44;
  return page < half || page >= PAGE_NUMBER_LIMIT - half;
}

/** Level of a paging structure: 5 PML5, 4 PML4, 3 page-directory-pointer table, 2 page directory, 1 page table. */
export type PagingLevel = 1 | 2 | 3 | 4 | 5;

/** Number of 4-KByte pages that one entry of a structure at this level translates. */
export function pagesPerEntry(level: PagingLevel): number {
  return PAGES_PER_ENTRY[level];
}

const PAGES_PER_ENTRY = { 1: 1, 2: 512, 3: 512 ** 2, 4: 512 ** 3, 5: 512 ** 4 } as const;

/** The nine bits of the page number that select an entry in a structure at this level (SDM 3A 4.5.4). */
export function tableIndex(page: PageNumber, level: PagingLevel): number {
  return Math.floor(page / pagesPerEntry(level)) % 512;
}

/** The first page of the naturally aligned region of `pages` pages that holds this one; `pages` is a power of two. */
export function regionStart(page: PageNumber, pages: number): PageNumber {
  return (page - (page % pages)) as PageNumber;
}
