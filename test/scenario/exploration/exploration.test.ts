import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Strategy } from '../../../src/explore/explore.ts';
import { Exploration } from '../../../src/scenario/exploration/exploration.ts';
import type { SystemWords } from '../../../src/scenario/system-options.ts';

const ONE_PREEMPTION: Strategy = { kind: 'bounded', bound: { kind: 'preemptions', most: 1 }, remember: false };
const NO_PREEMPTION: Strategy = { kind: 'bounded', bound: { kind: 'preemptions', most: 0 }, remember: false };

function exploration(file: string, words: Omit<SystemWords, 'detect'> = {}, version = '1'): Exploration {
  const path = `fixtures/explore/${file}.tlb`;
  return new Exploration({ text: readFileSync(path, 'utf8'), file: path, words, version });
}

describe('a fault is found by a search that is told nothing about it', () => {
  it.each([
    { file: 'two-flushers', era: 'E1-M2', finds: /^generation-invariant: stale-frame/ },
    { file: 'flush-meets-newcomer', era: 'E1-no-wait', finds: /^stale-frame: tlb mm 2/ },
    { file: 'flush-meets-absentee', era: 'E3-M6', finds: /^stale-frame: tlb mm 2/ },
    // As released in v6.14; CVE-2025-37964; CVE-2025-40174.
    { file: 'flush-meets-returner', era: 'E9', finds: /^stale-frame: tlb mm 2/ },
    { file: 'flush-meets-returner', era: 'E9-B1', finds: /^stale-frame: tlb mm 2/ },
    { file: 'flush-meets-returner', era: 'E9-B3', finds: /^stale-frame: tlb mm 2/ },
  ])('$era in $file', { timeout: 60_000 }, ({ file, era, finds }) => {
    const explored = exploration(file, { era });
    const result = explored.explore(ONE_PREEMPTION, { executions: 10_000 });
    expect(result.verdict).toBe('violation');
    const [finding] = result.findings;
    if (finding === undefined) throw new Error('a violation without a finding');
    expect(finding.violation.id).toMatch(finds);

    const shrunk = explored.shrink(finding, 200);
    expect(shrunk.schedule.length).toBeLessThanOrEqual(finding.schedule.length);
    expect(shrunk.cost.preemptions).toBeLessThanOrEqual(1);
    const { report } = explored.replay(explored.token(shrunk));
    expect(report.verdict).toBe('violation');
    expect(explored.replay(explored.token(shrunk)).report).toEqual(report);
  });
});

describe('a correct kernel', () => {
  it.each([
    { file: 'flush-meets-newcomer', words: { era: 'E1' } },
    { file: 'flush-meets-absentee', words: { era: 'E3' } },
    { file: 'two-flushers', words: { era: 'E2' } },
  ])('is clean in $file whatever blocks first: $words.era', ({ file, words }) => {
    const { verdict, counts } = exploration(file, words).explore(NO_PREEMPTION, { executions: 2000 });
    expect(verdict).toBe('exhausted');
    expect(counts.complete).toBeGreaterThan(1);
    expect(counts.blocked).toBe(0);
  });

  it.each([
    { file: 'flush-meets-newcomer', era: 'E1', outcomes: ['T0 9:17 | T1 17:0 19:0', 'T0 9:17 | T1 17:17 19:0'] },
    {
      file: 'flush-meets-returner',
      era: 'E9-fixed',
      outcomes: ['T0 11:17 | T1 20:17 23:0 25:0', 'T0 11:17 | T1 20:17 23:17 25:0'],
    },
  ])(
    '$era is clean in every schedule of $file with one preemption, where stores are visible at once',
    {
      timeout: 60_000,
    },
    ({ file, era, outcomes }) => {
      const result = exploration(file, { era, switches: ['store-buffers=off'] }).explore(ONE_PREEMPTION, {});
      expect(result.verdict).toBe('exhausted');
      expect(result.outcomes.map(([outcome]) => outcome)).toEqual(outcomes);
    },
  );

  it('needs no barrier where stores are visible at once (CVE-2025-40174), and still the IPI (CVE-2025-37964)', {
    timeout: 60_000,
  }, () => {
    const verdict = (era: string) =>
      exploration('flush-meets-returner', { era, switches: ['store-buffers=off'] }).explore(ONE_PREEMPTION, {}).verdict;
    expect(verdict('E9-B3')).toBe('exhausted');
    expect(verdict('E9-B1')).toBe('violation');
  });

  it('that is only sampled is never called exhausted', () => {
    const { verdict, limit } = exploration('two-flushers').explore({ kind: 'pct', seed: 1, samples: 20 }, {});
    expect({ verdict, limit }).toEqual({ verdict: 'limit', limit: 'samples' });
  });
});

describe('threads that wait for each other', () => {
  const text = `scenario "T0 waits for T1, which stands on a processor that T0 has taken away"
processors 2
space A
thread T0 in A on 0 {
  a = mmap 1 rw
  offline 1
  await done
}
thread T1 in A on 1 {
  await go
  signal done
}
kernel K on 0 {
  signal go
}
`;

  it('are a finding, and the replay names who waits', () => {
    const explored = new Exploration({ text, file: 'hangs.tlb', words: {}, version: '1' });
    const { verdict, findings } = explored.explore(NO_PREEMPTION, { executions: 500 });
    expect(verdict).toBe('violation');
    const deadlock = findings.find(({ violation }) => violation.id === 'deadlock');
    if (deadlock === undefined) throw new Error('no deadlock');
    const { report } = explored.replay(explored.token(deadlock));
    expect(report.verdict).toBe('died');
    expect(report.reason).toMatch(/^deadlock: nothing can go on: waiting are T0 at line 7/);
  });
});

describe('the same search', () => {
  it('finds the same', () => {
    const search = () => exploration('two-flushers').explore({ kind: 'random', seed: 7, samples: 20 }, {});
    expect(search()).toEqual(search());
  });
});

describe('a token', () => {
  const schedule = [0, 0, 0, 0, 0];
  const token = exploration('two-flushers').token({ schedule });

  it('replays in part, and says that it ends early', () => {
    const { report } = exploration('two-flushers').replay(token);
    expect(report).toMatchObject({ verdict: 'limit', stopped: 'step limit', reason: 'the schedule ends here' });
  });

  it.each([
    { given: 'another scenario', explored: () => exploration('flush-meets-newcomer') },
    { given: 'another era', explored: () => exploration('two-flushers', { era: 'E2' }) },
    { given: 'another switch', explored: () => exploration('two-flushers', { switches: ['pcid=off'] }) },
    { given: 'another version of the program', explored: () => exploration('two-flushers', {}, '2') },
  ])('is refused for $given', ({ explored }) => {
    expect(() => explored().replay(token)).toThrow('the schedule belongs to another workload');
  });
});
