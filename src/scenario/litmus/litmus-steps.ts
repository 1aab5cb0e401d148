/**
 * What can be done next in an execution of a litmus test: by each processor, by its store buffer, by the bus, and by the
 * walks that no access asks for. With each step stands what it touches, from which dependence follows (litmus-step.ts).
 */
import type { PhysicalAddress } from '../../arch/address.ts';
import { unreachable } from '../../base/assert.ts';
import type { Machine } from '../../machine/machine.ts';
import * as operations from '../../machine/operations.ts';
import type { Answer, TranslationFreedom } from '../../machine/translation-freedom.ts';
import {
  linearAccessOf,
  linearAddressOf,
  type Operation,
  physicalAddressOf,
  waitsForStores,
} from './litmus-operation.ts';
import type { LitmusProcessor } from './litmus-processor.ts';
import type { LitmusProgram } from './litmus-program.ts';
import { type LitmusStep, threadOf } from './litmus-step.ts';

const NOTHING = { place: null, reads: [], writes: [], buffer: null, translations: null, sendsTo: null } as const;
const WAITS = { kind: 'empty' } as const;

export interface LitmusStepsOptions {
  readonly machine: Machine;
  readonly program: LitmusProgram;
  readonly processors: readonly LitmusProcessor[];
  readonly freedom: TranslationFreedom;
}

export class LitmusSteps {
  readonly #machine: Machine;
  readonly #program: LitmusProgram;
  readonly #processors: readonly LitmusProcessor[];
  readonly #freedom: TranslationFreedom;

  constructor({ machine, program, processors, freedom }: LitmusStepsOptions) {
    this.#machine = machine;
    this.#program = program;
    this.#processors = processors;
    this.#freedom = freedom;
  }

  /** The steps that can be taken, or those that processors stand at and cannot take. `evictions`: how many more there may be. */
  list(enabled: boolean, evictions: number): LitmusStep[] {
    const steps: LitmusStep[] = [];
    for (const processor of this.#processors) this.#listProcessor(processor, enabled, steps);
    for (const processor of this.#processors) this.#listWalks(processor, enabled, steps);
    if (!enabled) return steps;
    for (const processor of this.#processors) this.#listDrain(processor, steps);
    const flights = new Set<string>();
    for (const { sender, target, vector } of this.#machine.bus.inFlight) {
      const key = `deliver ${sender} ${target} ${vector}`;
      if (flights.has(key)) continue;
      flights.add(key);
      const action = { kind: 'deliver', sender, vector } as const;
      steps.push({ ...NOTHING, thread: this.#thread('bus', target), processor: target, key, action });
    }
    if (evictions > 0) for (const processor of this.#processors) this.#listEvictions(processor, steps);
    return steps;
  }

  #listProcessor(processor: LitmusProcessor, enabled: boolean, steps: LitmusStep[]): void {
    const { index } = processor;
    const cpu = this.#machine.processor(index);
    const key = `P${index} ${processor.position} ${processor.entered}`;
    const common = { ...NOTHING, thread: index, processor: index, key };
    const isEmpty = cpu.storeBuffer.size === 0;
    const drained = { ...common, buffer: WAITS, translations: this.#allWalks() };
    let step: LitmusStep | null = null;
    if (processor.isFaulting) {
      // The program goes on to the next operation, which may end the walks of a page.
      const group = this.#groupOf(index, processor.operation === null ? null : linearAddressOf(processor.operation));
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
    const access = linearAccessOf(operation);
    if (access === null) {
      steps.push({
        ...common,
        ...this.#footprint(processor, operation, null),
        action: { kind: 'operation', answer: null },
      });
      return;
    }
    const deciding = this.#freedom.deciding(index, access.address);
    for (const answer of this.#freedom.answers(index, access.address, access.access)) {
      const action = { kind: 'operation', answer } as const;
      const footprint = this.#footprint(processor, operation, answer);
      const reads = [...footprint.reads, ...deciding];
      const decided = deciding.map((entry) => entry.toString(16)).join();
      steps.push({ ...common, ...footprint, reads, key: `${key} ${nameOf(answer)} of ${decided}`, action });
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
    const data = answer === null ? physicalAddressOf(operation) : answer.physical;
    const group = this.#groupOf(processor.index, linearAddressOf(operation));
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
        if (this.#machine.processor(processor.index).storeBuffer.enabled) {
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
        const touched = this.#program.pagesShare ? 'all' : this.#groupOf(processor.index, operation.address);
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
    const [oldest] = this.#machine.processor(index).storeBuffer.waiting;
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
    for (const [page, { address, lastAccess, walksShow, group }] of (this.#program.moving[index] ?? []).entries()) {
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
      const deciding = this.#freedom.deciding(index, address);
      const key = `P${index} rests from ${address.toString(16)}: ${deciding.map((entry) => entry.toString(16)).join()}`;
      const translations = { group, change: true };
      steps.push({ ...common, key, action: { kind: 'rest', page }, reads: deciding, translations });
    }
  }

  #listEvictions({ index }: LitmusProcessor, steps: LitmusStep[]): void {
    for (const action of this.#freedom.evictions(index)) {
      const key = `P${index} evicts ${action.cached}`;
      const translations = { group: 'all', change: true } as const;
      steps.push({ ...NOTHING, thread: this.#thread('eviction', index), processor: index, key, action, translations });
    }
  }

  /** What serializes ends walks in flight; there are none worth telling where only PTEs change. */
  #allWalks(): LitmusStep['translations'] {
    return this.#program.pagesShare ? { group: 'all', change: true } : null;
  }

  #groupOf(processor: number, address: bigint | null): number | null {
    return this.#program.moving[processor]?.find((page) => page.address === address)?.group ?? null;
  }

  #thread(kind: Parameters<typeof threadOf>[0], processor: number, page = 0): number {
    return threadOf(kind, processor, { processors: this.#processors.length, page });
  }
}

function nameOf(answer: Answer): string {
  const where = answer.physical === null ? 'faults' : answer.physical.toString(16);
  return answer.kind === 'cached'
    ? `by ${answer.cached}: ${where}`
    : `walks from ${answer.from}: ${answer.reads?.toString(16)} ${answer.updates} ${where}`;
}
