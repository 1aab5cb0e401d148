/**
 * What an era's TLB code offers to the rest of the mini-kernel, under Linux's names. An era is one whole file beside this
 * one; it is given a `Core` and closes over it. `cpu` is the processor that the code runs on (smp_processor_id()).
 */
import type { StateSink } from '../../base/state-sink.ts';
import type { FlushAction } from '../../event/event.ts';
import type { Core } from '../core.ts';
import type { Kernel } from '../hardware.ts';
import type { mm_struct } from '../mm_struct.ts';
import type { PageTableIsolation } from './pti.ts';

export const TLB_FLUSH_ALL = 0xffff_ffff_ffff_ffffn;

/** arch_tlbflush_unmap_batch: the processors that a batched unmap still has to flush. Private to one task. */
export interface TlbflushUnmapBatch {
  cpumask: bigint;
  /** mm ids added since the last flush: what the flush promises about. */
  mms: number[];
}

export interface FlushRequest {
  readonly start: bigint;
  /** Exclusive, or TLB_FLUSH_ALL. */
  readonly end: bigint;
  /** 12 for 4-KByte entries, 21 for 2-MByte ones. Before E5 a shift above 12 means VM_HUGETLB: flush all. */
  readonly stride_shift: number;
  readonly freed_tables: boolean;
  /** For reports: who asks. */
  readonly reason: string;
}

export interface Tlb {
  /** From E4: the user's half of PCIDs, and the ways between the halves. */
  readonly isolation?: PageTableIsolation;
  /** flush_tlb_range is taken to free page tables: from v6.15 (3ef938c35035). Absent: it frees none. */
  readonly flushTlbRangeFreesTables?: boolean;
  /** Interrupts are off. */
  switch_mm_irqs_off(cpu: number, prev: mm_struct | null, next: mm_struct): Kernel<void>;
  /** Interrupts are off. `mm` is the address space that the kernel thread borrows. */
  enter_lazy_tlb(cpu: number, mm: mm_struct): Kernel<void>;
  leave_mm(cpu: number): Kernel<void>;
  flush_tlb_mm_range(cpu: number, mm: mm_struct, request: FlushRequest): Kernel<void>;
  flush_tlb_all(cpu: number, reason: string): Kernel<void>;
  flush_tlb_kernel_range(cpu: number, start: bigint, end: bigint, reason: string): Kernel<void>;
  arch_tlbbatch_add_mm(cpu: number, batch: TlbflushUnmapBatch, mm: mm_struct): Kernel<void>;
  arch_tlbbatch_flush(cpu: number, batch: TlbflushUnmapBatch): Kernel<void>;
  /** What whoever finds a batched flush owed does about it. Absent: flushes the whole mm. */
  arch_flush_tlb_batched_pending?(cpu: number, mm: mm_struct): Kernel<void>;
  /** What the era keeps outside of simulated memory, as far as what it does next depends on it. */
  tellState?(sink: StateSink): void;
  /** The mm's last reference is gone. */
  destroy_context?(cpu: number, mm: mm_struct): Kernel<void>;
  /** A processor comes up, at boot or by hotplug. Interrupts are off. */
  initialize_tlbstate_and_flush(cpu: number): Kernel<void>;
}

export interface Era {
  readonly id: string;
  /** Kernel versions, for `tlbsan eras`. */
  readonly kernels: string;
  /** One line: what this era changed. */
  readonly summary: string;
  /** What is different from the era before, in sentences: for `tlbsan eras --diff`. */
  readonly changes: readonly string[];
  /** The era of which this is a broken or harmlessly changed variant, and what was changed. */
  readonly variantOf?: { readonly era: string; readonly change: string; readonly harmless: boolean };
  /** Whether the era keeps several contexts by PCID where the processor has it. */
  readonly usesPcid: boolean;
  readonly tlb: (core: Core) => Tlb;
  /** Faults put into the generic mm code around the era: mutants that no era file can express. */
  readonly mm?: MmVariant;
}

/** Named departures of the generic mm code; each is a mutant or a historical fault. */
export interface MmVariant {
  /** M12: hand pages and page tables back before the flush. */
  readonly freeBeforeFlush?: boolean;
  /** M9: flush (advance the generation) before the entries are changed. */
  readonly flushBeforeClear?: boolean;
  /** BUGS 32: mprotect, munmap, mremap and madvise do not look for a batched flush that is still owed. */
  readonly ignoreBatchedPending?: boolean;
  /** BUGS 7: page tables go back without a flush of their own. */
  readonly skipTableFlush?: boolean;
  /** BUGS 24: page tables go back after an IPI that only interrupts, as if no memory were left to gather them. */
  readonly emptyIpiForTables?: boolean;
  /** BUGS 26: mremap flushes the old place after it has let go of the locks. */
  readonly mremapFlushesLate?: boolean;
  /** BUGS 30: a gatherer that meets another one flushes only what it has cleared itself. */
  readonly ignoreNestedGather?: boolean;
  /** BUGS 35: an inaccessible entry is taken to be in no TLB, whoever may be about to flush it. */
  readonly ignoreFlushPending?: boolean;
  /**
   * Taking an entry of somebody else's mm away is a load and a plain store, as where Linux counts on nobody to set A or D
   * meanwhile. Harmless by itself: it takes away the barrier that a locked exchange happens to be.
   */
  readonly plainClear?: boolean;
  /** Every n-th flush of the generic code (counting from 1) is left out: the property test's dropped flush. */
  readonly dropFlush?: number;
}

export type { FlushAction };
