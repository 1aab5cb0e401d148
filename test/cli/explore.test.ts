import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REPOSITORY, temporaryFolder, tlbsan } from './command.ts';
import { type Schema, validate } from './json-schema.ts';

const ABSENTEE = 'fixtures/explore/flush-meets-absentee.tlb';
const NEWCOMER = 'fixtures/explore/flush-meets-newcomer.tlb';
const SCHEMA = JSON.parse(readFileSync(join(REPOSITORY, 'docs/schema/explore-1.json'), 'utf8')) as Schema;
const BROKEN = ['--era', 'E3-M6', '--strategy', 'pct'] as const;

describe('tlbsan explore', () => {
  it('tells what it found, with a token that replay takes and only for the same configuration', async () => {
    const explored = await tlbsan(['explore', ABSENTEE, ...BROKEN]);
    expect(explored.status).toBe(1);
    expect(explored.stderr).toBe('');
    expect(explored.stdout).toMatch(
      /^verdict {5}VIOLATION: stale-frame at fixtures\/explore\/flush-meets-absentee.tlb:18/,
    );
    const token = /^schedule +(\S+)$/m.exec(explored.stdout)?.[1] ?? '';

    const trace = join(temporaryFolder(), 'replay.perfetto-trace');
    const replayed = await tlbsan(['replay', token, ABSENTEE, '--era', 'E3-M6', '--trace', trace]);
    expect(replayed.status).toBe(1);
    expect(replayed.stdout).toContain('violation 1: stale-frame');
    expect(readFileSync(trace).length).toBeGreaterThan(1000);
    expect(await tlbsan(['replay', token, ABSENTEE, '--era', 'E3-M6'])).toEqual(replayed);

    expect(replayed.stdout).toContain('the schedule ends here');
    const continued = await tlbsan(['replay', token, ABSENTEE, '--era', 'E3-M6', '--continue']);
    expect(continued.status).toBe(1);
    expect(continued.stdout).not.toContain('the schedule ends here');

    const refused = await tlbsan(['replay', token, ABSENTEE, '--era', 'E3']);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('the schedule belongs to another workload');
    expect((await tlbsan(['replay', 's9.AAAAAA.AAAA', ABSENTEE])).stderr).toContain('version 9');
  });

  it('exhausts a bound without a violation: status 0', async () => {
    const { status, stdout } = await tlbsan(['explore', NEWCOMER, '--strategy', 'preemptions=0']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^verdict {5}EXHAUSTED: every schedule within preemptions=0 is covered/);
  });

  it('takes a violation that the scenario expects for what it is, and its absence for a failure', async () => {
    const file = join(temporaryFolder(), 'expected.tlb');
    writeFileSync(file, `${readFileSync(join(REPOSITORY, ABSENTEE), 'utf8')}\nexpect violation stale-frame\n`);
    const met = await tlbsan(['explore', file, ...BROKEN]);
    expect(met.stdout).toMatch(/^verdict {5}VIOLATION: stale-frame/);
    expect(met.status).toBe(0);
    const absent = await tlbsan(['explore', file, '--era', 'E3', '--strategy', 'preemptions=0']);
    expect(absent.status).toBe(1);
    expect(absent.stdout).toMatch(/^unmet {7}.*expected a violation stale-frame$/m);
  });

  it('calls what it only sampled a limit: status 3', async () => {
    const { status, stdout } = await tlbsan(['explore', NEWCOMER, '--strategy', 'random', '--executions', '5']);
    expect(status).toBe(3);
    expect(stdout).toMatch(/^verdict {5}LIMIT \(executions\): nothing found in what was explored, which is no pass/);
  });

  it.each([
    { given: 'with a violation', args: [ABSENTEE, ...BROKEN] },
    { given: 'not shrunk', args: [ABSENTEE, ...BROKEN, '--no-shrink'] },
    { given: 'without', args: [NEWCOMER, '--strategy', 'preemptions=0'] },
  ])('writes JSON that follows its schema: $given', async ({ args }) => {
    const { stdout } = await tlbsan(['explore', ...args, '--json']);
    expect(validate(SCHEMA, JSON.parse(stdout))).toEqual([]);
  });

  it.each([
    { args: [ABSENTEE, '--strategy', 'luck'], says: "--strategy: 'luck' is none of exhaustive, preemptions=N" },
    { args: [ABSENTEE, '--strategy', 'preemptions'], says: "'preemptions' is none of" },
    { args: [ABSENTEE, '--strategy', 'pct=0'], says: "'pct=0' is none of" },
    { args: ['fixtures/traces/forks.trace.gz'], says: 'only scenarios can be explored' },
    { args: [ABSENTEE, '--executions', '0'], says: 'must be at least 1' },
  ])('refuses $args', async ({ args, says }) => {
    const { status, stderr } = await tlbsan(['explore', ...args]);
    expect(status).toBe(2);
    expect(stderr).toContain(says);
  });
});
