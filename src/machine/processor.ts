/** A logical processor: what it has of its own, without the instructions that drive it. */
import type { LocalApic } from '../apic/local-apic.ts';
import type { EventStream } from '../event/stream.ts';
import type { StoreBuffer } from '../memory/store-buffer.ts';
import type { Mmu } from '../mmu/mmu.ts';

export interface ProcessorParts {
  readonly index: number;
  readonly mmu: Mmu;
  readonly storeBuffer: StoreBuffer;
  readonly apic: LocalApic;
  readonly stream: EventStream;
}

export class Processor {
  readonly index: number;
  readonly mmu: Mmu;
  readonly storeBuffer: StoreBuffer;
  readonly apic: LocalApic;
  readonly #stream: EventStream;
  #interruptsEnabled = false;

  constructor({ index, mmu, storeBuffer, apic, stream }: ProcessorParts) {
    this.index = index;
    this.mmu = mmu;
    this.storeBuffer = storeBuffer;
    this.apic = apic;
    this.#stream = stream;
  }

  /** EFLAGS.IF. */
  get interruptsEnabled(): boolean {
    return this.#interruptsEnabled;
  }

  setInterruptsEnabled(enabled: boolean): void {
    if (this.#interruptsEnabled === enabled) return;
    this.#interruptsEnabled = enabled;
    this.#stream.emit({ kind: 'interrupts', processor: this.index, enabled });
  }

  /** The vector of the interrupt that the processor must take at this instruction boundary, if any (SDM 3A 6.8.1). */
  pendingInterrupt(): number | null {
    return this.apic.pendingVector(this.#interruptsEnabled);
  }

  /** An exception or an interrupt drains the store buffer before its handler runs (SDM 3A 12.10). */
  beginException(): void {
    this.storeBuffer.drainAll();
  }

  /** Takes a pending interrupt through an interrupt gate: IF is cleared until the handler returns (SDM 3A 6.12.1.3). */
  beginInterrupt(): number {
    this.storeBuffer.drainAll();
    const vector = this.apic.acknowledge();
    this.setInterruptsEnabled(false);
    this.#stream.emit({ kind: 'interrupt-begin', processor: this.index, vector });
    return vector;
  }

  /** IRET from the handler: serializing, and interrupts are enabled again. */
  endInterrupt(vector: number): void {
    this.storeBuffer.drainAll();
    this.#stream.emit({ kind: 'interrupt-end', processor: this.index, vector });
    this.setInterruptsEnabled(true);
  }
}
