/** Runs an instance in the fast engine, on page tables that map what flat-memory.ts has. */
import { addressInFrame, frameNumber, physicalAddress } from '../../src/arch/address.ts';
import { InvariantError } from '../../src/base/errors.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import { exceptionOfStop } from '../../src/cpu/engine.ts';
import { EngineMemory } from '../../src/cpu/engines/fast/engine-memory.ts';
import { FastEngine } from '../../src/cpu/engines/fast/fast-engine.ts';
import { type Exception, Vector } from '../../src/cpu/exception.ts';
import { Instruction, Segment } from '../../src/cpu/instruction.ts';
import { PagingFixture } from '../../test/mmu/paging-fixture.ts';
import { loadFpuImage, storeFpuImage } from './fpu-image.ts';
import { codeAddress, dataPage, type Instance, type Outcome, pageBytes, windowBytes } from './instance.ts';

function notAsked(): never {
  throw new InvariantError('an instance depends on the processor, not on what it sees');
}

const dataFrame = 100;
const codeFrame = 101;
const longestCode = 24;
/** UD2 follows, so that nothing more is decoded. */
const after = [0x0f, 0x0b];

export class FastRunner {
  readonly instruction = new Instruction();
  readonly #decoder = new Decoder();
  readonly #fixture = new PagingFixture({ frames: 128, observed: false });
  readonly #engine: FastEngine;

  constructor() {
    const { memory, mmu } = this.#fixture;
    this.#fixture.map(dataPage, dataFrame);
    this.#fixture.map(codeAddress, codeFrame);
    mmu.setPrivilege(3, false);
    const processor = {
      cpuid: notAsked,
      timestamp: notAsked,
      processorId: notAsked,
      random: notAsked,
      extendedControl: notAsked,
    };
    this.#engine = new FastEngine({ shared: new EngineMemory(memory, { processors: 1 }), mmu, processor });
    this.#engine.registers.selector[Segment.CS] = 0x33;
    this.#engine.registers.selector[Segment.SS] = 0x2b;
  }

  run(instance: Instance): Outcome {
    const { registers } = this.#engine;
    const code = new Uint8Array(longestCode);
    code.set(instance.code);
    code.set(after, instance.code.length);
    this.#decoder.decode(this.instruction, 64, code, 0, instance.code.length);
    registers.general.set(instance.registers);
    registers.rflags = instance.rflags;
    registers.rip = codeAddress;
    loadFpuImage(registers, instance.fpu);
    this.#write(codeFrame, Number(codeAddress % BigInt(pageBytes)), code);
    const data = new Uint8Array(pageBytes);
    data.set(instance.window, pageBytes - windowBytes);
    this.#write(dataFrame, 0, data);
    const exception = this.#finish(instance);
    const page = new Uint8Array(pageBytes);
    this.#fixture.memory.copyBytes(addressInFrame(frameNumber(dataFrame), 0), page);
    return {
      registers: registers.general.slice(),
      rflags: registers.rflags,
      rip: registers.rip,
      vector: exception?.vector,
      errorCode: exception?.errorCode ?? 0,
      linear: exception?.vector === Vector.PF ? (exception.linear ?? 0n) : 0n,
      strayed: page.subarray(0, pageBytes - windowBytes).some((byte) => byte !== 0),
      window: page.slice(pageBytes - windowBytes),
      fpu: storeFpuImage(registers),
    };
  }

  /** A long string instruction takes several steps. */
  #finish({ repeats }: Instance): Exception | undefined {
    for (;;) {
      const exception = exceptionOfStop(this.#engine.run(1));
      if (exception !== undefined || !repeats || this.#engine.registers.rip !== codeAddress) return exception;
    }
  }

  #write(frame: number, offset: number, bytes: Uint8Array): void {
    const { memory } = this.#fixture;
    const words = new DataView(bytes.buffer);
    for (let at = 0; at < bytes.length; at += 8) {
      const address = physicalAddress(addressInFrame(frameNumber(frame), offset) + at);
      const word = words.getBigUint64(at, true);
      if (memory.read64(address) !== word) memory.write64(address, word);
    }
  }
}
