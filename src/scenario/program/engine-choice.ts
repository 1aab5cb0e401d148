/** The engines that user code can run on, by name. */
import { InputError } from '../../base/errors.ts';
import type { Engine } from '../../cpu/engine.ts';
import { GoldenEngine } from '../../cpu/engines/golden/golden-engine.ts';
import { MmuMemory } from '../../cpu/mmu-memory.ts';
import type { ProcessorPort } from '../../cpu/ports.ts';
import { RegisterFile } from '../../cpu/registers.ts';
import type { Machine } from '../../machine/machine.ts';
import type { Processor } from '../../machine/processor.ts';

export const ENGINE_NAMES = ['golden'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/** Throws InputError naming the engines there are. */
export function engineName(name: string): EngineName {
  const known = ENGINE_NAMES.find((each) => each === name);
  if (known === undefined) {
    throw new InputError(`unknown engine '${name}'; there are ${ENGINE_NAMES.join(', ')}`, { file: '--engine' });
  }
  return known;
}

export function makeEngine(name: EngineName, machine: Machine, cpu: Processor, processor: ProcessorPort): Engine {
  switch (name) {
    case 'golden':
      return new GoldenEngine({
        registers: new RegisterFile(),
        memory: new MmuMemory(cpu.mmu, machine.memory),
        processor,
      });
  }
}
