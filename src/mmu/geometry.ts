/** The sizes of a real part's translation caches, as data. */
import { pagesPerEntry } from '../arch/address.ts';

/** One array of a TLB: `sets` x `ways` slots that answer for `slotPages` pages each. */
export interface TlbArrayGeometry {
  readonly name: string;
  readonly level: 1 | 2;
  readonly serves: readonly ('data' | 'fetch')[];
  /** Sizes of slot that share the array. A page of a size that no array of its level holds is fractured into the next smaller. */
  readonly slotPages: readonly number[];
  readonly sets: number;
  readonly ways: number;
}

/** Numbers of entries, all of them fully associative; 0 is no cache of that kind. */
export interface PagingStructureCacheGeometry {
  readonly pml5e: number;
  readonly pml4e: number;
  readonly pdpte: number;
  readonly pde: number;
}

export interface TranslationCacheGeometry {
  readonly name: string;
  readonly arrays: readonly TlbArrayGeometry[];
  readonly pagingStructureCaches: PagingStructureCacheGeometry;
  /** Where the numbers come from, and which of them are not published. */
  readonly source: string;
}

const KIB_4 = pagesPerEntry(1);
const MIB_2 = pagesPerEntry(2);
const GIB_1 = pagesPerEntry(3);

export const SKYLAKE_CLIENT: TranslationCacheGeometry = {
  name: 'skylake-client',
  arrays: [
    { name: 'DTLB 4K', level: 1, serves: ['data'], slotPages: [KIB_4], sets: 16, ways: 4 },
    { name: 'DTLB 2M', level: 1, serves: ['data'], slotPages: [MIB_2], sets: 8, ways: 4 },
    { name: 'DTLB 1G', level: 1, serves: ['data'], slotPages: [GIB_1], sets: 1, ways: 4 },
    { name: 'ITLB 4K', level: 1, serves: ['fetch'], slotPages: [KIB_4], sets: 16, ways: 8 },
    { name: 'ITLB 2M', level: 1, serves: ['fetch'], slotPages: [MIB_2], sets: 1, ways: 8 },
    { name: 'STLB', level: 2, serves: ['data', 'fetch'], slotPages: [KIB_4, MIB_2], sets: 128, ways: 12 },
    { name: 'STLB 1G', level: 2, serves: ['data', 'fetch'], slotPages: [GIB_1], sets: 4, ways: 4 },
  ],
  pagingStructureCaches: { pml5e: 0, pml4e: 2, pdpte: 4, pde: 24 },
  source:
    'TLBs: Intel 64 and IA-32 Optimization Reference Manual 248966-045, table 2-15 (one thread; ITLB 2M taken as fully ' +
    'associative). Paging-structure caches are not published: orders of magnitude after van Schaik et al., "Reverse ' +
    'Engineering Hardware Page Table Caches" (2017).',
};

export const ZEN_2: TranslationCacheGeometry = {
  name: 'zen-2',
  arrays: [
    { name: 'L1 DTLB', level: 1, serves: ['data'], slotPages: [KIB_4, MIB_2, GIB_1], sets: 1, ways: 64 },
    { name: 'L1 ITLB', level: 1, serves: ['fetch'], slotPages: [KIB_4, MIB_2, GIB_1], sets: 1, ways: 64 },
    { name: 'L2 DTLB', level: 2, serves: ['data'], slotPages: [KIB_4, MIB_2], sets: 128, ways: 16 },
    { name: 'L2 ITLB', level: 2, serves: ['fetch'], slotPages: [KIB_4, MIB_2], sets: 128, ways: 8 },
  ],
  pagingStructureCaches: { pml5e: 0, pml4e: 32, pdpte: 32, pde: 64 },
  source:
    'AMD Software Optimization Guide for Family 17h Models 30h and Greater 56305, section 2.7: 1-GByte pages are ' +
    'fractured into 2-MByte entries in the second level. The guide has one page-directory cache of 64 entries for PML4Es ' +
    'and PDPTEs, here halved, and keeps PDEs in the L2 DTLB, here a cache of their own (model). PTE coalescing is left out.',
};

export const GEOMETRIES: readonly TranslationCacheGeometry[] = [SKYLAKE_CLIENT, ZEN_2];
