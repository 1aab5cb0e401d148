/**
 * Processors that come and go. One that goes leaves for init_mm and then cpu_online_mask; calls sent to it before are
 * still answered, which Linux arranges by stopping the machine. One that comes trusts nothing that it remembers.
 *
 * Bringing up is an IPI to a processor that waits with interrupts on, in place of INIT and SIPI. What INIT does to the
 * TLBs (SDM 3A table 10-1) the processor does itself.
 */
import { Cr4 } from '../arch/control-registers.ts';
import { assert } from './bug.ts';
import { cpumask_clear_cpu, cpumask_of, cpumask_set_cpu } from './cpumask.ts';
import type { Kernel } from './hardware.ts';
import type { KernelCore } from './kernel_core.ts';
import type { Scheduler } from './sched.ts';
import type { Tlb } from './tlb/era.ts';
import { __flush_tlb_all } from './tlb/tlbflush.ts';

export const CPU_UP_VECTOR = 0xfa;

export class Hotplug {
  readonly #core: KernelCore;
  readonly #tlb: Tlb;
  readonly #scheduler: Scheduler;
  readonly #online: boolean[];

  constructor(core: KernelCore, tlb: Tlb, scheduler: Scheduler) {
    this.#core = core;
    this.#tlb = tlb;
    this.#scheduler = scheduler;
    this.#online = Array.from({ length: core.hardware.processors }, () => false);
  }

  /** Whether tasks may run there. */
  online(cpu: number): boolean {
    this.#core.hardware.touch?.('online', cpu, 'read');
    return this.#online[cpu] === true;
  }

  /** At boot, on each processor, with interrupts off before and on after. */
  *boot(cpu: number): Kernel<void> {
    yield* this.#start(cpu);
    yield* this.#core.local_irq_enable(cpu);
  }

  /** Takes another processor down, once whoever runs there has made way for the idle task. */
  *cpu_offline(cpu: number, target: number): Kernel<void> {
    assert(cpu !== target && this.online(target), `processor ${cpu} cannot take processor ${target} down`);
    this.#core.hardware.touch?.('online', target, 'write');
    this.#online[target] = false;
    const scheduler = this.#scheduler;
    const idle = (): boolean => scheduler.current(target) === scheduler.idle(target);
    yield { kind: 'wait', address: this.#core.online.address, until: idle };
    yield* this.#core.smp_call_function_many(cpu, cpumask_of(target), (victim) => this.#take_cpu_down(victim));
  }

  /** Brings another processor up and waits until it runs. */
  *cpu_online(cpu: number, target: number): Kernel<void> {
    assert(cpu !== target && !this.online(target), `processor ${cpu} cannot bring processor ${target} up`);
    yield { kind: 'send-ipi', vector: CPU_UP_VECTOR, targets: [target] };
    const bit = cpumask_of(target);
    yield { kind: 'wait', address: this.#core.online.address, until: (mask) => (mask & bit) !== 0n };
  }

  /** The handler of CPU_UP_VECTOR. */
  *cpu_up_interrupt(cpu: number): Kernel<void> {
    yield { kind: 'end-of-interrupt' };
    yield* __flush_tlb_all(this.#core.hardware.features);
    yield* this.#start(cpu);
  }

  *#start(cpu: number): Kernel<void> {
    if (this.#core.hardware.features.globalPages) yield* cr4_set_bits(Cr4.PGE);
    yield* this.#tlb.initialize_tlbstate_and_flush(cpu);
    yield* cpumask_set_cpu(cpu, this.#core.online);
    this.#core.hardware.touch?.('online', cpu, 'write');
    this.#online[cpu] = true;
  }

  *#take_cpu_down(cpu: number): Kernel<void> {
    yield* this.#scheduler.idle_task_exit(cpu);
    yield* cpumask_clear_cpu(cpu, this.#core.online);
  }
}

function* cr4_set_bits(mask: bigint): Kernel<void> {
  const cr4 = yield { kind: 'mov-from-cr4' };
  if ((cr4 | mask) !== cr4) yield { kind: 'mov-to-cr4', value: cr4 | mask };
}
