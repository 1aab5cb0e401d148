/**
 * Runs generators of kernel and user code on the machine's processors, one action a step. Each processor has a stack:
 * what it was running, on top of it a page-fault handler or an interrupt handler, and so on. A scheduler outside picks
 * which processor steps next, or which of the hardware's own steps is taken.
 */
import { addressInFrame, offsetOf, type PhysicalAddress } from '../arch/address.ts';
import { type Access, Vector } from '../arch/page-fault.ts';
import { assert, present, unreachable } from '../base/assert.ts';
import { UnsupportedError } from '../base/errors.ts';
import { type Action, type Kernel, Segfault } from '../kernel/hardware.ts';
import type { Machine } from '../machine/machine.ts';
import * as operations from '../machine/operations.ts';
import type { Processor } from '../machine/processor.ts';

/**
 * What code on a processor may yield: the kernel's actions; that it has nothing to do until something happens; or, for
 * workloads that use the hardware's freedom on purpose, a step of the hardware's own; or instructions of a program.
 */
export type ProcessorAction =
  | Action
  | { readonly kind: 'idle'; readonly ready: () => boolean }
  | { readonly kind: 'hardware'; readonly act: (machine: Machine) => void }
  /** Some instructions of user code, on an engine. */
  | { readonly kind: 'instructions'; readonly execute: () => void };

type UserAccess = Extract<Action, { kind: 'access' | 'user-copy' | 'user-locked' }>;
export type ProcessorCode = Generator<ProcessorAction, void, bigint>;

/** The kernel's entry points that hardware calls. */
export interface EntryPoints {
  page_fault(cpu: number, address: bigint, errorCode: number): Kernel<boolean>;
  interrupt(cpu: number, vector: number): Kernel<void>;
}

const KERNEL_READ: Access = { kind: 'read', user: false };
const KERNEL_WRITE: Access = { kind: 'write', user: false };

interface Activation {
  readonly code: Generator<ProcessorAction, unknown, bigint>;
  pending: ProcessorAction;
  readonly finish: (result: unknown) => void;
}

/** Follows what the code on each processor has been told: its state is a function of that, and of when it began. */
export interface ExecutionObserver {
  /** Code begins on top of what the processor runs: a handler of a vector, or other code (-1). */
  began(processor: number, vector: number, address: bigint, errorCode: number): void;
  /** The code on top goes on with the result of its action; null: the action was rejected. */
  resumed(processor: number, action: ProcessorAction, result: bigint | null): void;
  ended(processor: number): void;
}

export class Execution {
  readonly machine: Machine;
  observer: ExecutionObserver | null = null;
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
    this.observer?.began(processor, -1, 0n, 0);
    this.#begin(processor, this.#stack(processor), code, finish as (result: unknown) => void);
  }

  /** Whether the processor has code to run; without any it stands in user mode or idles, open to interrupts. */
  busy(processor: number): boolean {
    return this.#stack(processor).length > 0;
  }

  /** Whether a step of this processor is possible now. */
  runnable(processor: number): boolean {
    if (this.machine.host?.hasTaken(processor) === true) return false;
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
      case 'tlbsync':
        return !this.machine.broadcasts.awaitedBy(processor);
      default:
        return true;
    }
  }

  /** The action that the processor's next step executes, for schedulers and tests; null when an interrupt comes first. */
  nextAction(processor: number): ProcessorAction | null {
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
      this.observer?.began(processor, vector, 0n, 0);
      this.#begin(processor, stack, this.#entry.interrupt(processor, vector), () => cpu.endInterrupt(vector));
      return;
    }
    const activation = present(stack.at(-1), `code on processor ${processor}`);
    const { pending } = activation;
    if (pending.kind === 'access' || pending.kind === 'user-copy' || pending.kind === 'user-locked') {
      this.#access(cpu, stack, activation, pending);
    } else this.#resume(processor, stack, activation, perform(this.machine, cpu, pending));
  }

  /** An access by linear address: a page fault starts the kernel's handler, and the access is made again after it. */
  #access(cpu: Processor, stack: Activation[], activation: Activation, action: UserAccess): void {
    const { address } = action;
    const access = accessOf(action);
    const frame =
      action.kind === 'access'
        ? operations.translate(cpu, address, access)
        : operations.translateForCopy(cpu, address, access);
    if (frame !== -1) {
      this.#resume(cpu.index, stack, activation, performAccess(cpu, action, addressInFrame(frame, offsetOf(address))));
      return;
    }
    const exception = present(cpu.mmu.pendingFault, 'the fault of a failed access');
    cpu.beginException();
    this.machine.stream.emit({ kind: 'exception', processor: cpu.index, exception });
    if (exception.vector !== Vector.PF) {
      this.#reject(cpu.index, stack, activation, new Segfault(address, access));
      return;
    }
    this.observer?.began(cpu.index, exception.vector, exception.address, exception.errorCode);
    const handler = this.#entry.page_fault(cpu.index, exception.address, exception.errorCode);
    this.#begin(cpu.index, stack, handler, (handled) => {
      if (handled !== true) this.#reject(cpu.index, stack, activation, new Segfault(address, access));
    });
  }

  #begin(
    processor: number,
    stack: Activation[],
    code: Generator<ProcessorAction, unknown, bigint>,
    finish: (result: unknown) => void,
  ): void {
    const first = code.next();
    if (first.done) {
      this.observer?.ended(processor);
      finish(first.value);
    } else stack.push({ code, pending: first.value, finish });
  }

  #resume(processor: number, stack: Activation[], activation: Activation, result: bigint): void {
    this.observer?.resumed(processor, activation.pending, result);
    this.#settle(processor, stack, activation, () => activation.code.next(result));
  }

  #reject(processor: number, stack: Activation[], activation: Activation, error: Error): void {
    this.observer?.resumed(processor, activation.pending, null);
    this.#settle(processor, stack, activation, () => activation.code.throw(error));
  }

  #settle(
    processor: number,
    stack: Activation[],
    activation: Activation,
    go: () => IteratorResult<ProcessorAction, unknown>,
  ): void {
    assert(stack.at(-1) === activation, 'only the code on top of a processor goes on');
    const next = go();
    if (!next.done) {
      activation.pending = next.value;
      return;
    }
    stack.pop();
    this.observer?.ended(processor);
    activation.finish(next.value);
  }

  #stack(processor: number): Activation[] {
    return present(this.#stacks[processor], `processor ${processor}`);
  }
}

function accessOf(action: UserAccess): Access {
  if (action.kind === 'access') return action.access;
  const write = action.kind === 'user-locked' || action.write;
  return write ? KERNEL_WRITE : KERNEL_READ;
}

/** Executes an access whose address has been translated. */
function performAccess(cpu: Processor, action: UserAccess, physical: PhysicalAddress): bigint {
  switch (action.kind) {
    case 'access':
      if (action.access.kind === 'write') operations.store(cpu, physical, action.value ?? 0n);
      return operations.load(cpu, physical);
    case 'user-copy':
      if (action.write) operations.storeBytes(cpu, physical, action.bytes);
      else operations.loadBytes(cpu, physical, action.bytes);
      return 0n;
    case 'user-locked':
      return BigInt(operations.lockedWord(cpu, physical, action.modify));
    default:
      return unreachable(action);
  }
}

/** Executes an action that needs no handler; the result goes back into the generator. */
function perform(machine: Machine, cpu: Processor, action: Exclude<ProcessorAction, UserAccess>): bigint {
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
    case 'invlpgb':
      return allowed(operations.invlpgb(machine, cpu, action.operand), 'INVLPGB');
    case 'tlbsync':
      return allowed(operations.tlbsync(machine, cpu), 'TLBSYNC');
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
    case 'fill-frame':
      operations.fence(cpu);
      operations.fillFrame(machine, cpu, action.frame, action.content);
      return 0n;
    case 'instructions':
      action.execute();
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
