/** A system with one or more processes on it, driven call by call; other processors only answer. */
import { linearAddress } from '../../../src/arch/address.ts';
import type { AccessKind } from '../../../src/arch/page-fault.ts';
import type { MachineEvent } from '../../../src/event/event.ts';
import { type Kernel, Segfault } from '../../../src/kernel/hardware.ts';
import type { MiniKernel } from '../../../src/kernel/kernel.ts';
import type { MmTuning } from '../../../src/kernel/mm/context.ts';
import type { user_mm } from '../../../src/kernel/mm/mm_types.ts';
import type { task_struct } from '../../../src/kernel/sched.ts';
import { E3 } from '../../../src/kernel/tlb/e3.ts';
import type { Era } from '../../../src/kernel/tlb/era.ts';
import { initialSwitches, type SwitchName } from '../../../src/machine/switches.ts';
import { System } from '../../../src/scenario/system.ts';

export interface RigOptions {
  readonly processors?: number;
  readonly era?: Era;
  readonly seed?: number;
  readonly frames?: number;
  readonly switches?: Partial<Record<SwitchName, boolean>>;
  readonly tuning?: Partial<MmTuning>;
}

export const READ_WRITE = 3;
export const READ = 1;
export const PAGE = 4096n;
export const SEGFAULT = 'SIGSEGV';

export class Rig {
  readonly system: System;
  readonly kernel: MiniKernel;
  /** Frames in use when no process exists, and the processors borrow the top table of the last one. */
  readonly baseline: number;

  constructor({ processors = 2, era = E3, seed = 1, frames = 4096, switches = {}, tuning = {} }: RigOptions = {}) {
    this.system = new System({
      processors,
      era,
      policy: 'worst',
      switches: { ...initialSwitches(), ...switches },
      seed,
      frames,
      detect: true,
      tuning,
    });
    this.kernel = this.system.kernel;
    this.system.boot();
    this.finish([]);
    this.baseline = this.kernel.context.pages.allocated;
  }

  /** Runs code on a processor until it ends or `stop` holds; the others step only while it waits. */
  runUntil<T>(cpu: number, code: Kernel<T>, stop: () => boolean = () => false): T | null {
    let result: T | null = null;
    this.system.execution.start(cpu, code, (value) => {
      result = value;
    });
    this.resume(cpu, stop);
    return result;
  }

  /** Goes on with what a processor was doing. */
  resume(cpu: number, stop: () => boolean = () => false): void {
    const { execution, machine } = this.system;
    while (execution.busy(cpu) && !stop()) {
      const other = machine.processors.find(({ index }) => index !== cpu && execution.runnable(index));
      const [hardware] = machine.hardwareSteps();
      if (execution.runnable(cpu)) execution.step(cpu);
      else if (other !== undefined) execution.step(other.index);
      else if (hardware !== undefined) machine.takeHardwareStep(hardware);
      else throw new Error('deadlock');
    }
  }

  /** A condition that holds from the first such event on. */
  once(filter: (event: MachineEvent) => boolean): () => boolean {
    let seen = false;
    this.system.stream.observe((event) => {
      seen ||= filter(event);
    });
    return () => seen;
  }

  process(name: string): { readonly mm: user_mm; readonly task: task_struct } {
    const mm = this.kernel.createMm(name);
    return { mm, task: this.kernel.createTask({ name, mm }) };
  }

  do<T>(cpu: number, code: Kernel<T>): T {
    return this.system.perform(cpu, code);
  }

  /** Makes a task the current one of a processor, taking it off another one first. */
  run(cpu: number, task: task_struct): void {
    const { cpu: before } = task;
    if (before === cpu) return;
    if (before !== null) this.do(before, this.kernel.context_switch(before, this.kernel.idle(before)));
    this.do(cpu, this.kernel.context_switch(cpu, task));
  }

  mmap(
    cpu: number,
    pages: number,
    options: { prot?: number; shared?: boolean; address?: bigint; huge?: boolean } = {},
  ): bigint {
    const { prot = READ_WRITE, shared = false, address, huge = false } = options;
    const length = BigInt(pages) * (huge ? 512n : 1n) * PAGE;
    const place = address === undefined ? { address: null } : { address, fixed: true };
    return this.do(cpu, this.kernel.sys_mmap(cpu, { ...place, length, prot, shared, huge }));
  }

  read(cpu: number, address: bigint): bigint | typeof SEGFAULT {
    return this.do(cpu, access(address, 'read'));
  }

  write(cpu: number, address: bigint, value: bigint): typeof SEGFAULT | bigint {
    return this.do(cpu, access(address, 'write', value));
  }

  /** Every store reaches memory. */
  drain(): void {
    for (const { storeBuffer } of this.system.machine.processors) while (storeBuffer.size > 0) storeBuffer.drainOne();
  }

  /** Every task gone, and the processors off the address spaces that they may still borrow. */
  finish(tasks: readonly task_struct[]): void {
    for (const task of tasks) {
      const cpu = task.cpu ?? 0;
      if (task.cpu !== null) this.do(cpu, this.kernel.context_switch(cpu, this.kernel.idle(cpu)));
      this.do(cpu, this.kernel.exit_task(cpu, task));
    }
    const last = this.process('last');
    for (let cpu = 0; cpu < this.system.options.processors; cpu++) this.run(cpu, last.task);
    this.run(0, last.task);
    this.do(0, this.kernel.context_switch(0, this.kernel.idle(0)));
    this.do(0, this.kernel.exit_task(0, last.task));
  }

  get report(): string {
    const { violations, findings } = this.system.detector?.report() ?? { violations: [], findings: [] };
    return JSON.stringify(
      [...violations, ...findings],
      (_, value) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value),
      1,
    );
  }

  get clean(): boolean {
    return this.system.detector?.report().clean ?? false;
  }
}

export function* access(address: bigint, kind: AccessKind, value = 0n, user = true): Kernel<bigint | typeof SEGFAULT> {
  try {
    return yield { kind: 'access', address: linearAddress(address), access: { kind, user }, value };
  } catch (error) {
    if (error instanceof Segfault) return SEGFAULT;
    throw error;
  }
}
