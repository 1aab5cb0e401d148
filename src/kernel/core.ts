/** What all kernel code shares: the hardware, the boot address space, and the kernel's variables. */
import type { FrameNumber } from '../arch/address.ts';
import type { Cell } from './cell.ts';
import type { Hardware, Kernel } from './hardware.ts';
import type { mm_struct } from './mm_struct.ts';

/** A function that one processor runs on others: on the target, in the interrupt handler, interrupts off. */
export type SmpFunction = (cpu: number) => Kernel<void>;

export interface Core {
  readonly hardware: Hardware;
  readonly init_mm: mm_struct;
  /** Kernel variables in simulated memory, initialised before boot. */
  cell(initial: number): Cell<number>;
  bitsCell(initial: bigint): Cell<bigint>;
  /** A pointer to an mm; 0 encodes null, and 1, LOADED_MM_SWITCHING, is no mm: see mm_pointer.ts. */
  mmCell(initial: mm_struct | null): Cell<mm_struct | null>;
  mmById(ctx_id: number): mm_struct;
  readonly online: Cell<bigint>;
  /**
   * Runs `func` on each online processor in `mask` but this one, through call-function IPIs; returns when all have
   * finished, or, without `wait`, when all have been asked. Interrupts must be on.
   */
  smp_call_function_many(cpu: number, mask: bigint, func: SmpFunction, wait?: boolean): Kernel<void>;
  /**
   * As above, this processor included where `mask` holds it: it runs `func` with interrupts off once the others have been
   * asked, and then waits for them.
   */
  on_each_cpu_mask(cpu: number, mask: bigint, func: SmpFunction): Kernel<void>;
  /** As the first on all online processors, then on this one with interrupts off. */
  on_each_cpu(cpu: number, func: SmpFunction): Kernel<void>;
  /** Emits an `assertion` event unless the condition holds; the run goes on. */
  warnUnless(condition: boolean, cpu: number, id: string, detail: string): void;
  /** A fresh number for a flush, for the pair flush-begin and flush-return. */
  nextFlush(): number;
  /** Whether interrupts are off on this processor right now: assertion W1. */
  irqs_disabled(cpu: number): boolean;
  /** CLI. Result: whether interrupts were enabled before, for local_irq_restore. */
  local_irq_save(cpu: number): Kernel<boolean>;
  local_irq_restore(cpu: number, enabled: boolean): Kernel<void>;
  local_irq_disable(cpu: number): Kernel<void>;
  local_irq_enable(cpu: number): Kernel<void>;
  readonly swapper_pg_dir: FrameNumber;
}
