/**
 * One execution of a litmus test on the bare machine, whose every step somebody else chooses: what each processor and the
 * hardware can do now, and doing it. What they touch is stated with each step (litmus-step.ts).
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
import { faultName, LitmusProcessor } from './litmus-processor.ts';
import { EXCHANGE_ACCESS, type Operation } from './litmus-program.ts';
import type { LitmusSetup } from './litmus-setup.ts';
import { type LitmusAction, type LitmusStep, threadOf } from './litmus-step.ts';

const NOTHING = { place: null, reads: [], writes: [], buffer: null, translations: null, sendsTo: null } as const;
const WAITS = { kind: 'empty' } as const;

export class LitmusExecution implements System<LitmusStep> {
  readonly machine: Machine;
  readonly processors: readonly LitmusProcessor[];
  /** The steps taken. */
  readonly trail: LitmusStep[] = [];
  readonly #setup: LitmusSetup;
  readonly #freedom: TranslationFreedom;
  readonly #requested: Set<number>[];
  #evictions: number;

  constructor(setup: LitmusSetup) {
    this.#setup = setup;
    this.machine = setup.createMachine();
    const { changing, pagesShare: tablesMayChange } = setup.program;
    const mayChange = (address: number): boolean => changing.has(address);
    this.#freedom = new TranslationFreedom(this.machine, { mayChange, tablesMayChange });
    this.processors = setup.program.processors.map((program, index) => new LitmusProcessor(index, program));
    this.#requested = this.processors.map(() => new Set());
    this.#evictions = setup.evictions;
  }

  enabled(): LitmusStep[] {
    return this.#steps(true);
  }

  blocked(): LitmusStep[] {
    return this.#steps(false);
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
      for (const page of [...resting].sort()) hash.word(page);
      for (const [name, value] of [...registers].sort(([a], [b]) => (a < b ? -1 : 1))) hash.text(`${name}${value}`);
      for (const { address, value } of storeBuffer.waiting) hash.text(`${address}=${value}`);
      hash.quad(mmu.control.cr3);
      hash.quad(mmu.control.cr4);
      hash.word(interruptsEnabled ? 1 : 0);
      for (const vector of [...present(this.#requested[index], 'requests')].sort()) hash.word(vector);
      for (const name of this.#freedom.held(index)) hash.text(name);
    }
    for (const address of this.#setup.watched) hash.quad(this.machine.memory.read64(address));
    const flights = this.machine.bus.inFlight.map(({ sender, target, vector }) => `${sender} ${target} ${vector}`);
    for (const flight of flights.sort()) hash.text(flight);
    hash.word(this.#evictions);
    hash.finish(into);
  }

  // What can be done

  #steps(enabled: boolean): LitmusStep[] {
    const steps: LitmusStep[] = [];
    for (const processor of this.processors) this.#listProcessor(processor, enabled, steps);
    for (const processor of this.processors) this.#listWalks(processor, enabled, steps);
    if (!enabled) return steps;
    for (const processor of this.processors) this.#listDrain(processor, steps);
    const flights = new Set<string>();
    for (const { sender, target, vector } of this.machine.bus.inFlight) {
      const key = `deliver ${sender} ${target} ${vector}`;
      if (flights.has(key)) continue;
      flights.add(key);
      const action = { kind: 'deliver', sender, vector } as const;
      steps.push({ ...NOTHING, thread: this.#thread('bus', target), processor: target, key, action });
    }
    if (this.#evictions > 0) for (const processor of this.processors) this.#listEvictions(processor, steps);
    return steps;
  }

  #listProcessor(processor: LitmusProcessor, enabled: boolean, steps: LitmusStep[]): void {
    const { index } = processor;
    const cpu = this.machine.processor(index);
    const key = `P${index} ${processor.position} ${processor.entered}`;
    const common = { ...NOTHING, thread: index, processor: index, key };
    const isEmpty = cpu.storeBuffer.size === 0;
    const drained = { ...common, buffer: WAITS, translations: this.#allWalks() };
    let step: LitmusStep | null = null;
    if (processor.isFaulting) {
      // The program goes on to the next operation, which may end the walks of a page.
      const group = this.#groupOf(index, addressOf(processor.operation));
      const translations = group === null ? this.#allWalks() : { group, change: true };
      step = { ...drained, translations, action: { kind: 'exception' } };
    } else if (cpu.pendingInterrupt() !== null) {
      step = { ...drained, key: `${key} interrupt ${cpu.pendingInterrupt()}`, action: { kind: 'interrupt' } };
    } else if (processor.operation === null && processor.vector !== null) {
      step = { ...drained, action: { kind: 'return' } };
    }
    if (step !== null) {
      if (isEmpty === enabled) steps.push(step);
      return;
    }
    const { operation } = processor;
    if (operation === null) return;
    const canGo =
      (isEmpty || !waitsForStores(operation)) &&
      (operation.kind !== 'wait' || operations.load(cpu, operation.address) === operation.value);
    if (canGo !== enabled) return;
    const access = linearAccess(operation);
    if (access === null) {
      steps.push({
        ...common,
        ...this.#footprint(processor, operation, null),
        action: { kind: 'operation', answer: null },
      });
      return;
    }
    for (const answer of this.#freedom.answers(index, access.location.address, access.access)) {
      const action = { kind: 'operation', answer } as const;
      const footprint = this.#footprint(processor, operation, answer);
      steps.push({ ...common, ...footprint, key: `${key} ${nameOf(answer)}`, action });
    }
  }

  /** What an operation touches, by the way in which its access is answered. */
  #footprint(
    processor: LitmusProcessor,
    operation: Operation,
    answer: Answer | null,
  ): Omit<LitmusStep, 'thread' | 'processor' | 'key' | 'action'> {
    const reads: PhysicalAddress[] = [];
    const writes: PhysicalAddress[] = [];
    const entry = answer?.kind === 'walked' ? answer.reads : null;
    if (entry !== null) (answer?.kind === 'walked' && answer.updates ? writes : reads).push(entry);
    const data = answer === null ? physicalOf(operation) : answer.physical;
    const group = this.#groupOf(processor.index, addressOf(operation));
    // A fault and a walk change what is cached; what nothing changes has no group.
    const change = answer !== null && (answer.kind === 'walked' || answer.physical === null);
    const translations = group === null ? null : { group, change };
    const common = { ...NOTHING, place: operation.place, reads, writes, translations };
    switch (operation.kind) {
      case 'load':
      case 'wait':
        if (data !== null) reads.push(data);
        return common;
      case 'store':
        if (data === null) return common;
        if (this.machine.processor(processor.index).storeBuffer.enabled) {
          return { ...common, buffer: { kind: 'enters', slot: processor.entered } };
        }
        writes.push(data);
        return common;
      case 'exchange':
      case 'change-bits':
        if (data !== null) writes.push(data);
        return { ...common, buffer: WAITS };
      case 'mfence':
        return { ...common, buffer: WAITS };
      case 'serialize':
        return { ...common, buffer: WAITS, translations: this.#allWalks() };
      case 'invlpg': {
        const touched = this.#setup.program.pagesShare ? 'all' : this.#groupOf(processor.index, operation.address);
        return { ...common, buffer: WAITS, translations: touched === null ? null : { group: touched, change: true } };
      }
      case 'invpcid':
      case 'mov-to-cr3':
      case 'mov-to-cr4':
        return { ...common, buffer: WAITS, translations: { group: 'all', change: true } };
      case 'send-ipi':
        return { ...common, buffer: WAITS, sendsTo: operation.target };
      case 'interrupts':
        return common;
      default:
        return unreachable(operation);
    }
  }

  #listDrain(processor: LitmusProcessor, steps: LitmusStep[]): void {
    const { index, left: slot } = processor;
    const [oldest] = this.machine.processor(index).storeBuffer.waiting;
    if (oldest === undefined) return;
    const { address, value } = oldest;
    const key = `P${index} drains ${slot} ${address.toString(16)}=${value.toString(16)}`;
    const buffer = { kind: 'leaves', slot } as const;
    const thread = this.#thread('buffer', index);
    steps.push({ ...NOTHING, thread, processor: index, key, action: { kind: 'drain' }, writes: [address], buffer });
  }

  /**
   * Walks of a page that the processor has accessed for the last time serve nothing. Where they show nevertheless, because
   * they set A, they may be made until the processor rests from them; else there are none.
   */
  #listWalks(processor: LitmusProcessor, enabled: boolean, steps: LitmusStep[]): void {
    const { index, progress } = processor;
    for (const [page, { address, lastAccess, walksShow, group }] of (
      this.#setup.program.moving[index] ?? []
    ).entries()) {
      const isUseful = progress <= lastAccess;
      if (processor.resting.has(page) || (isUseful || walksShow) !== enabled) continue;
      const common = { ...NOTHING, thread: this.#thread('walker', index, page), processor: index };
      for (const action of this.#freedom.walkSteps(index, address)) {
        const { reads: entry, updates, from } = action;
        const key = `P${index} walks ${address.toString(16)} from ${from}: ${entry?.toString(16)} ${updates}`;
        const touched = entry === null ? [] : [entry];
        const memory = updates ? { writes: touched } : { reads: touched };
        steps.push({ ...common, ...memory, key, action, translations: { group, change: true } });
      }
      if (isUseful || !enabled) continue;
      const key = `P${index} rests from ${address.toString(16)}`;
      steps.push({ ...common, key, action: { kind: 'rest', page }, translations: { group, change: true } });
    }
  }

  #listEvictions({ index }: LitmusProcessor, steps: LitmusStep[]): void {
    for (const action of this.#freedom.evictions(index)) {
      const key = `P${index} evicts ${action.cached}`;
      const translations = { group: 'all', change: true } as const;
      steps.push({ ...NOTHING, thread: this.#thread('eviction', index), processor: index, key, action, translations });
    }
  }

  // Doing it

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
    const access = linearAccess(operation);
    if (access === null) return physicalOf(operation);
    const chosen = present(answer, 'an answer for the access');
    const result = this.#freedom.translate(processor.index, access.location.address, access.access, chosen);
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

  /** What serializes ends walks in flight; there are none worth telling where only PTEs change. */
  #allWalks(): LitmusStep['translations'] {
    return this.#setup.program.pagesShare ? { group: 'all', change: true } : null;
  }

  #groupOf(processor: number, address: bigint | null): number | null {
    return this.#setup.program.moving[processor]?.find((page) => page.address === address)?.group ?? null;
  }

  #thread(kind: Parameters<typeof threadOf>[0], processor: number, page = 0): number {
    return threadOf(kind, processor, { processors: this.processors.length, page });
  }
}

function nameOf(answer: Answer): string {
  const where = answer.physical === null ? 'faults' : answer.physical.toString(16);
  return answer.kind === 'cached'
    ? `by ${answer.cached}: ${where}`
    : `walks from ${answer.from}: ${answer.reads?.toString(16)} ${answer.updates} ${where}`;
}

function addressOf(operation: Operation | null): bigint | null {
  return operation === null ? null : (linearAccess(operation)?.location.address ?? null);
}

/** The access by linear address that an operation makes. */
function linearAccess(operation: Operation) {
  if (operation.kind !== 'load' && operation.kind !== 'store' && operation.kind !== 'exchange') return null;
  const { location } = operation;
  if (location.kind !== 'linear') return null;
  return { location, access: operation.kind === 'exchange' ? EXCHANGE_ACCESS : operation.access };
}

/** The memory that an operation accesses without translation. */
function physicalOf(operation: Operation): PhysicalAddress | null {
  switch (operation.kind) {
    case 'load':
    case 'store':
    case 'exchange':
      return operation.location.kind === 'physical' ? operation.location.address : null;
    case 'change-bits':
    case 'wait':
      return operation.address;
    default:
      return null;
  }
}

/** Locked and serializing operations, and an IPI that software orders after its stores, begin when all stores are visible. */
function waitsForStores({ kind }: Operation): boolean {
  return !['load', 'store', 'wait', 'interrupts'].includes(kind);
}
