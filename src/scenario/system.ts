/**
 * Machine, mini-kernel and detector put together: what a workload runs on.
 *
 * The kernel speaks to the machine through its port (`kernel/hardware.ts`), the detector hears of both through the event
 * stream and reads memory on its own.
 */
import { frameOf, type PhysicalAddress } from '../arch/address.ts';
import { assert } from '../base/assert.ts';
import { Random } from '../base/random.ts';
import { Detector } from '../coherence/detector.ts';
import { EventStream } from '../event/stream.ts';
import { MiniKernel } from '../kernel/kernel.ts';
import type { Hardware, Kernel } from '../kernel/hardware.ts';
import type { MmTuning } from '../kernel/mm/context.ts';
import type { Era } from '../kernel/tlb/era.ts';
import { frameAddress, Machine, type MachineOptions } from '../machine/machine.ts';
import type { Switches } from '../machine/switches.ts';
import { choosePolicy, partFor } from '../machine/hardware-choice.ts';
import { Execution } from './execution.ts';
import { finish } from './scheduler.ts';

export interface SystemOptions {
  readonly processors: number;
  readonly era: Era;
  /** One of POLICY_NAMES: `worst`, `emulator`, or `profile:` and a part. */
  readonly policy: string;
  readonly switches: Switches;
  readonly seed: number;
  /** Guest-physical memory, in 4-KByte frames. */
  readonly frames: number;
  /** Whether the detector listens; without it the same run goes unjudged. */
  readonly detect: boolean;
  /** Sizes of the kernel's batches. */
  readonly tuning?: Partial<MmTuning>;
  /** For whoever follows what each step shares with other processors; the kernel's port has both. */
  readonly sharing?: Required<Pick<Hardware, 'running' | 'touch'>>;
  /** Frames for the kernel's variables, when a workload makes many address spaces. */
  readonly dataFrames?: number;
}

export class System {
  readonly options: SystemOptions;
  readonly stream = new EventStream();
  readonly random: Random;
  readonly machine: Machine;
  readonly kernel: MiniKernel;
  readonly execution: Execution;
  readonly detector: Detector | null;
  /** Where each processor is in the workload, for reports: set by whoever runs the workload. */
  locate: (processor: number) => string | null = () => null;

  constructor(options: SystemOptions) {
    const { processors, era, policy, switches, seed, frames, detect, tuning = {}, dataFrames } = options;
    this.options = options;
    this.random = new Random(seed);
    const part = partFor(switches);
    this.machine = new Machine(
      { processors, frames, switches, part, policy: choosePolicy(policy, switches) },
      this.stream,
    );
    const { memory } = this.machine;
    this.detector = detect
      ? new Detector({
          stream: this.stream,
          // A freed table may hold anything by now: where its entries lead beyond the end of memory nothing is present.
          read: (address: PhysicalAddress) => (frameOf(address) < memory.frames ? memory.read64(address) : 0n),
          locate: (processor: number) => this.locate(processor),
          levels: switches.la57 ? 5 : 4,
        })
      : null;
    const room = dataFrames === undefined ? {} : { dataFrames };
    this.kernel = new MiniKernel({ hardware: this.#port(part), era, tuning, ...room });
    this.execution = new Execution(this.machine, this.kernel);
  }

  /** Brings every processor up, one after the other. */
  boot(): void {
    const root = frameAddress(this.kernel.core.swapper_pg_dir);
    for (const { index } of this.machine.processors) {
      this.machine.enterLongMode(index, root);
      this.perform(index, this.kernel.boot(index));
    }
  }

  /** Runs kernel code on a processor to its end; the others only answer it. Result: what the code returned. */
  perform<T>(processor: number, code: Kernel<T>): T {
    const results: T[] = [];
    this.execution.start(processor, code, (value) => results.push(value));
    finish(this.execution, processor, this.random);
    assert(results.length === 1, 'code that has finished has returned once');
    return results[0] as T;
  }

  #port(part: MachineOptions['part']): Hardware {
    const { machine, stream, options } = this;
    const { switches } = options;
    const { host } = machine;
    return {
      ...options.sharing,
      processors: options.processors,
      frames: options.frames,
      features: {
        pcid: switches.pcid,
        invpcid: switches.invpcid,
        globalPages: switches['global-pages'],
        nx: switches.nx,
        levels: switches.la57 ? 5 : 4,
        invlpgKeepsGlobals: switches['invlpg-global-erratum'],
        ...(part.invlpgbCountMax === null ? {} : { invlpgbCountMax: part.invlpgbCountMax }),
        meltdown: switches.pti,
      },
      poke: (address, value) => machine.memory.write64(address, value),
      peek: (address) => machine.memory.read64(address),
      ...(host === null ? {} : { stealTime: host.register.bind(host) }),
      tell: (event) => stream.emit(event),
      get listening() {
        return stream.listening;
      },
    };
  }
}
