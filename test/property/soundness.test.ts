import { describe, expect, it } from 'vitest';
import { eraById } from '../../src/kernel/tlb/eras.ts';
import { checkRuns, runOne } from './soundness.ts';

/** CI's fraction; `npm run soundness` takes a size and a seed. */
const FRACTION = { runs: 25, seed: 7, statements: 12 };

describe('random legal scenarios', () => {
  const summary = checkRuns(FRACTION);

  it(`end clean under every correct era (seeds ${FRACTION.seed} to ${FRACTION.seed + FRACTION.runs - 1})`, () => {
    expect(summary.falseAlarms).toEqual([]);
    expect(summary.accesses).toBeGreaterThan(1000);
  });

  it('with one flush dropped are reported exactly when brute force finds a stale use', () => {
    expect(summary.disagreements).toEqual([]);
    expect(summary.caught).toBeGreaterThan(5);
    expect(summary.caught).toBeLessThan(summary.faulty);
  });

  it('that run a kernel without remote flushes are caught by both', () => {
    const runs = Array.from({ length: 30 }, (_, seed) =>
      runOne({ seed, statements: 12, era: eraById('E1-no-remote') }),
    );
    expect(runs.some(({ detected }) => detected > 0)).toBe(true);
    expect(runs.map(({ detected }) => detected > 0)).toEqual(runs.map(({ stale }) => stale > 0));
  });
});
