/** The user's words go before the workload's, and those before the defaults; what is no value is an error that says so. */
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.ts';
import type { SystemOptions } from '../../src/scenario/system.ts';
import { type SystemWords, systemOptions, type WorkloadWishes } from '../../src/scenario/system-options.ts';

const WISHES: WorkloadWishes = { file: 'w.tlb', processors: 2, switches: [], storeBuffers: true, memory: 16 };

function options(words: Partial<SystemWords> = {}, wishes: Partial<WorkloadWishes> = {}): SystemOptions {
  return systemOptions({ detect: true, ...words }, { ...WISHES, ...wishes });
}

const set = (name: string, value: string): WorkloadWishes['switches'][number] => ({
  name,
  value,
  place: { line: 3, column: 1 },
});

describe('who is heard', () => {
  const rows: readonly {
    readonly of: string;
    readonly value: (given: SystemOptions) => unknown;
    readonly byDefault: unknown;
    readonly wished: Partial<WorkloadWishes>;
    readonly asWished: unknown;
    readonly said: Partial<SystemWords>;
    readonly asSaid: unknown;
  }[] = [
    {
      of: 'era',
      value: ({ era }) => era.id,
      byDefault: 'E3',
      wished: { era: 'E1' },
      asWished: 'E1',
      said: { era: 'e2' },
      asSaid: 'E2',
    },
    {
      of: 'policy',
      value: ({ policy }) => policy,
      byDefault: 'worst',
      wished: { policy: 'emulator' },
      asWished: 'emulator',
      said: { policy: 'worst' },
      asSaid: 'worst',
    },
    {
      of: 'seed',
      value: ({ seed }) => seed,
      byDefault: 1,
      wished: { seed: 7 },
      asWished: 7,
      said: { seed: 0 },
      asSaid: 0,
    },
    {
      of: 'processors',
      value: ({ processors }) => processors,
      byDefault: 2,
      wished: { processors: 5 },
      asWished: 5,
      said: { processors: 32 },
      asSaid: 32,
    },
    {
      of: 'memory',
      value: ({ frames }) => frames,
      byDefault: 16 * 256,
      wished: { memory: 32 },
      asWished: 32 * 256,
      said: { memory: 8 },
      asSaid: 8 * 256,
    },
    {
      of: 'a switch',
      value: ({ switches }) => switches.pcid,
      byDefault: true,
      wished: { switches: [set('pcid', 'off')] },
      asWished: false,
      said: { switches: ['pcid=on'] },
      asSaid: true,
    },
    {
      of: 'store buffers',
      value: ({ switches }) => switches['store-buffers'],
      byDefault: true,
      wished: { storeBuffers: false },
      asWished: false,
      said: { switches: ['store-buffers=on'] },
      asSaid: true,
    },
  ];
  it.each(rows)('about $of', ({ value, byDefault, wished, asWished, said, asSaid }) => {
    expect(value(options())).toEqual(byDefault);
    expect(value(options({}, wished))).toEqual(asWished);
    expect(value(options(said, wished))).toEqual(asSaid);
  });
});

describe('what is no value', () => {
  const rows: readonly {
    readonly words?: Partial<SystemWords>;
    readonly wishes?: Partial<WorkloadWishes>;
    readonly expect: RegExp;
  }[] = [
    { words: { era: 'E99' }, expect: /^--era: no era 'E99'; there are E0a, E0a-plain, / },
    { wishes: { era: 'E99' }, expect: /^w\.tlb: no era 'E99'/ },
    { words: { switches: ['pcdi=on'] }, expect: /^--set: unknown switch 'pcdi'; there are pcid, / },
    { words: { switches: ['pcid'] }, expect: /^--set: expected NAME=on or NAME=off, not 'pcid'/ },
    {
      wishes: { switches: [set('pcid', 'maybe')] },
      expect: /^w\.tlb:3:1: switch 'pcid' is 'on' or 'off', not 'maybe'/,
    },
    { words: { processors: 0 }, expect: /^--cpus: 0 is not a whole number from 1 to 32/ },
    { words: { processors: 33 }, expect: /^--cpus: 33 is not/ },
    { words: { memory: 1.5 }, expect: /^--memory: 1.5 is not/ },
  ];
  it.each(rows)('$expect', ({ words, wishes, expect: message }) => {
    expect(() => options(words, wishes)).toThrow(InputError);
    expect(() => options(words, wishes)).toThrow(message);
  });
});
