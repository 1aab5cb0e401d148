/** The user side of a processor: an engine on its register block, behind the processor's MMU, running slices of user code. */
import { unreachable } from '../../base/assert.ts';
import type { Random } from '../../base/random.ts';
import type { Engine, Stop } from '../../cpu/engine.ts';
import { type Exception, invalidOpcode, Vector } from '../../cpu/exception.ts';
import type { ProcessorPort } from '../../cpu/ports.ts';
import type { RegisterFile } from '../../cpu/registers.ts';
import { Vector as PagingVector } from '../../arch/page-fault.ts';
import type { Machine } from '../../machine/machine.ts';
import type { Processor } from '../../machine/processor.ts';
import type { UserStop } from '../../process/program-code.ts';
import type { Thread } from '../../process/thread.ts';
import { copyRegisters } from '../../process/user-registers.ts';
import type { VirtualClock } from '../../process/virtual-clock.ts';
import { cpuid } from './cpuid.ts';
import type { MakeEngine } from './engine-choice.ts';

export class UserProcessor {
  readonly registers: RegisterFile;
  readonly #engine: Engine;
  readonly #machine: Machine;
  readonly #cpu: Processor;

  constructor(machine: Machine, cpu: Processor, make: MakeEngine, clock: VirtualClock, random: Random) {
    this.#machine = machine;
    this.#cpu = cpu;
    this.#engine = make(cpu, processorPort(machine, cpu, clock, random));
    this.registers = this.#engine.registers;
  }

  /** Instructions executed so far. */
  get executed(): number {
    return this.#engine.executed;
  }

  /** Runs at most so many instructions of the thread at privilege level 3. Null: the budget was used up. */
  run(thread: Thread, budget: number): UserStop | null {
    const { mmu } = this.#cpu;
    copyRegisters(thread.registers, this.registers);
    mmu.setPrivilege(3, false);
    const stop = this.#engine.run(budget);
    mmu.setPrivilege(0, false);
    copyRegisters(this.registers, thread.registers);
    return this.#userStop(stop);
  }

  #userStop(stop: Stop): UserStop | null {
    switch (stop.kind) {
      case 'budget':
        return null;
      case 'system-call':
        return { kind: 'system-call' };
      case 'halt':
        // HLT is privileged (SDM 2A HLT).
        return this.#raise({ vector: Vector.GP, errorCode: 0 });
      case 'exception':
        return this.#raise(stop.exception);
      default:
        return unreachable(stop);
    }
  }

  #raise({ vector, errorCode = 0, linear = 0n }: Exception): UserStop {
    this.#cpu.beginException();
    const { stream } = this.#machine;
    const processor = this.#cpu.index;
    if (vector === Vector.PF) {
      const exception = { vector: PagingVector.PF, errorCode, address: linear };
      stream.emit({ kind: 'exception', processor, exception });
    } else if (vector === Vector.GP) {
      stream.emit({ kind: 'exception', processor, exception: { vector: PagingVector.GP, errorCode } });
    } else if (vector === Vector.UD) {
      stream.emit({ kind: 'exception', processor, exception: { vector: PagingVector.UD } });
    }
    return { kind: 'exception', vector, errorCode, address: linear };
  }
}

function processorPort(machine: Machine, cpu: Processor, clock: VirtualClock, random: Random): ProcessorPort {
  return {
    cpuid: (leaf, subleaf) => cpuid(leaf, subleaf, cpu.index, machine.processors.length),
    timestamp: () => BigInt(clock.now),
    processorId: () => cpu.index,
    random: () => (BigInt(random.uint32()) << 32n) | BigInt(random.uint32()),
    // CR4.OSXSAVE is 0: XGETBV is #UD (SDM 2D XGETBV).
    extendedControl: () => invalidOpcode,
  };
}
