/** Guest programs print what they print natively, on both engines, with and without trouble on purpose. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { toJson } from '../../../src/coherence/report-json.ts';
import { expectedOutput, type GuestOptions, runGuest } from './guest.ts';

const GUESTS = ['mappings', 'forks', 'signals', 'shared', 'sort', 'numbers'] as const;
const native = process.platform === 'linux' && process.arch === 'x64';

describe('guest programs', () => {
  it.skipIf(!native).each(GUESTS)('%s: the expected output is what this machine prints', (guest) => {
    const program = fileURLToPath(new URL(`../../../fixtures/guests/${guest}`, import.meta.url));
    const { stdout, status } = spawnSync(program, [], { encoding: 'latin1' });
    expect({ stdout, status }).toEqual({ stdout: expectedOutput(guest), status: 0 });
  });

  it.each(GUESTS)('%s prints that', (guest) => {
    const { stdout, ending, report } = runGuest(guest);
    expect(stdout).toBe(expectedOutput(guest));
    expect(ending).toEqual({ kind: 'exited', status: 0 });
    expect(report.verdict).toBe('clean');
  });

  it.each([
    ['mappings', 'E1', 2],
    ['mappings', 'E8', 3],
    ['forks', 'E3', 4],
    ['forks', 'E5', 5],
    ['shared', 'E9-fixed', 6],
    ['signals', 'E11', 7],
  ] as const)('%s under stress on %s, seed %i, prints that, and nothing is reported', (guest, era, seed) => {
    const { stdout, report, run } = runGuest(guest, { era, seed, stress: 'all' });
    expect(stdout).toBe(expectedOutput(guest));
    expect(report.verdict).toBe('clean');
    const troubled = run.world.kernelThreads.map(({ task }) => task.comm);
    expect(troubled).toEqual(expect.arrayContaining(['kmigrated', 'kreclaimd', 'kprotectd']));
  });
});

describe('both engines', () => {
  /** Every event with its time. */
  function events(guest: string, options: GuestOptions): string[] {
    const lines: string[] = [];
    runGuest(guest, {
      ...options,
      prepare: ({ system }) =>
        system.stream.observe((event, time) => lines.push(`${time} ${JSON.stringify(toJson(event))}`)),
    });
    return lines;
  }

  it.each([
    ['shared', {}],
    ['signals', { seed: 9, stress: 'all' }],
    ['shared', { policy: 'profile:skylake-client', processors: 2 }],
  ] as const)('%s gives the same events: %o', (guest, options) => {
    const fast = events(guest, { ...options, engine: 'fast' });
    expect(fast.length).toBeGreaterThan(5_000);
    expect(events(guest, { ...options, engine: 'golden' })).toEqual(fast);
  });

  it('do the same for the same seed, and something else for another', () => {
    const first = events('shared', { seed: 3 });
    expect(events('shared', { seed: 3 })).toEqual(first);
    expect(events('shared', { seed: 4 })).not.toEqual(first);
  });
});
