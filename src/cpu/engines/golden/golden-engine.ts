/**
 * The golden engine: fetch, decode, execute, one instruction a step. Interrupts, debug traps and delivery belong to the
 * processor around it; a step tells what happened as a value.
 */
import { Decoder, instructionBytesLimit } from '../../decode/decoder.ts';
import { type Exception, generalProtection, invalidOpcode } from '../../exception.ts';
import { type CodeSize, Instruction } from '../../instruction.ts';
import type { RegisterFile } from '../../registers.ts';
import { semanticsByForm } from '../../semantics/table.ts';
import { GoldenBuilder, leaving } from './golden-builder.ts';
import type { MemoryPort, ProcessorPort } from './memory-port.ts';

export interface GoldenParts {
  readonly registers: RegisterFile;
  readonly memory: MemoryPort;
  readonly processor: ProcessorPort;
  readonly decoder?: Decoder;
}

export class GoldenEngine {
  readonly registers: RegisterFile;
  readonly instruction = new Instruction();
  codeSize: CodeSize = 64;
  readonly #memory: MemoryPort;
  readonly #decoder: Decoder;
  readonly #builder: GoldenBuilder;
  readonly #bytes = new Uint8Array(instructionBytesLimit);

  constructor({ registers, memory, processor, decoder = new Decoder() }: GoldenParts) {
    this.registers = registers;
    this.#memory = memory;
    this.#decoder = decoder;
    this.#builder = new GoldenBuilder(registers, memory, processor);
  }

  /**
   * Executes the instruction at RIP, of a long string instruction perhaps only a part. A fault leaves RIP and all else
   * as they were (a string instruction: as the last iteration left them); after a trap RIP is that of the next one.
   * Throws UnsupportedError for an operation that is not modelled.
   */
  step(): Exception | undefined {
    const fault = this.#fetch();
    if (fault !== undefined) return fault;
    const builder = this.#builder;
    builder.begin(this.instruction);
    const semantics = semanticsByForm[this.instruction.form.index];
    if (semantics === undefined) return invalidOpcode;
    try {
      semantics.body(builder, this.instruction);
    } catch (thrown) {
      if (thrown !== leaving) throw thrown;
      const { exception } = builder;
      if (exception?.trap === true) this.registers.rip = builder.target;
      return exception;
    }
    this.registers.rip = builder.target;
    return undefined;
  }

  #fetch(): Exception | undefined {
    const bytes = this.#bytes;
    let have = 0;
    for (;;) {
      const more = this.#memory.fetch(BigInt.asUintN(64, this.registers.rip + BigInt(have)), bytes.subarray(have));
      if (typeof more !== 'number') return more;
      have += more;
      switch (this.#decoder.decode(this.instruction, this.codeSize, bytes, 0, have)) {
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
