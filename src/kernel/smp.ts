/**
 * Calling a function on other processors by IPI, as kernel/smp.c does it. Every pair (initiator, target) owns one call:
 * its lock is taken by the initiator and dropped by the target once the function has run there. Calls wait in the
 * target's queue; only whoever finds the queue empty sends an IPI, for the handler empties the whole queue.
 *
 * Enqueueing is a locked operation, so everything the initiator stored before it is visible to the target. For that
 * reason what the function is called with travels by value: no order of steps could show a target half of it. The
 * queue's order is the order of those locked operations.
 *
 * Left out: the separate vector for a single target, calls from interrupt handlers.
 */
import type { StateSink } from '../base/state-sink.ts';
import { assert, present } from './bug.ts';
import { type Cell, locked, READ_ONCE, WRITE_ONCE } from './cell.ts';
import type { Core, SmpFunction } from './core.ts';
import { cpumask_has, cpumask_of, for_each_cpu } from './cpumask.ts';
import type { Kernel } from './hardware.ts';

export const CALL_FUNCTION_VECTOR = 0xfb;

const CSD_UNLOCKED = 0;
const CSD_LOCKED = 1;

/** call_single_data: one call, from one initiator to one target. */
interface CallSingleData {
  readonly flags: Cell<number>;
  func: SmpFunction | null;
}

/** call_single_queue: `waiting` has one bit an initiator; `calls` has the same calls in the order of arrival. */
interface CallSingleQueue {
  readonly waiting: Cell<bigint>;
  calls: CallSingleData[];
}

export class SmpCalls {
  readonly #core: Core;
  /** By initiator, then by target. */
  readonly #csd: readonly (readonly CallSingleData[])[];
  readonly #call_single_queue: readonly CallSingleQueue[];

  constructor(core: Core) {
    this.#core = core;
    const cpus = Array.from({ length: core.hardware.processors }, (_, cpu) => cpu);
    this.#csd = cpus.map(() => cpus.map(() => ({ flags: core.cell(CSD_UNLOCKED), func: null })));
    this.#call_single_queue = cpus.map(() => ({ waiting: core.bitsCell(0n), calls: [] }));
  }

  /** What a queued call is to do, its initiator knows, which waits for it. */
  tellState(sink: StateSink): void {
    for (const { calls } of this.#call_single_queue) {
      sink.number(calls.length);
      for (const { flags } of calls) sink.number(flags.address);
    }
  }

  *smp_call_function_many(cpu: number, mask: bigint, func: SmpFunction, wait = true): Kernel<void> {
    const targets = yield* this.#ask(cpu, mask, func);
    if (wait) yield* this.#wait(cpu, targets);
  }

  /** This processor takes its own turn, with interrupts off, while the others are on their way. */
  *on_each_cpu_mask(cpu: number, mask: bigint, func: SmpFunction): Kernel<void> {
    const targets = yield* this.#ask(cpu, mask, func);
    if (cpumask_has(mask, cpu)) {
      const enabled = yield* this.#core.local_irq_save(cpu);
      yield* func(cpu);
      yield* this.#core.local_irq_restore(cpu, enabled);
    }
    yield* this.#wait(cpu, targets);
  }

  /** The handler of CALL_FUNCTION_VECTOR. Interrupts are off until it returns. */
  *call_function_interrupt(cpu: number): Kernel<void> {
    yield { kind: 'end-of-interrupt' };
    yield* this.flush_smp_call_function_queue(cpu);
  }

  /** Runs what waits for this processor; also for one that goes offline, after it has left `online`. Interrupts are off. */
  *flush_smp_call_function_queue(cpu: number): Kernel<void> {
    const queue = this.#queue(cpu);
    yield* locked(queue.waiting, 'exchange', 0n);
    const calls = queue.calls;
    queue.calls = [];
    for (const csd of calls) {
      yield* present(csd.func, 'the function of a queued call')(cpu);
      yield* WRITE_ONCE(csd.flags, CSD_UNLOCKED);
    }
  }

  /** Result: who was asked. */
  *#ask(cpu: number, mask: bigint, func: SmpFunction): Kernel<readonly number[]> {
    assert(!this.#core.irqs_disabled(cpu), 'two processors that call each other with interrupts off wait for ever');
    const online = yield* READ_ONCE(this.#core.online);
    const targets = [...for_each_cpu(mask & online & ~cpumask_of(cpu))];
    const ipi: number[] = [];
    for (const target of targets) {
      const csd = this.#call(cpu, target);
      yield* this.#csd_lock_wait(csd);
      yield* WRITE_ONCE(csd.flags, CSD_LOCKED);
      csd.func = func;
      const queue = this.#queue(target);
      const before = yield* locked(queue.waiting, 'or', cpumask_of(cpu));
      queue.calls.push(csd);
      if (before === 0n) ipi.push(target);
    }
    if (ipi.length > 0) yield { kind: 'send-ipi', vector: CALL_FUNCTION_VECTOR, targets: ipi };
    return targets;
  }

  *#wait(cpu: number, targets: readonly number[]): Kernel<void> {
    for (const target of targets) yield* this.#csd_lock_wait(this.#call(cpu, target));
  }

  *#csd_lock_wait(csd: CallSingleData): Kernel<void> {
    yield { kind: 'wait', address: csd.flags.address, until: (flags) => csd.flags.decode(flags) === CSD_UNLOCKED };
  }

  #call(initiator: number, target: number): CallSingleData {
    return present(this.#csd[initiator]?.[target], `call from processor ${initiator} to ${target}`);
  }

  #queue(cpu: number): CallSingleQueue {
    return present(this.#call_single_queue[cpu], `call queue of processor ${cpu}`);
  }
}
