/** An address space, as far as the TLB code and the generic mm code share it. */
import type { FrameNumber } from '../arch/address.ts';
import type { Cell } from './cell.ts';

export interface mm_struct {
  /** Unique, never reused, 1 for init_mm; also the name of the address space in events. */
  readonly ctx_id: number;
  readonly name: string;
  readonly pgd: FrameNumber;
  readonly tlb_gen: Cell<number>;
  /** mm_cpumask: one bit a processor. */
  readonly cpumask: Cell<bigint>;
  /** Spinlock over all page-table entries of this mm. */
  readonly page_table_lock: Cell<number>;
  /** Held for mmap, munmap, mprotect ...; faults and madvise take it shared: bit 0 writer, readers counted above. */
  readonly mmap_lock: Cell<number>;
  readonly tlb_flush_pending: Cell<number>;
  /** Non-zero while a batched flush is owed: written under page_table_lock. */
  readonly tlb_flush_batched: Cell<number>;
  /** When mm_cpumask is next rid of processors that have left, on the era's own clock: from E9. */
  readonly next_trim_cpumask: Cell<number>;
  /** The ASID that the mm has on every processor, 0 for none: from E10, where there is INVLPGB. */
  readonly global_asid: Cell<number>;
  /** Some processor may still run the mm under an ASID of its own. */
  readonly asid_transition: Cell<number>;
}
