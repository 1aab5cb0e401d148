/** `tlbsan eras --diff`: what changed between two eras, in words that come with the eras and in figures that are measured. */
import { describe, expect, it } from 'vitest';
import { tlbsan } from './command.ts';

interface Difference {
  readonly steps: readonly { readonly id: string; readonly changes: readonly string[] }[];
  readonly workload: { readonly runs: number; readonly title: string };
  readonly machine: { readonly processors: number };
  readonly figures: readonly { readonly name: string; readonly from: number; readonly to: number }[];
  readonly reasons: readonly { readonly name: string; readonly from: number; readonly to: number }[];
}

const MUNMAP = 'fixtures/workloads/munmap.tlb';

async function difference(...args: readonly string[]): Promise<Difference> {
  const { stdout, stderr, status } = await tlbsan(['eras', '--json', ...args]);
  expect([stderr, status]).toEqual(['', 0]);
  return JSON.parse(stdout) as Difference;
}

function figure({ figures }: Difference, name: string): readonly [number, number] {
  const found = figures.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no figure '${name}'`);
  return [found.from, found.to];
}

describe('tlbsan eras --diff', () => {
  it('tells the eras on the way, oldest first', async () => {
    const { steps } = await difference('--diff', 'E3', 'e6', '--workload', MUNMAP);
    expect(steps.map(({ id }) => id)).toEqual(['E4', 'E5', 'E6']);
    for (const { changes } of steps) expect(changes.length).toBeGreaterThan(0);
  });

  it('tells what a variant is no more, and what it is', async () => {
    const { steps } = await difference('--diff', 'E9-B3', 'E11-eager', '--workload', MUNMAP);
    expect(steps.map(({ id }) => id)).toEqual(['E9-B3', 'E10', 'E11', 'E11-eager']);
    expect(steps[0]?.changes[0]).toMatch(/^Not any more: /);
  });

  it('measures both on the same: an era and itself do not differ', async () => {
    const same = await difference('--diff', 'E5', 'E5', '--workload', MUNMAP);
    expect(same.steps).toEqual([]);
    for (const { from, to } of [...same.figures, ...same.reasons]) expect(to).toBe(from);
    expect(figure(same, 'flushes asked for')[0]).toBeGreaterThan(0);
  });

  it('shows on its own workload what INVLPGB is for', async () => {
    const shown = await difference('--diff', 'E9', 'E11', '--set', 'invlpgb=on');
    const [before, after] = figure(shown, 'IPIs');
    expect(after).toBeLessThan(before);
    expect(figure(shown, 'broadcasts')[0]).toBe(0);
    expect(figure(shown, 'broadcasts')[1]).toBeGreaterThan(100);
    expect(figure(shown, 'violations')).toEqual([0, 0]);
    expect(shown.reasons.find(({ name }) => name === 'partial: INVLPGB')).toMatchObject({ from: 0 });
  });

  it('takes a recorded trace, once', async () => {
    const { workload, machine, ...rest } = await difference(
      ...['--diff', 'E1', 'E3', '--workload', 'fixtures/traces/forks.trace.gz', '--cpus', '2'],
    );
    expect([workload.runs, machine.processors]).toEqual([1, 2]);
    const [before, after] = figure({ workload, machine, ...rest }, 'TLB misses');
    expect(after).toBeLessThan(before);
  });

  it('as text', async () => {
    const { stdout, status } = await tlbsan(['eras', '--diff', 'E10', 'E11', '--workload', MUNMAP]);
    expect(status).toBe(0);
    expect(stdout.split('\n').slice(0, 5)).toEqual([
      'E10 (v6.15 to v6.17) and E11 (v6.17.5 and v6.18)',
      '',
      'what changed',
      '  E11   A full barrier between marking loaded_mm and reading tlb_gen: either the flusher sees the',
      '        switch, or the switch sees the flush (83b0177a6c48).',
    ]);
    expect(stdout).toMatch(/^figures +E10 +E11 +change$/m);
    expect(stdout).toMatch(/^why flushed or not +E10 +E11 +change$/m);
  });

  const wrong: readonly { readonly args: readonly string[]; readonly expect: RegExp }[] = [
    { args: ['--diff', 'E5', 'E3'], expect: /--diff: E5 comes after E3: name the older one first/ },
    { args: ['--diff', 'E5', 'E99'], expect: /--diff: no era 'E99'; there are / },
    { args: ['--diff', 'E5'], expect: /--diff: takes two eras, the older first/ },
    { args: ['--diff', 'E5', 'E6', 'E7'], expect: /--diff: takes two eras, the older first/ },
    { args: ['--workload', MUNMAP], expect: /--workload: is for --diff/ },
    { args: ['--diff', 'E5', 'E6', '--workload', 'no-such.tlb'], expect: /no-such\.tlb: no such file/ },
  ];
  it.each(wrong)('$args: exit status 2', async ({ args, expect: message }) => {
    const { status, stderr, stdout } = await tlbsan(['eras', ...args]);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });
});
