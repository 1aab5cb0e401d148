/** The reduced search of litmus tests against searches that reduce nothing, and against known numbers. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { audit } from '../../../src/explore/audit.ts';
import { explore, type Strategy } from '../../../src/explore/explore.ts';
import { litmusModel } from '../../../src/scenario/litmus/litmus-model.ts';
import { LitmusSetup } from '../../../src/scenario/litmus/litmus-setup.ts';
import { parseLitmus } from '../../../src/workload/litmus-parser.ts';

const FOLDER = new URL('../../../fixtures/litmus/', import.meta.url);
const NAMES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.litmus'))
  .map((name) => name.slice(0, -'.litmus'.length));

function modelOf(name: string, options: { readonly evictions?: number; readonly switches?: readonly string[] } = {}) {
  const file = `${name}.litmus`;
  return litmusModel(new LitmusSetup(parseLitmus(readFileSync(new URL(file, FOLDER), 'utf8'), file), file, options));
}

const TRACES: Strategy = { kind: 'reduced', remember: false };
const REMEMBERING: Strategy = { kind: 'reduced', remember: true };
const STATES: Strategy = { kind: 'bounded', bound: { kind: 'none' }, remember: true };

function search(model: ReturnType<typeof modelOf>, strategy: Strategy) {
  const { verdict, outcomes, counts } = explore(model, strategy, { deadlocksAllowed: true });
  expect(verdict).toBe('exhausted');
  return { outcomes: outcomes.map(([outcome]) => outcome), counts };
}

describe('memory alone: as many traces as the toys of test/explore have', () => {
  for (const [name, traces, outcomes] of [
    ['sb', 4, 4],
    ['sb-mfence', 3, 3],
    ['mp', 3, 3],
    ['iriw', 15, 15],
  ] as const) {
    it(`${name}: ${traces} traces, ${outcomes} outcomes`, () => {
      const { counts, outcomes: found } = search(modelOf(name), TRACES);
      expect(counts).toMatchObject({ complete: traces, blocked: 0, asleep: 0 });
      expect(found).toHaveLength(outcomes);
    });
  }

  it('sb without store buffers: 3 traces, and not both read 0', () => {
    const { counts, outcomes } = search(modelOf('sb', { switches: ['store-buffers=off'] }), TRACES);
    expect(counts).toMatchObject({ complete: 3, asleep: 0 });
    expect(outcomes).not.toContain('P0:r0=0 P1:r0=0');
  });
});

// Every third, so that each kind of test is among them; tools/litmus/agreement.ts takes all.
describe.each(NAMES.filter((_, index) => index % 3 === 0))('%s', (name) => {
  it('comes to the same outcomes with every strategy', () => {
    const all = search(modelOf(name), STATES);
    const remembering = search(modelOf(name), REMEMBERING);
    expect(search(modelOf(name), TRACES).outcomes).toEqual(all.outcomes);
    expect(remembering.outcomes).toEqual(all.outcomes);
    expect(remembering.counts.states).toBeLessThanOrEqual(all.counts.states);
  });

  it('states exactly what its steps touch', () => {
    const options = { executions: 5, seed: 1, stepsPerExecution: 60 };
    expect(audit(modelOf(name), options).complaints).toEqual([]);
  });
});

describe('evictions add no outcome', () => {
  for (const name of [
    'new-then-old',
    'freed-table-invlpg-other',
    'pcid-shared',
    'upgrade-spurious-once',
    'large-join',
  ]) {
    it(name, () => {
      const without = search(modelOf(name), REMEMBERING);
      const withEvictions = search(modelOf(name, { evictions: 2 }), REMEMBERING);
      expect(withEvictions.outcomes).toEqual(without.outcomes);
      expect(withEvictions.counts.states).toBeGreaterThan(without.counts.states);
    });
  }
});

describe('switches of the hardware', () => {
  it('without paging-structure caches a freed page table is seen only by a walk under way', () => {
    const stale = 'P0:r0=3 P0:r1=3';
    expect(search(modelOf('freed-table-other-page'), STATES).outcomes).toContain(stale);
    const without = modelOf('freed-table-serialize', { switches: ['paging-structure-caches=off'] });
    expect(search(without, STATES).outcomes).toEqual(['P0:r0=1', 'P0:r0=2']);
    expect(search(modelOf('freed-table-serialize'), STATES).outcomes).toEqual(['P0:r0=1', 'P0:r0=2', 'P0:r0=3']);
  });
});
