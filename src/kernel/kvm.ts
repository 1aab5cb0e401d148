/**
 * Flushing under KVM (kvm_flush_tlb_multi, v4.16): a layer that any era may be put on. Before an era calls processors to
 * flush them, those that the host has taken away are marked, and not called; the host flushes a marked processor before it
 * runs again. Their generations stay behind, which costs a flush at most.
 *
 *     flusher: read the state, compare and exchange PREEMPTED for PREEMPTED and FLUSH_TLB
 *     host:    exchange the state for 0, flush if FLUSH_TLB was there, run the processor
 *
 * Whoever comes second sees it: the flusher then calls the processor after all.
 *
 * Linux asks before it looks for lazy processors, and here that has been done. Calls to every processor are not thinned out.
 * Page tables must not be freed while a software walker that only keeps interrupts off is at work: Linux frees them after
 * an RCU grace period then, which the mini-kernel, without such walkers, does not need.
 */
import { KVM_VCPU_FLUSH_TLB, KVM_VCPU_PREEMPTED } from '../arch/kvm.ts';
import type { FrameNumber } from '../arch/address.ts';
import { present } from './bug.ts';
import { type Cell, locked, READ_ONCE } from './cell.ts';
import type { Core, SmpFunction } from './core.ts';
import { cpumask_of, for_each_cpu } from './cpumask.ts';
import type { Hardware, Kernel } from './hardware.ts';
import type { mm_struct } from './mm_struct.ts';

export class KvmCore implements Core {
  readonly hardware: Hardware;
  readonly init_mm: mm_struct;
  readonly online: Cell<bigint>;
  readonly swapper_pg_dir: FrameNumber;
  readonly #core: Core;
  /** steal_time.preempted, by processor. */
  protected readonly preempted: readonly Cell<bigint>[];

  constructor(core: Core) {
    this.#core = core;
    this.hardware = core.hardware;
    this.init_mm = core.init_mm;
    this.online = core.online;
    this.swapper_pg_dir = core.swapper_pg_dir;
    this.preempted = Array.from({ length: core.hardware.processors }, (_, cpu) => {
      const cell = core.bitsCell(0n);
      core.hardware.stealTime?.(cpu, cell.address);
      return cell;
    });
  }

  *smp_call_function_many(cpu: number, mask: bigint, func: SmpFunction, wait?: boolean): Kernel<void> {
    const here = yield* this.without_preempted(cpu, mask);
    yield* this.#core.smp_call_function_many(cpu, here, func, wait);
  }

  *on_each_cpu_mask(cpu: number, mask: bigint, func: SmpFunction): Kernel<void> {
    const here = yield* this.without_preempted(cpu, mask);
    yield* this.#core.on_each_cpu_mask(cpu, here, func);
  }

  /** Those of the mask that have to be called. */
  protected *without_preempted(cpu: number, mask: bigint): Kernel<bigint> {
    const online = yield* READ_ONCE(this.online);
    let here = mask;
    for (const target of for_each_cpu(mask & online & ~cpumask_of(cpu))) {
      const preempted = present(this.preempted[target], 'steal_time');
      const state = yield* READ_ONCE(preempted);
      if ((state & KVM_VCPU_PREEMPTED) === 0n) continue;
      if (yield* this.mark(preempted, state)) here &= ~cpumask_of(target);
    }
    return here;
  }

  /** Whether the host will see it before it runs the processor. */
  protected *mark(preempted: Cell<bigint>, state: bigint): Kernel<boolean> {
    const before = yield* locked(preempted, 'compare-exchange', state | KVM_VCPU_FLUSH_TLB, state);
    return before === state;
  }

  on_each_cpu(cpu: number, func: SmpFunction): Kernel<void> {
    return this.#core.on_each_cpu(cpu, func);
  }

  cell(initial: number): Cell<number> {
    return this.#core.cell(initial);
  }

  bitsCell(initial: bigint): Cell<bigint> {
    return this.#core.bitsCell(initial);
  }

  mmCell(initial: mm_struct | null): Cell<mm_struct | null> {
    return this.#core.mmCell(initial);
  }

  mmById(ctx_id: number): mm_struct {
    return this.#core.mmById(ctx_id);
  }

  warnUnless(condition: boolean, cpu: number, id: string, detail: string): void {
    this.#core.warnUnless(condition, cpu, id, detail);
  }

  nextFlush(): number {
    return this.#core.nextFlush();
  }

  irqs_disabled(cpu: number): boolean {
    return this.#core.irqs_disabled(cpu);
  }

  local_irq_save(cpu: number): Kernel<boolean> {
    return this.#core.local_irq_save(cpu);
  }

  local_irq_restore(cpu: number, enabled: boolean): Kernel<void> {
    return this.#core.local_irq_restore(cpu, enabled);
  }

  local_irq_disable(cpu: number): Kernel<void> {
    return this.#core.local_irq_disable(cpu);
  }

  local_irq_enable(cpu: number): Kernel<void> {
    return this.#core.local_irq_enable(cpu);
  }
}
