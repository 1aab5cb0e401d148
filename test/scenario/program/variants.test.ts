/** Broken TLB code corrupts or kills real programs, and is reported; the era that it was made from does neither. */
import { describe, expect, it } from 'vitest';
import { expectedOutput, runGuest } from './guest.ts';

const LIMIT = 3_000_000;

describe('broken variants under stress', () => {
  it.each([
    { era: 'E1-no-remote', guest: 'mappings', seed: 1 },
    { era: 'E1-M9', guest: 'mappings', seed: 1 },
    { era: 'E3-M6', guest: 'shared', seed: 1 },
    { era: 'E3-M9', guest: 'mappings', seed: 1 },
    { era: 'E3-M12', guest: 'shared', seed: 6 },
    { era: 'E3-M13', guest: 'forks', seed: 1 },
  ] as const)('$era corrupts $guest, and is reported', ({ era, guest, seed }) => {
    const { stdout, report } = runGuest(guest, { era, seed, stress: 'all', instructionsLimit: LIMIT });
    expect(stdout).not.toBe(expectedOutput(guest));
    expect(report.verdict).toBe('violation');
    const { coherence } = report;
    expect((coherence?.violationCount ?? 0) + (coherence?.findings.length ?? 0)).toBeGreaterThan(0);
  });

  it.each([
    { era: 'E1-no-wait', guest: 'shared', seed: 1 },
    { era: 'E1-M2', guest: 'mappings', seed: 2 },
  ] as const)('$era is reported in $guest though its output is right', ({ era, guest, seed }) => {
    const { stdout, report } = runGuest(guest, { era, seed, stress: 'all', instructionsLimit: LIMIT });
    expect(stdout).toBe(expectedOutput(guest));
    expect(report.verdict).toBe('violation');
  });

  it.each(['E1', 'E3'])('%s does nothing of the kind', (era) => {
    const { stdout, report } = runGuest('shared', { era, seed: 1, stress: 'all', instructionsLimit: LIMIT });
    expect(stdout).toBe(expectedOutput('shared'));
    expect(report.verdict).toBe('clean');
  });

  it('names the line of the program that used the stale translation', () => {
    const { report } = runGuest('mappings', { era: 'E1-no-remote', seed: 1, stress: 'all', instructionsLimit: LIMIT });
    const used = report.coherence?.violations.map(({ use }) => use.where ?? '') ?? [];
    expect(used.some((where) => /^mappings thread \d+: work\+0x[0-9a-f]+ \(mappings\.c:\d+\)$/.test(where))).toBe(true);
  });
});
