/**
 * Runs generators of kernel and user code on the machine's processors, one action a step. Each processor has a stack:
 * what it was running, on top of it a page-fault handler or an interrupt handler, and so on. A scheduler outside picks
 * which processor steps next, or which of the hardware's own steps is taken.
 */
import { addressInFrame, offsetOf } from '../arch/address.ts';
import { Vector } from '../arch/page-fault.ts';
import { assert, present, unreachable } from '../base/assert.ts';
import { UnsupportedError } from '../base/errors.ts';
import { type Action, type Kernel, Segfault } from '../kernel/hardware.ts';
import type { Machine } from '../machine/machine.ts';
import * as operations from '../machine/operations.ts';
import type { Processor } from '../machine/processor.ts';

/**
 * What code on a processor may yield: the kernel's actions; that it has nothing to do until something happens; or, for
 * workloads that use the hardware's freedom on purpose, a step of the hardware's own.
 */
export type ProcessorAction =
  | Action
  | { readonly kind: 'idle'; readonly ready: () => boolean }
  | { readonly kind: 'hardware'; readonly act: (machine: Machine) => void };
export type ProcessorCode = Generator<ProcessorAction, void, bigint>;

/** The kernel's entry points that hardware calls. */
export interface EntryPoints {
  page_fault(cpu: number, address: bigint, errorCode: number): Kernel<boolean>;
  interrupt(cpu: number, vector: number): Kernel<void>;
}

interface Activation {
  readonly code: Generator<ProcessorAction, unknown, bigint>;
  pending: ProcessorAction;
  readonly finish: (result: unknown) => void;
}

export class Execution {
  readonly machine: Machine;
  readonly #entry: EntryPoints;
  readonly #stacks: Activation[][];

  constructor(machine: Machine, entry: EntryPoints) {
    this.machine = machine;
    this.#entry = entry;
    this.#stacks = machine.processors.map(() => []);
  }

  /** Starts code on a processor, above whatever it is running. */
  start<T>(
    processor: number,
    code: Generator<ProcessorAction, T, bigint>,
    finish: (result: T) => void = () => {},
  ): void {
    this.#begin(this.#stack(processor), code, finish as (result: unknown) => void);
  }

  /** Whether the processor has code to run; without any it stands in user mode or idles, open to interrupts. */
  busy(processor: number): boolean {
    return this.#stack(processor).length > 0;
  }

  /** Whether a step of this processor is possible now. */
  runnable(processor: number): boolean {
    const cpu = this.machine.processor(processor);
    if (cpu.pendingInterrupt() !== null) return true;
    const pending = this.#stack(processor).at(-1)?.pending;
    if (pending === undefined) return false;
    switch (pending.kind) {
      case 'idle':
        return pending.ready();
      case 'wait':
        return pending.until(operations.load(cpu, pending.address));
      case 'acquire':
        return operations.load(cpu, pending.address) === 0n;
      default:
        return true;
    }
  }

  /** The action that the processor's next step executes, for schedulers and tests; null when an interrupt comes first. */
  nextAction(processor: number): ProcessorAction | null {
      case 'tlbsync':
        return !this.machine.broadcasts.awaitedBy(processor);
    if (this.machine.processor(processor).pendingInterrupt() !== null) return null;
    return this.#stack(processor).at(-1)?.pending ?? null;
  }

  /** One step of a runnable processor: takes a pending interrupt, or executes the next action. */
  step(processor: number): void {
    this.machine.stream.time++;
    const cpu = this.machine.processor(processor);
    const stack = this.#stack(processor);
    if (cpu.pendingInterrupt() !== null) {
      const vector = cpu.beginInterrupt();
      this.#begin(stack, this.#entry.interrupt(processor, vector), () => cpu.endInterrupt(vector));
      return;
    }
    const activation = present(stack.at(-1), `code on processor ${processor}`);
    if (activation.pending.kind === 'access') this.#access(cpu, stack, activation, activation.pending);
    else this.#resume(stack, activation, perform(this.machine, cpu, activation.pending));
  }

  /** An access by linear address: a page fault starts the kernel's handler, and the access is made again after it. */
  #access(cpu: Processor, stack: Activation[], activation: Activation, action: Action & { kind: 'access' }): void {
    const { address, access, value } = action;
    const frame = operations.translate(cpu, address, access);
    if (frame !== -1) {
      const physical = addressInFrame(frame, offsetOf(address));
      if (access.kind === 'write') operations.store(cpu, physical, value ?? 0n);
      this.#resume(stack, activation, operations.load(cpu, physical));
      return;
    }
    const exception = present(cpu.mmu.pendingFault, 'the fault of a failed access');
    cpu.beginException();
    this.machine.stream.emit({ kind: 'exception', processor: cpu.index, exception });
    if (exception.vector !== Vector.PF) {
      this.#reject(stack, activation, new Segfault(address, access));
      return;
    }
    this.#begin(stack, this.#entry.page_fault(cpu.index, exception.address, exception.errorCode), (handled) => {
      if (handled !== true) this.#reject(stack, activation, new Segfault(address, access));
    });
  }

  #begin(
    stack: Activation[],
    code: Generator<ProcessorAction, unknown, bigint>,
    finish: (result: unknown) => void,
  ): void {
    const first = code.next();
    if (first.done) finish(first.value);
    else stack.push({ code, pending: first.value, finish });
  }

  #resume(stack: Activation[], activation: Activation, result: bigint): void {
    this.#settle(stack, activation, () => activation.code.next(result));
  }

  #reject(stack: Activation[], activation: Activation, error: Error): void {
    this.#settle(stack, activation, () => activation.code.throw(error));
  }

  #settle(stack: Activation[], activation: Activation, go: () => IteratorResult<ProcessorAction, unknown>): void {
    assert(stack.at(-1) === activation, 'only the code on top of a processor goes on');
    const next = go();
    if (!next.done) {
      activation.pending = next.value;
      return;
    }
    stack.pop();
    activation.finish(next.value);
  }

  #stack(processor: number): Activation[] {
    return present(this.#stacks[processor], `processor ${processor}`);
  }
}

/** Executes an action that needs no handler; the result goes back into the generator. */
function perform(machine: Machine, cpu: Processor, action: Exclude<ProcessorAction, { kind: 'access' }>): bigint {
  switch (action.kind) {
    case 'load':
    case 'wait':
      return operations.load(cpu, action.address);
    case 'store':
      operations.store(cpu, action.address, action.value);
      return 0n;
    case 'locked':
      return operations.locked(cpu, action.address, (before) => modified(action, before));
    case 'acquire':
      return operations.locked(cpu, action.address, () => 1n);
    case 'fence':
      operations.fence(cpu);
      return 0n;
    case 'mov-to-cr3':
      return allowed(operations.movToCr3(cpu, action.value), 'MOV to CR3');
    case 'mov-from-cr3':
      return cpu.mmu.control.cr3;
    case 'mov-to-cr4':
      return allowed(operations.movToCr4(cpu, action.value), 'MOV to CR4');
    case 'mov-from-cr4':
      return cpu.mmu.control.cr4;
    case 'invlpg':
      operations.invlpg(cpu, action.address);
      return 0n;
    case 'invpcid':
      return allowed(operations.invpcid(cpu, action.type, action.pcid, action.address), 'INVPCID');
    case 'interrupts': {
      const before = cpu.interruptsEnabled;
      cpu.setInterruptsEnabled(action.enabled);
      return before ? 1n : 0n;
    }
    case 'send-ipi':
      operations.sendIpi(cpu, action.vector, action.targets);
      return 0n;
    case 'end-of-interrupt':
      cpu.apic.endOfInterrupt();
      return 0n;
    case 'zero-frame':
      operations.fence(cpu);
      machine.memory.zeroFrame(cpu.index, action.frame);
      return 0n;
    case 'copy-frame':
      operations.fence(cpu);
      machine.memory.copyFrame(cpu.index, action.from, action.to);
      return 0n;
    case 'idle':
      return 0n;
    case 'hardware':
      action.act(machine);
      return 0n;
    default:
      return unreachable(action);
  }
}

function modified(action: Action & { kind: 'locked' }, before: bigint): bigint | null {
  switch (action.operation) {
    case 'add':
      return before + action.operand;
    case 'or':
    case 'invlpgb':
      return allowed(operations.invlpgb(machine, cpu, action.operand), 'INVLPGB');
    case 'tlbsync':
      return allowed(operations.tlbsync(machine, cpu), 'TLBSYNC');
      return before | action.operand;
    case 'and':
      return before & action.operand;
    case 'exchange':
      return action.operand;
    case 'compare-exchange':
      return before === action.expected ? action.operand : null;
    default:
      return unreachable(action.operation);
  }
}

/** The mini-kernel never means to fault in a system instruction: that would kill it. */
function allowed(exception: { vector: number } | null, instruction: string): bigint {
  if (exception !== null)
    throw new UnsupportedError(`the kernel died: ${instruction} raised exception ${exception.vector}`);
  return 0n;
}
