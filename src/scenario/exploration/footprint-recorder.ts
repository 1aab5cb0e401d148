/**
 * Observes what a step of the explored system reads and writes (explore/footprint.ts): from memory, which tells of each
 * access; from the kernel, which tells of what it shares outside of memory; from the event stream, for hardware and for
 * what the detector's verdict depends on; and from the kind of the step.
 *
 * The detector weighs orders that leave no trace in memory, and they count as well:
 *
 * - A change to a paging-structure entry, against the beginning of another processor's flush or operation of that address
 *   space: it decides whether the change is due when that flush returns.
 * - A use of a stale translation, against whatever makes changes due: the return of a flush, a promise, a freed frame.
 * - What makes another processor's translation stale, or fresh again, against whatever judges it: a generation, a slot.
 *
 * Uses of translations that are not stale need no order with promises: nothing is said of them.
 */
import { type FrameNumber, frameNumber, frameOf, type PhysicalAddress } from '../../arch/address.ts';
import type { Detector } from '../../coherence/detector.ts';
import type { MachineEvent } from '../../event/event.ts';
import type { Footprint } from '../../explore/footprint.ts';
import type { SharedData } from '../../kernel/hardware.ts';
import type { Machine, MemoryObserver } from '../../machine/machine.ts';
import type { ProcessorAction } from '../execution.ts';
import type { SystemState } from './system-state.ts';
import { ofFrame, ofPair, resource, type ResourceKind, wordAt } from './resources.ts';

const ROOT_SHIFT = 12n;
const ROOT_MASK = (1n << 40n) - 1n;
const KERNEL_MM = 1;

export class FootprintRecorder implements MemoryObserver {
  /** The processor whose step is under way. */
  running = 0;
  readonly #reads = new Set<number>();
  readonly #writes = new Set<number>();
  #everything = false;
  #on = false;
  #machine: Machine | null = null;
  #detector: Detector | null = null;
  #state: SystemState | null = null;
  /** The roots of the address spaces that exist, by mm. */
  readonly #roots = new Map<number, FrameNumber>();
  #staleBefore: number[] = [];

  /** Of a system that has just been put together: before it boots. */
  attach(machine: Machine, detector: Detector | null, swapper: FrameNumber): void {
    this.#machine = machine;
    this.#detector = detector;
    this.#roots.set(KERNEL_MM, swapper);
    machine.stream.observe((event) => this.#observe(event));
  }

  /** The system has booted: from now on its state is followed as well, whether or not anything is recorded. */
  follow(state: SystemState): void {
    this.#state = state;
    this.on = this.#on;
  }

  /** Whether anything is recorded: off, a step costs little more than it costs anyway. */
  set on(on: boolean) {
    this.#on = on;
    this.#machine?.memory.watch(on ? this : this.#state);
  }

  get on(): boolean {
    return this.#on;
  }

  begin(): void {
    this.#reads.clear();
    this.#writes.clear();
    this.#everything = false;
    this.#staleBefore = this.#machine?.processors.map(({ index }) => this.#staleOn(index)) ?? [];
  }

  end(): Footprint {
    for (const [processor, before] of this.#staleBefore.entries()) {
      if (this.#staleOn(processor) !== before) this.#write(resource('stale', processor));
    }
    const writes = [...this.#writes].sort((a, b) => a - b);
    const reads = [...this.#reads].filter((number) => !this.#writes.has(number)).sort((a, b) => a - b);
    return { reads, writes, everything: this.#everything };
  }

  /** What a processor's step touches by being what it is: told before it is taken, and of one that cannot be taken yet. */
  processorStep(processor: number, action: ProcessorAction | null): void {
    const machine = this.#machine;
    if (machine === null) return;
    if (machine.processor(processor).interruptsEnabled) this.#read(resource('requests', processor));
    if (action === null) this.#write(resource('requests', processor));
    else this.#actionTouches(machine, processor, action);
  }

  hardwareStep(kind: 'drain' | 'deliver' | 'invalidate', processor: number, sender: number): void {
    if (kind === 'deliver') {
      this.#write(resource('requests', processor));
      this.#write(ofPair('flight', processor, sender));
    } else if (kind === 'invalidate') {
      this.#write(resource('mmu', processor));
      this.#write(ofPair('broadcast', processor, sender));
    }
  }

  readonly touch = (data: SharedData | ResourceKind, index: number, access: 'read' | 'write'): void => {
    this.#state?.touched(data, index);
    if (!this.#on) return;
    if (access === 'read') this.#read(resource(data, index));
    else this.#write(resource(data, index));
  };

  // What memory tells

  read(address: PhysicalAddress): void {
    this.#read(wordAt(address));
    this.#read(ofFrame(frameOf(address)));
  }

  written(address: PhysicalAddress): void {
    this.#state?.written(address);
    this.#write(wordAt(address));
    this.#read(ofFrame(frameOf(address)));
  }

  frameRead(frame: FrameNumber): void {
    this.#write(ofFrame(frame));
  }

  frameWritten(frame: FrameNumber): void {
    this.#state?.frameWritten(frame);
    this.#write(ofFrame(frame));
  }

  #actionTouches(machine: Machine, processor: number, action: ProcessorAction): void {
    switch (action.kind) {
      // A load that the processor's own store buffer answers counts as one from memory: once the store has drained it is.
      case 'load':
      case 'wait':
      case 'acquire':
      case 'locked':
        this.read(action.address);
        return;
      case 'store':
      case 'fence':
      case 'mov-from-cr3':
      case 'mov-from-cr4':
      case 'interrupts':
      case 'send-ipi':
      case 'zero-frame':
      case 'copy-frame':
      case 'fill-frame':
        return;
      case 'access':
      case 'mov-to-cr3':
      case 'mov-to-cr4':
      case 'invlpg':
      case 'invpcid':
        this.#write(resource('mmu', processor));
        return;
      case 'end-of-interrupt':
        this.#write(resource('requests', processor));
        return;
      case 'idle':
        this.#read(resource('threads', processor));
        this.#read(resource('signals', 0));
        return;
      case 'invlpgb':
        for (const { index } of machine.processors) this.#write(ofPair('broadcast', index, processor));
        return;
      case 'tlbsync':
        for (const { index } of machine.processors) this.#read(ofPair('broadcast', index, processor));
        return;
      default:
        this.#everything = true;
    }
  }

  #observe(event: MachineEvent): void {
    if (event.kind === 'address-space') this.#roots.set(event.mm, event.root);
    if (this.#on) this.#note(event);
  }

  #note(event: MachineEvent): void {
    switch (event.kind) {
      case 'store-buffered':
      case 'store-drained':
        this.#write(ofPair('waiting store', event.processor, event.address));
        return;
      case 'paging-write':
        this.#pagingWrite(event.address, event.by);
        return;
      case 'fill':
      case 'removal':
        this.#write(resource('mmu', event.processor));
        return;
      case 'control-write':
        this.#write(resource('mmu', event.processor));
        if (event.register !== 'CR3') return;
        this.#write(ofPair('loaded', event.processor, rootOf(event.before)));
        this.#write(ofPair('loaded', event.processor, rootOf(event.after)));
        return;
      case 'use':
        this.#write(resource('due', 0));
        return;
      case 'ipi-send':
        this.#write(ofPair('flight', event.target, event.processor));
        return;
      case 'ipi-accept':
        this.#write(resource('requests', event.processor));
        return;
      case 'frame-allocate':
      case 'frame-free':
        this.#write(ofFrame(event.frame));
        return;
      case 'flush-begin':
        for (const { mm } of event.ranges) this.#readChangesOf(mm);
        return;
      case 'operation-begin':
      case 'batch-add':
        this.#readChangesOf(event.mm);
        return;
      case 'flush-return':
      case 'promise':
        this.#read(resource('due', 0));
        return;
      case 'generation':
        for (const { index } of this.#machine?.processors ?? []) this.#read(resource('stale', index));
        return;
      case 'slot':
      case 'interrupts':
      case 'interrupt-end':
        this.#read(resource('stale', event.processor));
        if (this.#staleOn(event.processor) > 0) this.#write(resource('stale', event.processor));
        return;
      default:
        return;
    }
  }

  /** Speculation may fill, on every processor that has the structures loaded, what is about to change. */
  #pagingWrite(address: PhysicalAddress, by: 'software' | 'walk'): void {
    const machine = this.#machine;
    if (machine === null || by === 'walk') return;
    for (const root of machine.memory.rootsReaching(address)) {
      this.#write(resource('changes', root));
      for (const { index, mmu } of machine.processors) {
        this.#read(ofPair('loaded', index, root));
        if (mmu.control.root === root) this.#write(resource('mmu', index));
      }
    }
  }

  #readChangesOf(mm: number): void {
    const root = this.#roots.get(mm);
    if (mm > KERNEL_MM && root !== undefined) this.#read(resource('changes', root));
    else for (const each of this.#roots.values()) this.#read(resource('changes', each));
  }

  #staleOn(processor: number): number {
    return this.#detector?.staleOn(processor) ?? 0;
  }

  #read(number: number): void {
    this.#reads.add(number);
  }

  #write(number: number): void {
    this.#writes.add(number);
  }
}

function rootOf(cr3: bigint): FrameNumber {
  return frameNumber(Number((cr3 >> ROOT_SHIFT) & ROOT_MASK));
}
