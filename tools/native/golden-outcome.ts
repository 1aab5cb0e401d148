/** Runs an instance in the golden engine. */
import { InvariantError } from '../../src/base/errors.ts';
import { exceptionOfStop } from '../../src/cpu/engine.ts';
import { GoldenEngine } from '../../src/cpu/engines/golden/golden-engine.ts';
import type { ProcessorPort } from '../../src/cpu/ports.ts';
import { type Exception, Vector } from '../../src/cpu/exception.ts';
import { type Instruction, Segment } from '../../src/cpu/instruction.ts';
import { RegisterFile } from '../../src/cpu/registers.ts';
import { FlatMemory } from './flat-memory.ts';
import { loadFpuImage, storeFpuImage } from './fpu-image.ts';
import { codeAddress, type Instance, type Outcome, pageBytes, windowBytes } from './instance.ts';

function notAsked(): never {
  throw new InvariantError('an instance depends on the processor, not on what it sees');
}
const processor: ProcessorPort = {
  cpuid: notAsked,
  timestamp: notAsked,
  processorId: notAsked,
  random: notAsked,
  extendedControl: notAsked,
};

export class GoldenRunner {
  readonly #registers = new RegisterFile();
  readonly #memory = new FlatMemory();
  readonly #engine = new GoldenEngine({ registers: this.#registers, memory: this.#memory, processor });

  constructor() {
    // As Linux has them in 64-bit programs.
    this.#registers.selector[Segment.CS] = 0x33;
    this.#registers.selector[Segment.SS] = 0x2b;
  }

  /** The instruction of the last instance. */
  get instruction(): Instruction {
    return this.#engine.instruction;
  }

  run(instance: Instance): Outcome {
    const registers = this.#registers;
    registers.general.set(instance.registers);
    registers.rflags = instance.rflags;
    registers.rip = codeAddress;
    this.#memory.data.fill(0);
    this.#memory.window.set(instance.window);
    this.#memory.code = instance.code;
    loadFpuImage(registers, instance.fpu);
    const exception = this.#finish(instance);
    const outside = this.#memory.data.subarray(0, pageBytes - windowBytes);
    return {
      registers: registers.general.slice(),
      rflags: registers.rflags,
      rip: registers.rip,
      vector: exception?.vector,
      errorCode: exception?.errorCode ?? 0,
      linear: exception?.vector === Vector.PF ? (exception.linear ?? 0n) : 0n,
      strayed: outside.some((byte) => byte !== 0),
      window: this.#memory.window.slice(),
      fpu: storeFpuImage(registers),
    };
  }

  /** A long string instruction takes several steps. */
  #finish({ repeats }: Instance): Exception | undefined {
    for (;;) {
      const exception = exceptionOfStop(this.#engine.step());
      if (exception !== undefined || !repeats || this.#registers.rip !== codeAddress) return exception;
    }
  }
}
