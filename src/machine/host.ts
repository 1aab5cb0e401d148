/**
 * The host under virtual processors, as far as a guest's TLB code knows of it (KVM: steal time, paravirtual TLB flush). It
 * takes a processor away at any instruction boundary, tells so in memory that the guest has registered, and gives it back
 * later. A guest that would have to flush a processor it has not got leaves word there instead; the host then flushes that
 * processor's TLB before it runs again, all of it.
 *
 * Leaving the guest serializes: nothing waits in the store buffer of a processor that has been taken away. IPIs reach its
 * local APIC meanwhile, and wait there.
 *
 * A host could go on for ever; this one takes processors away a limited number of times.
 */
import type { PhysicalAddress } from '../arch/address.ts';
import { KVM_VCPU_FLUSH_TLB, KVM_VCPU_PREEMPTED } from '../arch/kvm.ts';
import { present } from '../base/assert.ts';
import type { EventStream } from '../event/stream.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import type { Processor } from './processor.ts';

export type HostStep =
  | { readonly kind: 'preempt'; readonly processor: number }
  | { readonly kind: 'enter'; readonly processor: number };

const PREEMPTIONS = 64;

export class Host {
  readonly #processors: readonly Processor[];
  readonly #memory: PhysicalMemory;
  readonly #stream: EventStream;
  /** Where each processor's state is told; null until the guest says. */
  readonly #told: (PhysicalAddress | null)[];
  readonly #away: boolean[];
  #left = PREEMPTIONS;

  constructor(processors: readonly Processor[], memory: PhysicalMemory, stream: EventStream) {
    this.#processors = processors;
    this.#memory = memory;
    this.#stream = stream;
    this.#told = processors.map(() => null);
    this.#away = processors.map(() => false);
  }

  /** The guest wants to be told there: MSR_KVM_STEAL_TIME. */
  register(processor: number, address: PhysicalAddress): void {
    this.#told[processor] = address;
  }

  hasTaken(processor: number): boolean {
    return present(this.#away[processor], `processor ${processor}`);
  }

  /** What the host may do now. */
  steps(): HostStep[] {
    return this.#processors.flatMap(({ index }): HostStep[] => {
      if (this.hasTaken(index)) return [{ kind: 'enter', processor: index }];
      return this.#left > 0 && this.#told[index] !== null ? [{ kind: 'preempt', processor: index }] : [];
    });
  }

  take({ kind, processor }: HostStep): void {
    const address = present(this.#told[processor], 'where to tell');
    const { storeBuffer, mmu } = present(this.#processors[processor], `processor ${processor}`);
    if (kind === 'preempt') {
      this.#left--;
      storeBuffer.drainAll();
      this.#memory.write64(address, KVM_VCPU_PREEMPTED);
    } else {
      const state = this.#memory.read64(address);
      this.#memory.write64(address, 0n);
      if ((state & KVM_VCPU_FLUSH_TLB) !== 0n) mmu.flushOnEntry();
    }
    this.#away[processor] = kind === 'preempt';
    this.#stream.emit({ kind: 'virtual-processor', processor, running: kind === 'enter' });
  }
}
