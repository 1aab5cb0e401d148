/**
 * Who runs where. Each processor has a current task and an idle task; who comes next is the caller's choice. A kernel
 * thread has no address space and borrows that of its predecessor, which keeps the top table alive (mm_count) but not
 * the mappings (mm_users).
 */
import type { StateSink } from '../base/state-sink.ts';
import { assert, present } from './bug.ts';
import { type Cell, locked, WRITE_ONCE } from './cell.ts';
import type { Core } from './core.ts';
import type { Kernel } from './hardware.ts';
import type { user_mm } from './mm/mm_types.ts';
import type { mm_struct } from './mm_struct.ts';
import type { Tlb } from './tlb/era.ts';

export interface task_struct {
  readonly pid: number;
  readonly comm: string;
  /** Null: a kernel thread. */
  mm: user_mm | null;
  /** What the processor's page tables are while the task runs; null while a kernel thread is not running. */
  active_mm: mm_struct | null;
  /** Where the task runs, as the scheduler knows. */
  cpu: number | null;
  /**
   * 1 from before the task runs until all that it did is visible: the store of 0 leaves the store buffer after
   * everything before it, and the next processor waits for it.
   */
  readonly on_cpu: Cell<number>;
}

/** Takes and drops references that only keep the top table. */
export interface MmCount {
  mmgrab(mm: mm_struct): void;
  mmdrop(cpu: number, mm: mm_struct): Kernel<void>;
}

export class Scheduler {
  readonly #core: Core;
  readonly #tlb: Tlb;
  readonly #counts: MmCount;
  readonly #current: task_struct[];
  readonly #idle: task_struct[];
  #last_pid = 0;

  constructor(core: Core, tlb: Tlb, counts: MmCount) {
    this.#core = core;
    this.#tlb = tlb;
    this.#counts = counts;
    this.#idle = Array.from({ length: core.hardware.processors }, (_, cpu) => ({
      pid: 0,
      comm: `swapper/${cpu}`,
      mm: null,
      active_mm: core.init_mm,
      cpu,
      on_cpu: core.cell(1),
    }));
    this.#current = [...this.#idle];
  }

  tellState(sink: StateSink): void {
    for (const task of [...this.#current, ...this.#idle]) tell_task(sink, task);
  }

  current(cpu: number): task_struct {
    return present(this.#current[cpu], `processor ${cpu}`);
  }

  idle(cpu: number): task_struct {
    return present(this.#idle[cpu], `processor ${cpu}`);
  }

  /** A task with a reference to its address space, which the caller has taken. */
  create(comm: string, mm: user_mm | null): task_struct {
    return { pid: ++this.#last_pid, comm, mm, active_mm: mm, cpu: null, on_cpu: this.#core.cell(0) };
  }

  /** From the current task to another, with interrupts on before and after. */
  *context_switch(cpu: number, next: task_struct): Kernel<void> {
    const prev = this.current(cpu);
    if (prev === next) return;
    assert(next.cpu === null || next === this.idle(cpu), `${next.comm} runs on processor ${next.cpu} already`);
    next.cpu = cpu;
    if (next !== this.idle(cpu)) yield* prepare_task(next);
    const enabled = yield* this.#core.local_irq_save(cpu);
    const oldmm = present(prev.active_mm, `active_mm of ${prev.comm}`);
    if (next.mm === null) {
      next.active_mm = oldmm;
      this.#counts.mmgrab(oldmm);
      yield* this.#tlb.enter_lazy_tlb(cpu, oldmm);
    } else {
      yield* this.#tlb.switch_mm_irqs_off(cpu, oldmm, next.mm);
    }
    if (prev.mm === null) prev.active_mm = null;
    prev.cpu = prev === this.idle(cpu) ? cpu : null;
    this.#current[cpu] = next;
    if (prev !== this.idle(cpu)) yield* finish_task(prev);
    this.#core.hardware.tell({ kind: 'task', processor: cpu, task: next.comm });
    yield* this.#core.local_irq_restore(cpu, enabled);
    if (prev.mm === null) yield* this.#counts.mmdrop(cpu, oldmm);
  }

  /** The current task gives its address space up and goes on as a kernel thread does. The caller then puts the mm. */
  *exit_mm(cpu: number): Kernel<void> {
    const task = this.current(cpu);
    const mm = present(task.mm, `the address space of ${task.comm}`);
    this.#counts.mmgrab(mm);
    const enabled = yield* this.#core.local_irq_save(cpu);
    task.mm = null;
    yield* this.#tlb.enter_lazy_tlb(cpu, mm);
    yield* this.#core.local_irq_restore(cpu, enabled);
  }

  /** The idle task of a processor that goes offline stops borrowing. Interrupts are off. */
  *idle_task_exit(cpu: number): Kernel<void> {
    const task = this.current(cpu);
    assert(task === this.idle(cpu), `processor ${cpu} goes offline while ${task.comm} runs`);
    const { init_mm } = this.#core;
    const mm = present(task.active_mm, 'active_mm of the idle task');
    if (mm === init_mm) return;
    yield* this.#tlb.switch_mm_irqs_off(cpu, mm, init_mm);
    task.active_mm = init_mm;
    this.#counts.mmgrab(init_mm);
    yield* this.#counts.mmdrop(cpu, mm);
  }
}

export function tell_task(sink: StateSink, { pid, comm, mm, active_mm, cpu }: task_struct): void {
  sink.text(comm);
  for (const value of [pid, mm?.ctx_id ?? 0, active_mm?.ctx_id ?? 0, cpu ?? -1]) sink.number(value);
}

function* prepare_task({ on_cpu }: task_struct): Kernel<void> {
  yield { kind: 'wait', address: on_cpu.address, until: (value) => value === 0n };
  yield* locked(on_cpu, 'exchange', 1n);
}

function* finish_task({ on_cpu }: task_struct): Kernel<void> {
  yield* WRITE_ONCE(on_cpu, 0);
}
