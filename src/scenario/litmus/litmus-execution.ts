/**
 * One execution of a litmus test on the bare machine, whose every step somebody else chooses. What can be done next is in
 * litmus-steps.ts; here it is done.
 */
import type { PhysicalAddress } from '../../arch/address.ts';
import type { Exception } from '../../arch/page-fault.ts';
import { assert, present, unreachable } from '../../base/assert.ts';
import { InputError } from '../../base/errors.ts';
import type { System, Violation } from '../../explore/model.ts';
import { Hash } from '../../explore/hash.ts';
import type { Machine } from '../../machine/machine.ts';
import * as operations from '../../machine/operations.ts';
import type { Processor } from '../../machine/processor.ts';
import { type Answer, TranslationFreedom } from '../../machine/translation-freedom.ts';
import { linearAccessOf, type Operation, physicalAddressOf } from './litmus-operation.ts';
import { faultName, LitmusProcessor } from './litmus-processor.ts';
import type { LitmusSetup } from './litmus-setup.ts';
import type { LitmusAction, LitmusStep } from './litmus-step.ts';
import { LitmusSteps } from './litmus-steps.ts';

export class LitmusExecution implements System<LitmusStep> {
  readonly machine: Machine;
  readonly processors: readonly LitmusProcessor[];
  /** The steps taken. */
  readonly trail: LitmusStep[] = [];
  readonly #setup: LitmusSetup;
  readonly #freedom: TranslationFreedom;
  readonly #steps: LitmusSteps;
  readonly #requested: Set<number>[];
  #evictions: number;

  constructor(setup: LitmusSetup) {
    this.#setup = setup;
    this.machine = setup.createMachine();
    const { changing, pagesShare: tablesMayChange } = setup.program;
    const mayChange = (address: number): boolean => changing.has(address);
    this.#freedom = new TranslationFreedom(this.machine, { mayChange, tablesMayChange });
    this.processors = setup.program.processors.map((program, index) => new LitmusProcessor(index, program));
    const { machine, processors } = this;
    this.#steps = new LitmusSteps({ machine, program: setup.program, processors, freedom: this.#freedom });
    this.#requested = processors.map(() => new Set());
    this.#evictions = setup.evictions;
  }

  enabled(): LitmusStep[] {
    return this.#steps.list(true, this.#evictions);
  }

  blocked(): LitmusStep[] {
    return this.#steps.list(false, this.#evictions);
  }

  apply(step: LitmusStep): void {
    this.trail.push(step);
    this.machine.stream.time++;
    this.#take(step.processor, step.action);
  }

  violation(): Violation | null {
    return null;
  }

  outcome(): string | null {
    return this.processors.every(({ isDone }) => isDone) ? this.#setup.report(this) : null;
  }

  fingerprint(into: Uint32Array, permutation: number): void {
    assert(permutation === 0, 'litmus tests claim no symmetry');
    const hash = new Hash();
    for (const { index, position, registers, entered, left, resting } of this.processors) {
      const { storeBuffer, mmu, interruptsEnabled } = this.machine.processor(index);
      hash.text(position);
      hash.word(entered * 256 + left);
      hash.text([...resting].sort().join());
      hash.text(
        Array.from(registers, ([name, value]) => `${name}=${value}`)
          .sort()
          .join(),
      );
      hash.text(storeBuffer.waiting.map(({ address, value }) => `${address}=${value}`).join());
      hash.quad(mmu.control.cr3);
      hash.quad(mmu.control.cr4);
      hash.word(interruptsEnabled ? 1 : 0);
      hash.text([...present(this.#requested[index], 'requests')].sort().join());
      hash.text(this.#freedom.held(index).join('; '));
    }
    for (const address of this.#setup.watched) hash.quad(this.machine.memory.read64(address));
    const flights = this.machine.bus.inFlight.map(({ sender, target, vector }) => `${sender} ${target} ${vector}`);
    hash.text(flights.sort().join());
    hash.word(this.#evictions);
    hash.finish(into);
  }

  #take(index: number, action: LitmusAction): void {
    const processor = present(this.processors[index], `processor ${index}`);
    const cpu = this.machine.processor(index);
    switch (action.kind) {
      case 'operation':
        this.#execute(processor, cpu, action.answer);
        return;
      case 'exception':
        cpu.beginException();
        operations.serialize(cpu);
        processor.isFaulting = false;
        processor.advance();
        return;
      case 'interrupt': {
        const vector = cpu.beginInterrupt();
        this.#requested[index]?.delete(vector);
        processor.enter(vector);
        return;
      }
      case 'return':
        cpu.apic.endOfInterrupt();
        cpu.endInterrupt(processor.leave());
        operations.serialize(cpu);
        return;
      case 'drain':
        processor.left++;
        this.machine.takeHardwareStep({ kind: 'drain', processor: index });
        return;
      case 'deliver': {
        const { sender, vector } = action;
        const ipi = this.machine.bus.inFlight.find(
          (each) => each.sender === sender && each.target === index && each.vector === vector,
        );
        this.#requested[index]?.add(vector);
        this.machine.takeHardwareStep({ kind: 'deliver', ipi: present(ipi, 'an IPI in flight') });
        return;
      }
      case 'walk':
        this.#freedom.takeWalkStep(action);
        return;
      case 'rest':
        processor.resting.add(action.page);
        return;
      case 'evict':
        this.#evictions--;
        this.#freedom.evict(action);
        return;
      default:
        unreachable(action);
    }
  }

  #execute(processor: LitmusProcessor, cpu: Processor, answer: Answer | null): void {
    const operation = present(processor.operation, 'an operation');
    const physical = this.#translated(processor, operation, answer);
    if (physical === 'fault') return;
    processor.advance();
    switch (operation.kind) {
      case 'load':
        processor.registers.set(operation.register, operations.load(cpu, present(physical, 'an address')));
        return;
      case 'store':
        operations.store(cpu, present(physical, 'an address'), processor.value(operation.value));
        if (cpu.storeBuffer.enabled) processor.entered++;
        if (operation.register !== null) processor.registers.set(operation.register, 'ok');
        return;
      case 'exchange': {
        const value = processor.value(operation.value);
        const before = operations.locked(cpu, present(physical, 'an address'), () => value);
        processor.registers.set(operation.register, before);
        return;
      }
      case 'change-bits':
        operations.locked(cpu, operation.address, (before) => (before | operation.set) & ~operation.clear);
        return;
      case 'mfence':
        operations.fence(cpu);
        return;
      case 'serialize':
        operations.serialize(cpu);
        return;
      case 'invlpg':
        operations.invlpg(cpu, operation.address);
        return;
      case 'invpcid':
        this.#expect(operation, operations.invpcid(cpu, operation.type, operation.pcid, operation.address));
        return;
      case 'mov-to-cr3':
        this.#expect(operation, operations.movToCr3(cpu, operation.value));
        return;
      case 'mov-to-cr4': {
        const { cr4 } = cpu.mmu.control;
        const value = operation.value ? cr4 | operation.bit : cr4 & ~operation.bit;
        this.#expect(operation, operations.movToCr4(cpu, value));
        return;
      }
      case 'send-ipi':
        operations.sendIpi(cpu, operation.vector, [operation.target]);
        return;
      case 'wait':
        return;
      case 'interrupts':
        cpu.setInterruptsEnabled(operation.enabled);
        return;
      default:
        unreachable(operation);
    }
  }

  /** Where the operation's access goes: null if it makes none. A fault has been noted then. */
  #translated(
    processor: LitmusProcessor,
    operation: Operation,
    answer: Answer | null,
  ): PhysicalAddress | null | 'fault' {
    const access = linearAccessOf(operation);
    if (access === null) return physicalAddressOf(operation);
    const chosen = present(answer, 'an answer for the access');
    const result = this.#freedom.translate(processor.index, access.address, access.access, chosen);
    if (result.kind === 'translated') {
      assert(result.physical === chosen.physical, 'the access goes where its footprint says');
      return result.physical;
    }
    assert(chosen.physical === null, 'the access faults as its footprint says');
    if ('register' in operation && operation.register !== null) {
      processor.registers.set(operation.register, faultName(result.exception));
    }
    processor.isFaulting = true;
    return 'fault';
  }

  /** A system instruction of a test must not fault: what it would show is not what the test means to ask. */
  #expect({ kind, place }: Operation, exception: Exception | null): void {
    if (exception === null) return;
    throw new InputError(`${kind} raises exception ${exception.vector} here`, { file: this.#setup.file, ...place });
  }
}
