/**
 * The ways into the kernel and out of it, where page-table isolation makes them matter: user code runs on the user's page
 * tables, and the first and last thing the kernel does is to exchange them. Interrupts are off meanwhile, for an interrupt
 * handler could not tell on which it finds itself, and a flush between the last look at what is owed and the return would
 * be lost. Without isolation there is nothing to do, and no action.
 *
 * Whether a processor is in user mode is what CS says on entry. A task returns to user mode with its next user access.
 */
import type { StateSink } from '../base/state-sink.ts';
import { present } from './bug.ts';
import type { Core } from './core.ts';
import type { Kernel } from './hardware.ts';
import type { PageTableIsolation } from './tlb/pti.ts';

export class EntryCode {
  readonly #core: Core;
  readonly #isolation: PageTableIsolation | null;
  readonly #user: boolean[];

  constructor(core: Core, isolation: PageTableIsolation | undefined) {
    this.#core = core;
    this.#isolation = isolation?.enabled === true ? isolation : null;
    this.#user = Array.from({ length: core.hardware.processors }, () => false);
  }

  tellState(sink: StateSink): void {
    for (const user of this.#user) sink.number(user ? 1 : 0);
  }

  /** Whether there is a difference between the two modes. */
  get isolated(): boolean {
    return this.#isolation !== null;
  }

  /** To user mode, with interrupts on before and after. */
  *exit_to_user_mode(cpu: number): Kernel<void> {
    const isolation = this.#isolation;
    if (isolation === null || this.#in_user_mode(cpu)) return;
    yield* this.#core.local_irq_disable(cpu);
    yield* isolation.switch_to_user_cr3(cpu);
    this.#user[cpu] = true;
    yield* this.#core.local_irq_enable(cpu);
  }

  /** By a system call or an exception: kernel code that is entered if the processor is not in the kernel already. */
  entered<T>(cpu: number, code: Kernel<T>): Kernel<T> {
    return this.#isolation === null ? code : this.#enter_and_run(cpu, this.#isolation, code);
  }

  /** By an exception that goes back to where it came from. */
  *page_fault<T>(cpu: number, code: Kernel<T>): Kernel<T> {
    const from_user_mode = this.#isolation !== null && this.#in_user_mode(cpu);
    const result = yield* this.entered(cpu, code);
    if (from_user_mode) yield* this.exit_to_user_mode(cpu);
    return result;
  }

  /** An interrupt, with interrupts off from beginning to end; it goes back to where it came from. */
  *interrupt(cpu: number, code: Kernel<void>): Kernel<void> {
    const isolation = this.#isolation;
    if (isolation === null || !this.#in_user_mode(cpu)) {
      yield* code;
      return;
    }
    yield* isolation.switch_to_kernel_cr3(cpu);
    this.#user[cpu] = false;
    yield* code;
    yield* isolation.switch_to_user_cr3(cpu);
    this.#user[cpu] = true;
  }

  *#enter_and_run<T>(cpu: number, isolation: PageTableIsolation, code: Kernel<T>): Kernel<T> {
    if (this.#in_user_mode(cpu)) {
      yield* this.#core.local_irq_disable(cpu);
      yield* isolation.switch_to_kernel_cr3(cpu);
      this.#user[cpu] = false;
      yield* this.#core.local_irq_enable(cpu);
    }
    return yield* code;
  }

  #in_user_mode(cpu: number): boolean {
    return present(this.#user[cpu], `processor ${cpu}`);
  }
}
