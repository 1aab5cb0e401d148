/**
 * The machine: processors, memory and the IPI bus, and the list of steps that hardware may take at a moment of its own
 * choosing. What software does to it are the operations in `operations.ts`.
 */
import { addressInFrame, frameNumber, type PhysicalAddress } from '../arch/address.ts';
import { Cr0, Cr4, Efer } from '../arch/control-registers.ts';
import type { Ipi } from '../apic/ipi.ts';
import { IpiBus } from '../apic/ipi-bus.ts';
import { LocalApic } from '../apic/local-apic.ts';
import { assert, present, unreachable } from '../base/assert.ts';
import type { EventStream } from '../event/stream.ts';
import { PhysicalMemory } from '../memory/physical-memory.ts';
import { StoreBuffer } from '../memory/store-buffer.ts';
import { Mmu } from '../mmu/mmu.ts';
import type { ProcessorPart } from '../mmu/part.ts';
import type { TlbPolicy } from '../mmu/policy/policy.ts';
import { Serials } from '../mmu/serials.ts';
import { type Broadcast, Broadcasts } from './broadcasts.ts';
import { Host, type HostStep } from './host.ts';
import { Processor } from './processor.ts';
import type { Switches } from './switches.ts';

/** What those who put a machine together may watch its memory with. */
export type { MemoryObserver, PhysicalMemory } from '../memory/physical-memory.ts';

export interface MachineOptions {
  readonly processors: number;
  /** Guest-physical memory, in 4-KByte frames. */
  readonly frames: number;
  readonly switches: Switches;
  readonly part: ProcessorPart;
  /** One policy object a processor. */
  readonly policy: () => TlbPolicy;
}

/** What hardware may do next, each at a moment of its choosing. */
export type HardwareStep =
  | { readonly kind: 'drain'; readonly processor: number }
  | { readonly kind: 'deliver'; readonly ipi: Ipi }
  | { readonly kind: 'invalidate'; readonly broadcast: Broadcast };

export class Machine {
  readonly memory: PhysicalMemory;
  readonly bus: IpiBus;
  readonly broadcasts: Broadcasts;
  /** Null where the processors are real. */
  readonly host: Host | null;
  readonly processors: readonly Processor[];
  readonly switches: Switches;
  readonly stream: EventStream;

  constructor({ processors, frames, switches, part, policy }: MachineOptions, stream: EventStream) {
    this.stream = stream;
    this.switches = switches;
    this.memory = new PhysicalMemory(frames, stream);
    this.bus = new IpiBus(stream);
    this.broadcasts = new Broadcasts(processors, stream);
    const serials = new Serials();
    const { memory } = this;
    this.processors = Array.from({ length: processors }, (_, index) => {
      const mmu = new Mmu({ processor: index, memory, part, policy: policy(), stream, serials });
      const storeBuffer = new StoreBuffer({ processor: index, memory, stream, enabled: switches['store-buffers'] });
      const apic = new LocalApic({ id: index, processor: index, bus: this.bus, stream, features: { x2apic: true } });
      this.bus.attach(apic);
      return new Processor({ index, mmu, storeBuffer, apic, stream });
    });
    this.host = switches.kvm ? new Host(this.processors, memory, stream) : null;
    if (switches.speculation) this.#speculateBeforePagingWrites();
  }

  processor(index: number): Processor {
    return present(this.processors[index], `processor ${index}`);
  }

  /**
   * Puts a processor into 64-bit mode on the given page tables, as start-up code leaves it: paging, and the features
   * that the switches grant, without PCIDs or global pages, which the kernel turns on itself.
   */
  enterLongMode(index: number, root: PhysicalAddress): void {
    const { mmu } = this.processor(index);
    const { switches } = this;
    const cr4 =
      Cr4.PAE |
      (switches.la57 ? Cr4.LA57 : 0n) |
      (switches.smep ? Cr4.SMEP : 0n) |
      (switches.smap ? Cr4.SMAP : 0n) |
      (switches.pku ? Cr4.PKE : 0n) |
      (switches.pks ? Cr4.PKS : 0n);
    const faults = [
      mmu.writeEfer(Efer.LME | (switches.nx ? Efer.NXE : 0n)),
      mmu.writeCr4(cr4),
      mmu.writeCr3(BigInt(root)),
      mmu.writeCr0(Cr0.PE | Cr0.PG | (switches.wp ? Cr0.WP : 0n)),
    ];
    assert(
      faults.every((fault) => fault === null),
      'the way into 64-bit mode raises no exception',
    );
    this.processor(index).apic.enable();
  }

  /** Every step that hardware may take now, in a fixed order. */
  hardwareSteps(): HardwareStep[] {
    const steps: HardwareStep[] = [];
    for (const processor of this.processors) {
      if (processor.storeBuffer.size > 0) steps.push({ kind: 'drain', processor: processor.index });
    }
    for (const ipi of this.bus.inFlight) steps.push({ kind: 'deliver', ipi });
    for (const broadcast of this.broadcasts.inFlight) steps.push({ kind: 'invalidate', broadcast });
    return steps;
  }

  takeHardwareStep(step: HardwareStep): void {
    this.stream.time++;
    switch (step.kind) {
      case 'drain':
        this.processor(step.processor).storeBuffer.drainOne();
        return;
      case 'deliver':
        this.bus.deliver(step.ipi);
        return;
      case 'invalidate':
        this.broadcasts.take(step.broadcast);
        this.processor(step.broadcast.target).mmu.receiveInvlpgb(step.broadcast.operand);
        return;
      default:
        unreachable(step);
    }
  }

  /** What the host may do next; nothing where there is none. */
  hostSteps(): HostStep[] {
    return this.host?.steps() ?? [];
  }

  takeHostStep(step: HostStep): void {
    this.stream.time++;
    this.host?.take(step);
  }

  /** SDM 3A 4.10.2.3: a processor may cache translations for accesses that software never makes. */
  #speculateBeforePagingWrites(): void {
    this.memory.beforePagingWrite((address) => {
      for (const { index, mmu } of this.processors) {
        if (this.host?.hasTaken(index) !== true) mmu.speculateTowards(address);
      }
    });
  }
}

/** The first byte of a frame given by number. */
export function frameAddress(frame: number): PhysicalAddress {
  return addressInFrame(frameNumber(frame), 0);
}
