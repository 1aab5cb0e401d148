/**
 * The golden engine: fetch, decode, execute, one instruction a step. Interrupts, debug traps and delivery belong to the
 * processor around it; a step tells what happened as a value.
 */
import { Decoder, instructionBytesLimit } from '../../decode/decoder.ts';
import { modelledFeatures } from '../../decode/feature.ts';
import type { Engine, Stop } from '../../engine.ts';
import { type Exception, generalProtection, invalidOpcode } from '../../exception.ts';
import type { CodeSize, Instruction } from '../../instruction.ts';
import type { MemoryPort, ProcessorPort } from '../../ports.ts';
import type { RegisterFile } from '../../registers.ts';
import { semanticsByForm } from '../../semantics/table.ts';
import { DecodeCache } from './decode-cache.ts';
import { GoldenBuilder, leaving } from './golden-builder.ts';

export interface GoldenParts {
  readonly registers: RegisterFile;
  readonly memory: MemoryPort;
  readonly processor: ProcessorPort;
  readonly decoder?: Decoder;
}

const budgetUsed: Stop = { kind: 'budget' };

export class GoldenEngine implements Engine {
  readonly registers: RegisterFile;
  codeSize: CodeSize = 64;
  #executed = 0;
  #interrupted = false;
  readonly #memory: MemoryPort;
  readonly #decoded: DecodeCache;
  readonly #builder: GoldenBuilder;
  readonly #bytes = new Uint8Array(instructionBytesLimit);

  constructor({ registers, memory, processor, decoder = new Decoder(modelledFeatures) }: GoldenParts) {
    this.registers = registers;
    this.#memory = memory;
    this.#decoded = new DecodeCache(decoder);
    this.#builder = new GoldenBuilder(registers, memory, processor);
  }

  /** The one executed last. */
  get instruction(): Instruction {
    return this.#decoded.instruction;
  }

  get executed(): number {
    return this.#executed;
  }

  run(budget: number): Stop {
    this.#interrupted = false;
    for (let left = budget; left > 0 && !this.#interrupted; left--) {
      const stop = this.step();
      if (stop !== undefined) return stop;
    }
    return budgetUsed;
  }

  interrupt(): void {
    this.#interrupted = true;
  }

  /**
   * Executes the instruction at RIP, of a long string instruction perhaps only a part. A fault leaves RIP and all else
   * as they were (a string instruction: as the last iteration left them). Throws UnsupportedError for an operation that
   * is not modelled.
   */
  step(): Stop | undefined {
    const fault = this.#fetch();
    if (fault !== undefined) return { kind: 'exception', exception: fault };
    const builder = this.#builder;
    const { instruction } = this.#decoded;
    builder.begin(instruction);
    const semantics = semanticsByForm[instruction.form.index];
    if (semantics === undefined) return { kind: 'exception', exception: invalidOpcode };
    let stopped: Stop | undefined;
    try {
      semantics.body(builder, instruction);
    } catch (thrown) {
      if (thrown !== leaving) throw thrown;
      stopped = builder.stopped;
      if (stopped?.kind === 'exception' && stopped.exception.trap !== true) return stopped;
    }
    this.#executed++;
    this.registers.rip = builder.target;
    return stopped;
  }

  #fetch(): Exception | undefined {
    const bytes = this.#bytes;
    const { rip } = this.registers;
    const place = Number(rip & 0xffffn);
    let have = 0;
    for (;;) {
      const more =
        have === 0
          ? this.#memory.fetch(rip, bytes)
          : this.#memory.fetch(BigInt.asUintN(64, rip + BigInt(have)), bytes.subarray(have));
      if (typeof more !== 'number') return more;
      have += more;
      switch (this.#decoded.decode(place, this.codeSize, bytes, have)) {
        case 'valid':
          return undefined;
        case 'undefined':
          return invalidOpcode;
        case 'too-long':
          return generalProtection;
        case 'incomplete':
      }
    }
  }
}
