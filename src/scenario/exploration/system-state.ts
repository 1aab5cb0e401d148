/**
 * The fingerprint of an explored system: everything that its future, and the verdicts on it, depend on. Memory, hardware,
 * the kernel's data, the code on each processor, the workload, and what the detector remembers.
 */
import { type FrameNumber, frameNumber, type PhysicalAddress } from '../../arch/address.ts';
import { Hash } from '../../explore/hash.ts';
import type { SharedData } from '../../kernel/hardware.ts';
import type { MemoryObserver } from '../../machine/machine.ts';
import type { ScenarioWorld } from '../scenario-world.ts';
import type { System } from '../system.ts';
import { MachineState } from './machine-state.ts';
import { type BootImage, MemoryState } from './memory-state.ts';
import { ThreadHistory } from './thread-history.ts';

export class SystemState implements MemoryObserver {
  readonly #system: System;
  readonly #memory: MemoryState;
  readonly #machine: MachineState;
  readonly #threads: ThreadHistory;
  readonly #hash = new Hash();
  #world: ScenarioWorld | null = null;
  /** What the step under way has read outside of memory. */
  readonly #pages = new Set<number>();
  #registries = false;

  /** Of a system that has booted. */
  constructor(system: System, image: BootImage) {
    this.#system = system;
    this.#memory = new MemoryState(system.machine.memory, image);
    this.#machine = new MachineState(system.machine);
    this.#threads = new ThreadHistory(system.kernel, system.machine.processors.length);
    system.execution.observer = this.#threads;
  }

  set world(world: ScenarioWorld) {
    this.#world = world;
    world.settled = (processor, thread, statements) => this.#threads.settled(processor, thread, statements);
  }

  read(): void {}

  frameRead(): void {}

  written(address: PhysicalAddress): void {
    this.#memory.written(address);
  }

  frameWritten(frame: FrameNumber): void {
    this.#memory.frameWritten(frame);
  }

  /** Shared data outside of memory was used. */
  touched(data: SharedData | string, index: number): void {
    if (data === 'page') this.#pages.add(index);
    else if (data === 'swap' || data === 'migrations' || data === 'objects' || data === 'vmalloc')
      this.#registries = true;
  }

  /** The step of a processor is over: what it has read there is now known to the code that it runs. */
  stepped(processor: number): void {
    if (this.#pages.size === 0 && !this.#registries) return;
    if (this.#threads.runs(processor)) {
      const hash = this.#threads.top(processor);
      const { pages, swap, migrations, objects } = this.#system.kernel.context;
      for (const frame of [...this.#pages].sort((a, b) => a - b)) pages.tellPage(hash, frameNumber(frame));
      if (this.#registries) for (const registry of [swap, migrations, objects]) registry.tellState(hash);
    }
    this.#pages.clear();
    this.#registries = false;
  }

  /** `found`: what the execution has shown so far. */
  fingerprint(into: Uint32Array, found: readonly string[]): void {
    const hash = this.#hash;
    hash.reset();
    this.#memory.tellState(hash);
    this.#machine.tellState(hash);
    this.#threads.tellState(hash);
    this.#system.kernel.tellState(hash);
    this.#world?.tellState(hash);
    this.#system.detector?.tellState(hash);
    for (const text of found) hash.text(text);
    hash.finish(into);
    this.#pages.clear();
    this.#registries = false;
  }
}
