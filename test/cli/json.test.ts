import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REPOSITORY, temporaryFolder, tlbsan } from './command.ts';
import { type Schema, validate } from './json-schema.ts';

function schema(name: string): Schema {
  return JSON.parse(readFileSync(join(REPOSITORY, 'docs/schema', `${name}.json`), 'utf8')) as Schema;
}

const MUNMAP = 'fixtures/workloads/munmap.tlb';
const rows = [
  { given: 'a clean run', args: ['run', MUNMAP, '--json', '-'], schema: 'run-report-1' },
  {
    given: 'a run with violations',
    args: ['run', MUNMAP, '--era', 'E1-no-remote', '--json', '-'],
    schema: 'run-report-1',
  },
  { given: 'a run that was not judged', args: ['run', MUNMAP, '--no-detect', '--json', '-'], schema: 'run-report-1' },
  {
    given: 'a run that was stopped',
    args: ['run', MUNMAP, '--max-steps', '50', '--json', '-'],
    schema: 'run-report-1',
  },
  {
    given: 'a run whose guest keeps its own invariant no more',
    args: ['run', 'fixtures/workloads/reclaim.tlb', '--era', 'E3-M6', '--json', '-'],
    schema: 'run-report-1',
  },
  {
    given: 'a trace, with violations',
    args: ['run', 'fixtures/traces/forks.trace.gz', '--era', 'E1-M2', '--json', '-'],
    schema: 'run-report-1',
  },
  { given: 'the eras', args: ['eras', '--json'], schema: 'eras-1' },
  {
    given: 'two eras compared',
    args: ['eras', '--diff', 'E1', 'E2', '--workload', MUNMAP, '--json'],
    schema: 'eras-difference-1',
  },
  { given: 'a scenario checked', args: ['check', MUNMAP, '--json'], schema: 'check-1' },
  { given: 'a trace checked', args: ['check', 'fixtures/traces/forks.trace.gz', '--json'], schema: 'check-1' },
] as const;

describe('JSON follows its schema', () => {
  it.each(rows)('$given: $schema', async ({ args, schema: name }) => {
    const { stdout, stderr } = await tlbsan(args);
    expect(stderr).toBe('');
    const value: unknown = JSON.parse(stdout);
    expect(value).toHaveProperty('schema', 1);
    expect(validate(schema(name), value)).toEqual([]);
  });

  it('and says so where it does not', async () => {
    const { stdout } = await tlbsan(['run', MUNMAP, '--era', 'E1-no-remote', '--json', '-']);
    const report = JSON.parse(stdout) as { coherence: { violations: [{ severity: string }] }; steps: unknown };
    report.coherence.violations[0].severity = 'mild';
    report.steps = -1;
    expect(validate(schema('run-report-1'), { ...report, frob: 1 })).toEqual([
      '/steps is below 0',
      '/coherence/violations/0/severity is none of ["lost-accessed-dirty","stale-permission","page-size-mix","stale-frame","freed-table-walked"]',
      '/frob is not in the schema',
    ]);
  });

  it('to a file beside the text, the same as to standard output', async () => {
    const file = join(temporaryFolder(), 'report.json');
    const both = await tlbsan(['run', MUNMAP, '--json', file]);
    const { stdout } = await tlbsan(['run', MUNMAP, '--json', '-']);
    expect(both.stdout).toMatch(/^verdict/);
    expect(readFileSync(file, 'utf8')).toBe(stdout);
  });
});
