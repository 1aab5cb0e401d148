/** What sequential consistency and store buffers allow, with the numbers of traces that the reduced search needs. */
import { describe, expect, it } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { iriw, messagePassing, peterson, storeBuffering } from './toys/classics.ts';
import { type Program, toyModel } from './toys/program.ts';

/** The registers of each outcome, without the final memory. */
function outcomes(program: Program, remember: boolean): string[] {
  const result = explore(toyModel(program), { kind: 'reduced', remember });
  expect(result.verdict).toBe('exhausted');
  return [...new Set(result.outcomes.map(([outcome]) => (outcome.split('|')[0] ?? '').trim()))].sort();
}

const rows: readonly { name: string; program: Program; traces: number; expect: readonly string[] }[] = [
  {
    name: 'store buffering, sequentially consistent',
    program: storeBuffering({ storeBuffers: false, fences: false }),
    traces: 3,
    expect: ['0 1', '1 0', '1 1'],
  },
  {
    name: 'store buffering with store buffers: both may read 0',
    program: storeBuffering({ storeBuffers: true, fences: false }),
    traces: 4,
    expect: ['0 0', '0 1', '1 0', '1 1'],
  },
  {
    name: 'store buffering with store buffers and fences',
    program: storeBuffering({ storeBuffers: true, fences: true }),
    traces: 3,
    expect: ['0 1', '1 0', '1 1'],
  },
  {
    name: 'message passing, sequentially consistent',
    program: messagePassing(false),
    traces: 3,
    expect: ['00', '01', '11'],
  },
  {
    name: 'message passing with store buffers: they drain in order, so never flag without data',
    program: messagePassing(true),
    traces: 3,
    expect: ['00', '01', '11'],
  },
];

for (const { name, program, traces, expect: expected } of rows) {
  it(`${name}: ${traces} traces`, () => {
    expect(outcomes(program, false).map((outcome) => outcome.trim())).toEqual(expected);
    expect(outcomes(program, true)).toEqual(expected);
    const { complete, blocked } = explore(toyModel(program), { kind: 'reduced', remember: false }).counts;
    expect(complete + blocked).toBe(traces);
  });
}

describe('independent reads of independent writes', () => {
  for (const storeBuffers of [false, true]) {
    it(`${storeBuffers ? 'with' : 'without'} store buffers both readers see one order: 15 of 16 outcomes`, () => {
      const found = outcomes(iriw(storeBuffers), false);
      expect(found).toHaveLength(15);
      expect(found).not.toContain('10 10');
      expect(outcomes(iriw(storeBuffers), true)).toEqual(found);
    });
  }
});

describe("Peterson's mutual exclusion", () => {
  const verdict = (options: { storeBuffers: boolean; fences: boolean }, remember: boolean) =>
    explore(toyModel(peterson(options)), { kind: 'reduced', remember }, { keepGoing: true });

  for (const remember of [false, true]) {
    it(`holds when stores are seen at once (${remember ? 'with' : 'without'} memory)`, () => {
      expect(verdict({ storeBuffers: false, fences: false }, remember).verdict).toBe('exhausted');
    });

    it(`breaks with store buffers (${remember ? 'with' : 'without'} memory)`, () => {
      const { findings } = verdict({ storeBuffers: true, fences: false }, remember);
      expect(findings.map(({ violation }) => violation)).toEqual([{ id: 'too much', message: 'variable 3 is 2' }]);
    });

    it(`holds with store buffers and a fence (${remember ? 'with' : 'without'} memory)`, () => {
      expect(verdict({ storeBuffers: true, fences: true }, remember).verdict).toBe('exhausted');
    });
  }

  it('takes 4, 48 and 4 traces', () => {
    expect(verdict({ storeBuffers: false, fences: false }, false).counts.complete).toBe(4);
    expect(verdict({ storeBuffers: true, fences: false }, false).counts.complete).toBe(48);
    expect(verdict({ storeBuffers: true, fences: true }, false).counts.complete).toBe(4);
  });
});
