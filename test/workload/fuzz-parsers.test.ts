/** A fraction of the fuzzing that `tools/fuzz/parsers.ts` does in full. */

import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/workload/scenario-parser.ts';
import { fuzzParsers } from '../../tools/fuzz/fuzz-parsers.ts';

const now = (): number => performance.now();

describe('damaged workloads', () => {
  it('6,000 inputs, seed 1: the parsers return or throw InputError', () => {
    const report = fuzzParsers({ inputs: 6_000, seed: 1, now });
    expect(report.findings).toEqual([]);
    for (const { accepted, refused } of [report.scenario, report.trace]) {
      expect(accepted + refused).toBe(3_000);
      expect(accepted).toBeGreaterThan(200);
      expect(refused).toBeGreaterThan(1_000);
    }
  });

  it('a parser that throws anything else is found', () => {
    const parse: typeof parseScenario = (text, file) => {
      if (text.includes('munmap')) throw new RangeError('broken on purpose');
      return parseScenario(text, file);
    };
    const { findings } = fuzzParsers({ inputs: 200, seed: 1, now, parse });
    expect(findings.length).toBeGreaterThan(20);
    expect(findings[0]?.reason).toBe('RangeError: broken on purpose');
  });

  it('a parser that loses something is found', () => {
    const parse: typeof parseScenario = (text, file) => {
      const scenario = parseScenario(text, file);
      return file === 'printed' ? { ...scenario, title: '' } : scenario;
    };
    const { findings } = fuzzParsers({ inputs: 200, seed: 1, now, parse });
    expect(findings[0]?.reason).toBe('does not print as it parses');
  });

  it('a parser that takes too long is found', () => {
    let time = 0;
    const { findings } = fuzzParsers({ inputs: 2, seed: 1, now: () => (time += 6_000) });
    expect(findings.map(({ reason }) => reason)).toEqual(['took 6000 ms', 'took 6000 ms']);
  });
});
