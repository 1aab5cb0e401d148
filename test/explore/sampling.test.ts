import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { InputError } from '../../src/base/errors.ts';
import { explore } from '../../src/explore/explore.ts';
import { pickInTurn } from '../../src/explore/pick-in-turn.ts';
import { pickRandom } from '../../src/explore/pick-random.ts';
import { replay } from '../../src/explore/replay.ts';
import { iriw, peterson, philosophers, storeBuffering } from './toys/classics.ts';
import { toyModel } from './toys/program.ts';

describe('random executions', () => {
  it('meet all outcomes of a small test, and never say exhausted', () => {
    const model = toyModel(storeBuffering({ storeBuffers: true, fences: false }));
    const result = explore(model, { kind: 'random', seed: 1, samples: 500 });
    expect(result.verdict).toBe('limit');
    expect(result.limit).toBe('samples');
    expect(result.counts.complete).toBe(500);
    expect(result.outcomes).toHaveLength(4);
  });

  it('never meet what is impossible', () => {
    const result = explore(toyModel(iriw(true)), { kind: 'random', seed: 1, samples: 3000 });
    expect(result.outcomes.map(([outcome]) => outcome)).not.toContain('  10 10 | 11');
    expect(result.outcomes).toHaveLength(15);
  });

  it('are the same for the same seed', () => {
    const model = toyModel(peterson({ storeBuffers: true, fences: false }));
    for (const kind of ['random', 'pct'] as const) {
      const sampling = { kind, seed: 7, samples: 200 };
      expect(explore(model, sampling, { keepGoing: true })).toEqual(explore(model, sampling, { keepGoing: true }));
    }
  });
});

describe('random priorities', () => {
  it('find the deadlock of three philosophers at depth 3 at least as often as the bound says', () => {
    const model = toyModel(philosophers(3, false));
    const { findings } = explore(model, { kind: 'pct', depth: 3, seed: 1, samples: 2000 }, { keepGoing: true });
    // n = 3 threads, k = 12 steps: 1 / (3 · 12²) of the executions, so about five of 2000.
    expect(findings[0]?.executions).toBeGreaterThanOrEqual(5);
  });

  it('of depth 1 never change: three philosophers do not deadlock', () => {
    const model = toyModel(philosophers(3, false));
    expect(explore(model, { kind: 'pct', depth: 1, seed: 1, samples: 500 }).verdict).toBe('limit');
  });
});

describe('replay', () => {
  const model = toyModel(peterson({ storeBuffers: true, fences: false }));
  const [finding] = explore(model, { kind: 'reduced', remember: true }).findings;
  const schedule = finding?.schedule ?? [];

  it('repeats the finding at its last step', () => {
    const { steps, violations, end } = replay(model, schedule);
    expect(violations).toEqual([{ violation: finding?.violation, after: steps.length }]);
    expect(end).toEqual({ kind: 'left' });
  });

  it('goes on beyond its end', () => {
    for (const picker of [pickInTurn(model), pickRandom<(typeof steps)[number]>(new Random(3))]) {
      const { schedule: whole, end } = replay(model, schedule, { continueWith: picker });
      expect(whole.slice(0, schedule.length)).toEqual(schedule);
      expect(end).toEqual({ kind: 'ended', outcome: expect.stringContaining('|') });
    }
  });
  const { steps } = replay(model, schedule);

  it('refuses a choice that there is not, and a schedule that is too long', () => {
    expect(() => replay(model, [...schedule.slice(0, 2), 9])).toThrow(InputError);
    expect(() => replay(model, [0, 0, 9])).toThrow(/step 3 asks for choice 10 where there are \d/);
    const { schedule: whole } = replay(model, [], { continueWith: pickInTurn(model) });
    expect(() => replay(model, [...whole, 0])).toThrow(/ends after \d+ of \d+ steps/);
  });
});
