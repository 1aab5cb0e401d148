/** The engines that user code can run on, by name. They differ in speed only. */
import { InputError } from '../../base/errors.ts';
import type { Engine } from '../../cpu/engine.ts';
import { EngineMemory } from '../../cpu/engines/fast/engine-memory.ts';
import { FastEngine } from '../../cpu/engines/fast/fast-engine.ts';
import { GoldenEngine } from '../../cpu/engines/golden/golden-engine.ts';
import { MmuMemory } from '../../cpu/mmu-memory.ts';
import type { ProcessorPort } from '../../cpu/ports.ts';
import { RegisterFile } from '../../cpu/registers.ts';
import type { Machine } from '../../machine/machine.ts';
import type { Processor } from '../../machine/processor.ts';

export const ENGINE_NAMES = ['fast', 'golden'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/** Throws InputError naming the engines there are. */
export function engineName(name: string): EngineName {
  const known = ENGINE_NAMES.find((each) => each === name);
  if (known === undefined) {
    throw new InputError(`unknown engine '${name}'; there are ${ENGINE_NAMES.join(', ')}`, { file: '--engine' });
  }
  return known;
}

export type MakeEngine = (cpu: Processor, processor: ProcessorPort) => Engine;

/** Makes the engines of one machine. With `fast`, guest-physical memory moves to where generated code reaches it. */
export function engineMaker(name: EngineName, { memory, processors }: Machine): MakeEngine {
  switch (name) {
    case 'fast': {
      const shared = new EngineMemory(memory, { processors: processors.length });
      return ({ mmu }, processor) => new FastEngine({ shared, mmu, processor });
    }
    case 'golden':
      return ({ mmu }, processor) =>
        new GoldenEngine({ registers: new RegisterFile(), memory: new MmuMemory(mmu, memory), processor });
  }
}
