/**
 * What a processor keeps from a page walk: a TLB entry, or an entry of one of the paging-structure caches
 * (SDM 3A 4.10.2 and 4.10.3). Made by the MMU, shared with observers.
 */
import type { FrameNumber, PageNumber, PagingLevel, PhysicalAddress } from '../arch/address.ts';

/** One paging-structure entry that a walk read, with the value it read (A and D as the walk left them). */
export interface EntrySource {
  readonly level: PagingLevel;
  readonly address: PhysicalAddress;
  readonly entry: bigint;
}

/** Rights combined over the entries read so far (SDM 3A 4.10.2.2, 4.10.3.1). */
export interface CombinedRights {
  /** R/W set in every entry. */
  readonly writable: boolean;
  /** U/S set in every entry: a user-mode address. */
  readonly user: boolean;
  /** XD clear in every entry, or EFER.NXE = 0. */
  readonly executable: boolean;
}

interface CachedTranslationBase extends CombinedRights {
  /** Unique in a run and increasing with the time of filling. */
  readonly serial: number;
  readonly processor: number;
  /** The PCID current when it was filled; 0 while CR4.PCIDE = 0. */
  readonly pcid: number;
  /** The frame of the top paging structure that the walk began with, from CR3. */
  readonly root: FrameNumber;
  /** First page of the region that it translates. */
  readonly page: PageNumber;
  /** Number of 4-KByte pages that it translates: a whole large page even where the slot covers a fracture of it. */
  readonly pages: number;
  /** Every entry it was built from, from the top structure down, those behind a paging-structure cache included. */
  readonly sources: readonly EntrySource[];
  /**
   * Set by an observer that wants a `use` event for every use of this translation. It changes nothing else: a run in
   * which nobody watches is the same run.
   */
  watched: boolean;
}

export interface TlbEntry extends CachedTranslationBase {
  readonly kind: 'tlb';
  readonly global: boolean;
  /** First page and number of pages that this slot answers for: less than the page when a large page is fractured. */
  readonly slotPage: PageNumber;
  readonly slotPages: number;
  /** Frame of `slotPage`. */
  readonly frame: FrameNumber;
  /** D was set when the entry was filled: writes through it need no walk. */
  readonly dirty: boolean;
  readonly protectionKey: number;
  /** PAT, PCD and PWT, as the index into IA32_PAT (SDM 3A 4.9.2). */
  readonly memoryTypeIndex: number;
}

/** An entry of a paging-structure cache is named for the entry it holds: it refers to the next structure down. */
export interface PagingStructureCacheEntry extends CachedTranslationBase {
  readonly kind: 'pml5e' | 'pml4e' | 'pdpte' | 'pde';
  /** Level of the entry held. */
  readonly level: PagingLevel;
  /** The structure that the entry refers to. */
  readonly table: FrameNumber;
}

export type CachedTranslation = TlbEntry | PagingStructureCacheEntry;
