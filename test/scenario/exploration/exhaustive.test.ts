import { describe, expect, it } from 'vitest';
import { Exploration } from '../../../src/scenario/exploration/exploration.ts';
import { ScenarioModel } from '../../../src/scenario/exploration/scenario-model.ts';

const EXHAUSTIVE = { kind: 'reduced', remember: true } as const;

/** Stores are visible at once, to keep it small. */
const GIVEN_BACK = `scenario "a page given back"
processors 2
set store-buffers=off
space A

thread T0 in A on 0 {
  a = mmap 1 rw
  write a[0] 1
  signal ready
  madvise a dontneed
}

thread T1 in A on 1 {
  await ready
  read a[0]
}
`;

function exploration(text: string, era: string): Exploration {
  return new Exploration({ text, file: 'given-back.tlb', words: { era }, version: '1' });
}

describe('an exhausted search', { timeout: 120_000 }, () => {
  it.each(['E1', 'E11'])('shows every outcome that random schedules come to: %s', (era) => {
    const explored = exploration(GIVEN_BACK, era);
    const { verdict, outcomes, counts } = explored.explore(EXHAUSTIVE, {});
    expect(verdict).toBe('exhausted');
    expect(counts.states).toBeGreaterThan(500);
    const all = outcomes.map(([outcome]) => outcome);
    for (const kind of ['random', 'pct'] as const) {
      const sampled = explored.explore({ kind, seed: 1, samples: 40 }, {});
      expect(all).toEqual(expect.arrayContaining(sampled.outcomes.map(([outcome]) => outcome)));
    }
    expect(all).toEqual(['T0 8:1 | T1 15:0', 'T0 8:1 | T1 15:1']);
  });

  it('is what a fault keeps it from being: found without a bound', () => {
    const { verdict, findings } = exploration(GIVEN_BACK, 'E1-no-remote').explore(EXHAUSTIVE, { executions: 5000 });
    expect(verdict).toBe('violation');
    expect(findings[0]?.violation.id).toMatch(/^stale-frame: tlb mm 2/);
  });
});

describe('the fingerprint of an explored system', () => {
  const words = (system: { fingerprint(into: Uint32Array): void }): string => {
    const into = new Uint32Array(2);
    system.fingerprint(into);
    return into.join(' ');
  };

  it('is that of its state: alike after the same steps, another one after each further step', () => {
    const explored = exploration(GIVEN_BACK, 'E3');
    const model = new ScenarioModel({ scenario: explored.scenario, file: 'given-back.tlb', system: explored.options });
    const seen = new Set<string>();
    const steps = [];
    const system = model.create();
    for (let taken = 0; taken < 80; taken++) {
      seen.add(words(system));
      const [step] = system.enabled();
      if (step === undefined) break;
      steps.push(step);
      system.apply(step);
    }
    expect(seen.size).toBe(80);
    const again = model.create();
    for (const step of steps) again.apply(step);
    expect(words(again)).toBe(words(system));
  });
});
