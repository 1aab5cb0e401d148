/**
 * A whole system stepped by hand: processors stand still between any two actions until the test moves one of them. What
 * the hardware may do at a moment of its choosing happens only when the test says so, speculation included.
 *
 * Processor n runs task n; the tasks share the address space `mm`, in which `pages` pages are mapped at `at(0)`, read/write
 * and written once by processor 0.
 */
import { expect } from 'vitest';
import { linearAddress, type LinearAddress, type PhysicalAddress } from '../../src/arch/address.ts';
import type { AccessKind } from '../../src/arch/page-fault.ts';
import { present } from '../../src/base/assert.ts';
import type { CoherenceReport } from '../../src/coherence/violation.ts';
import type { MachineEvent } from '../../src/event/event.ts';
import { type Kernel, Segfault } from '../../src/kernel/hardware.ts';
import type { MiniKernel } from '../../src/kernel/kernel.ts';
import type { mm_struct } from '../../src/kernel/mm_struct.ts';
import { entryAddress } from '../../src/kernel/mm/pgtable.ts';
import type { task_struct } from '../../src/kernel/sched.ts';
import { eraById } from '../../src/kernel/tlb/eras.ts';
import { entryFrame } from '../../src/arch/paging-entry.ts';
import { initialSwitches, type Switches } from '../../src/machine/switches.ts';
import type { ProcessorAction } from '../../src/scenario/execution.ts';
import { System } from '../../src/scenario/system.ts';

export interface StepperOptions {
  readonly era: string;
  readonly processors?: number;
  readonly pages?: number;
  readonly switches?: Partial<Switches>;
  /** These have not run their tasks yet, and know nothing of the address space. */
  readonly strangers?: readonly number[];
}

/** 8 MiB. */
const FRAMES = 2048;
const AT = 0x4000_0000n;
const PAGE = 0x1000n;
const READ_WRITE = 3;

export class Stepper {
  readonly system: System;
  readonly kernel: MiniKernel;
  readonly mm: mm_struct;
  readonly tasks: readonly task_struct[];
  readonly #events: MachineEvent[] = [];

  constructor({ era, processors = 2, pages = 4, switches = {}, strangers = [] }: StepperOptions) {
    this.system = new System({
      processors,
      era: eraById(era),
      policy: 'worst',
      switches: { ...initialSwitches(), speculation: false, ...switches },
      seed: 1,
      frames: FRAMES,
      detect: true,
    });
    const { system } = this;
    this.kernel = system.kernel;
    system.boot();
    this.mm = this.kernel.createMm('A');
    this.tasks = system.machine.processors.map(({ index }) =>
      this.kernel.createTask({ name: `T${index}`, mm: this.mm }),
    );
    this.comeBack(0);
    const request = {
      address: AT,
      length: BigInt(pages) * PAGE,
      prot: READ_WRITE,
      shared: false,
      fixed: true,
      huge: false,
    };
    this.run(0, this.kernel.sys_mmap(0, request));
    for (let page = 0; page < pages; page++) this.access(0, page, 'write');
    this.drain(0);
    for (const { index } of system.machine.processors)
      if (index > 0 && !strangers.includes(index)) this.comeBack(index);
    if (strangers.includes(0)) this.leave(0);
    system.stream.observe((event) => this.#events.push(event));
  }

  at(page: number): LinearAddress {
    return linearAddress(AT + BigInt(page) * PAGE);
  }

  task(processor: number): task_struct {
    return present(this.tasks[processor], `task of processor ${processor}`);
  }

  // One processor moves

  /** Runs code to its end, while the others stand still: it must wait for nobody. */
  run<T>(processor: number, code: Kernel<T>): T {
    const results: T[] = [];
    this.system.execution.start(processor, code, (result) => results.push(result));
    this.finish(processor);
    expect(results).toHaveLength(1);
    return results[0] as T;
  }

  /** Starts code without a step. */
  begin(processor: number, code: Kernel<unknown>): void {
    this.system.execution.start(processor, code);
  }

  /** Steps a processor until it has nothing left to run. */
  finish(processor: number): void {
    const { execution } = this.system;
    while (execution.busy(processor)) {
      expect(execution.runnable(processor), `processor ${processor} can go on`).toBe(true);
      execution.step(processor);
    }
  }

  /** Steps a processor up to an action, which comes next. */
  stopBefore(processor: number, wanted: (action: ProcessorAction) => boolean): void {
    const { execution } = this.system;
    for (;;) {
      const action = execution.nextAction(processor);
      if (action !== null && wanted(action)) return;
      expect(execution.runnable(processor), `processor ${processor} gets there`).toBe(true);
      execution.step(processor);
    }
  }

  /** Steps a processor just past an action. */
  stopAfter(processor: number, wanted: (action: ProcessorAction) => boolean): void {
    this.stopBefore(processor, wanted);
    this.system.execution.step(processor);
  }

  /** Steps a processor for as long as it can go on by itself. True: it is done; false: it waits. */
  goOn(processor: number): boolean {
    const { execution } = this.system;
    while (execution.busy(processor) && execution.runnable(processor)) execution.step(processor);
    return !execution.busy(processor);
  }

  // What hardware does when it likes

  /** Delivers what is in flight to a processor; how many IPIs. */
  deliver(processor: number): number {
    const { bus } = this.system.machine;
    const arriving = bus.inFlight.filter(({ target }) => target === processor);
    for (const ipi of arriving) this.system.machine.takeHardwareStep({ kind: 'deliver', ipi });
    return arriving.length;
  }

  drain(processor: number): void {
    this.system.machine.processor(processor).storeBuffer.drainAll();
  }

  /** A walk that no program asked for; whether the TLB has a translation from it. */
  speculate(processor: number, page: number): boolean {
    this.system.stream.time++;
    return this.system.machine.processor(processor).mmu.speculate(this.at(page));
  }

  // What happens often

  /** Delivers to a processor that is not in the middle of anything, and lets its handler run to the end. */
  answer(processor: number): void {
    this.deliver(processor);
    this.handle(processor);
  }

  handle(processor: number): void {
    const { execution } = this.system;
    while (execution.runnable(processor)) execution.step(processor);
  }

  /** All go on, and answer each other, until nothing is left to do. */
  settle(): void {
    const { machine, execution } = this.system;
    const step = (): boolean => {
      const moving = machine.processors.find(({ index }) => execution.runnable(index));
      if (moving !== undefined) execution.step(moving.index);
      else {
        const hardware = machine.hardwareSteps()[0];
        if (hardware === undefined) return false;
        machine.takeHardwareStep(hardware);
      }
      return true;
    };
    while (step());
    for (const { index } of machine.processors) expect(execution.busy(index), `processor ${index} is done`).toBe(false);
  }

  /** A user access. Result: what was read or written, or 'SIGSEGV'. */
  access(processor: number, page: number, kind: AccessKind): bigint | 'SIGSEGV' {
    const address = this.at(page);
    function* code(): Kernel<bigint | 'SIGSEGV'> {
      try {
        return yield { kind: 'access', address, access: { kind, user: true }, value: BigInt(processor + 1) };
      } catch (error) {
        if (error instanceof Segfault) return 'SIGSEGV';
        throw error;
      }
    }
    return this.run(processor, code());
  }

  /** The processor leaves its task, for its idle task: lazy, where the era has it. */
  goIdle(processor: number): void {
    this.run(processor, this.#switchTo(processor, this.kernel.idle(processor)));
  }

  comeBack(processor: number): void {
    this.run(processor, this.#switchTo(processor, this.task(processor)));
  }

  /** The processor runs a task of another address space from now on. */
  leave(processor: number): void {
    const task = this.kernel.createTask({ name: 'elsewhere', mm: this.kernel.createMm('B') });
    this.run(processor, this.#switchTo(processor, task));
  }

  /** An operation from begin to end, the others answering as they must. */
  complete(processor: number, code: Kernel<unknown>): void {
    this.begin(processor, code);
    this.settle();
  }

  madvise(processor: number, page: number, pages = 1): Kernel<unknown> {
    return this.kernel.sys_madvise(processor, this.at(page), BigInt(pages) * PAGE, 'dontneed');
  }

  munmap(processor: number, page: number, pages = 1): Kernel<unknown> {
    return this.kernel.sys_munmap(processor, this.at(page), BigInt(pages) * PAGE);
  }

  mprotect(processor: number, page: number, prot: number): Kernel<unknown> {
    return this.kernel.sys_mprotect(processor, this.at(page), PAGE, prot);
  }

  #switchTo(processor: number, task: task_struct): Kernel<void> {
    return this.kernel.context_switch(processor, task);
  }

  // What there is to see

  /** Where the entry of a page is, at level 1 or above. */
  entry(page: number, level: 1 | 2 | 3 | 4 = 1): PhysicalAddress {
    const { memory } = this.system.machine;
    let table = this.mm.pgd;
    for (const above of [4, 3, 2] as const) {
      if (above <= level) break;
      table = entryFrame(memory.read64(entryAddress(table, this.at(page), above)));
    }
    return entryAddress(table, this.at(page), level);
  }

  report(): CoherenceReport {
    return present(this.system.detector, 'the detector').report();
  }

  /** Severities of the violations, and kinds of the findings, so far. */
  reported(): readonly string[] {
    const { violations, findings } = this.report();
    const kinds = findings.map((finding) => (finding.kind === 'assertion' ? finding.id : finding.kind));
    return [...violations.map(({ severity, use }) => `${severity} on ${use.processor}`), ...kinds];
  }

  /** What one processor decided about flushes, or others for it, since `forget`. */
  decisions(processor: number): readonly string[] {
    return this.#events.flatMap((event) =>
      event.kind === 'flush-decision' && event.processor === processor ? [`${event.action}: ${event.why}`] : [],
    );
  }

  count(kind: MachineEvent['kind'], processor: number): number {
    return this.#events.filter((event) => event.kind === kind && 'processor' in event && event.processor === processor)
      .length;
  }

  forget(): void {
    this.#events.length = 0;
  }
}

// Actions to stop at

export const SENDS_IPI = ({ kind }: ProcessorAction): boolean => kind === 'send-ipi';
export const LOADS_CR3 = ({ kind }: ProcessorAction): boolean => kind === 'mov-to-cr3';
export const INVALIDATES = ({ kind }: ProcessorAction): boolean => kind === 'invlpg' || kind === 'mov-to-cr3';

export function advancesGeneration(mm: mm_struct): (action: ProcessorAction) => boolean {
  return (action) => action.kind === 'locked' && action.address === mm.tlb_gen.address;
}

export function readsMask(mm: mm_struct): (action: ProcessorAction) => boolean {
  return (action) => action.kind === 'load' && action.address === mm.cpumask.address;
}
