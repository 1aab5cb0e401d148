/** What all parts of the mm code share. */
import type { PagingLevels } from '../../arch/address.ts';
import type { KernelCore } from '../kernel_core.ts';
import type { page, PageAllocator } from '../page_alloc.ts';
import type { MmVariant } from '../tlb/era.ts';
import type { Migrations } from './migration_entry.ts';
import type { MmRegistry } from './mm_types.ts';
import type { Operations } from './operation.ts';
import type { PageLocks } from './page_lock.ts';
import type { SwapSpace } from './swap.ts';
import type { TlbFlush } from './tlbflush.ts';
import type { ObjectRegistry } from './vm_object.ts';

/** Sizes that tests and searches shrink. */
export interface MmTuning {
  /** Pages, or page tables, that an mmu_gather holds before it must flush (Linux: what fits in a page). */
  readonly gatherBatch: number;
  /** SWAP_CLUSTER_MAX: pages that reclaim unmaps before it flushes. */
  readonly reclaimBatch: number;
  /** Whether each processor has a list of free pages of its own; see page_alloc.ts. */
  readonly perProcessorPages: boolean;
  /** Whether frames of page tables go to page tables again; see page_alloc.ts. */
  readonly tablesApart: boolean;
}

export interface MmContext {
  readonly core: KernelCore;
  readonly levels: PagingLevels;
  readonly nx: boolean;
  /** Page-table isolation: every address space has a second top table, the frame behind the first, for user mode. */
  readonly isolated: boolean;
  readonly variant: MmVariant;
  readonly tuning: MmTuning;
  readonly flush: TlbFlush;
  readonly operations: Operations;
  readonly pages: PageAllocator;
  readonly locks: PageLocks;
  readonly swap: SwapSpace;
  readonly migrations: Migrations;
  readonly objects: ObjectRegistry;
  readonly mms: MmRegistry;
  /** ZERO_PAGE: mapped read-only, never counted. */
  readonly zero_page: page;
  /** Entries of swapper_pg_dir that every top table has. */
  readonly kernel_pgd_entries: readonly number[];
}
