/** `tlbsan run PROG`: streams, exit status, report, and what is refused. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REPOSITORY, temporaryFolder, tlbsan } from './command.ts';
import { validate } from './json-schema.ts';

const SHARED = join(REPOSITORY, 'fixtures/guests/shared');
const MAPPINGS = join(REPOSITORY, 'fixtures/guests/mappings');
const expected = readFileSync(`${SHARED}.out`, 'utf8');

describe('a hosted program', () => {
  it('prints on standard output, and the report goes to standard error', async () => {
    const { status, stdout, stderr } = await tlbsan(['run', SHARED, '--memory', '32']);
    expect({ status, stdout }).toEqual({ status: 0, stdout: expected });
    expect(stderr).toMatch(/^verdict {3}clean: /);
    expect(stderr).toMatch(/^instructions +[\d,]+ {2}processes 6, threads 6/m);
  });

  it('ends with 66 on a violation, or what --error-exitcode says', async () => {
    const bad = ['run', MAPPINGS, '--memory', '32', '--era', 'E1-no-remote', '--stress', 'all', '--quiet'];
    const { status, stderr } = await tlbsan(bad);
    expect(status).toBe(66);
    expect(stderr).toMatch(/^verdict {3}VIOLATION/);
    expect((await tlbsan([...bad, '--error-exitcode', '9'])).status).toBe(9);
  });

  it('takes the names of a stripped program from another file', async () => {
    const bytes = readFileSync(MAPPINGS);
    bytes.fill(0, 0x28, 0x30);
    bytes.fill(0, 0x3c, 0x40);
    const stripped = join(temporaryFolder(), 'stripped');
    writeFileSync(stripped, bytes);
    const bad = ['run', stripped, '--memory', '32', '--era', 'E1-no-remote'];
    const use = /^ {2}use +step \d+: processor \d \((.*)\): user/m;
    expect(use.exec((await tlbsan(bad)).stderr)?.[1]).toMatch(/^stripped thread \d+: 0x[\da-f]+$/);
    const { stderr } = await tlbsan([...bad, '--symbols', MAPPINGS]);
    expect(use.exec(stderr)?.[1]).toMatch(/^stripped thread \d+: \w+\+0x[\da-f]+ \(mappings\.c:\d+\)$/);
  });

  it('ends with 3 at its limit', async () => {
    const { status, stderr } = await tlbsan(['run', SHARED, '--memory', '32', '--max-instructions', '5000']);
    expect(status).toBe(3);
    expect(stderr).toMatch(/LIMIT: stopped early/);
  });

  it('is told in JSON as the schema says', async () => {
    const json = join(temporaryFolder(), 'report.json');
    await tlbsan(['run', SHARED, '--memory', '32', '--json', json, '--quiet']);
    const report = JSON.parse(readFileSync(json, 'utf8'));
    const schema = JSON.parse(readFileSync(join(REPOSITORY, 'docs/schema/run-report-1.json'), 'utf8'));
    expect(validate(schema, report)).toEqual([]);
    expect(report.workload.kind).toBe('program');
    expect(report.workload.program).toMatchObject({
      ending: { kind: 'exited', status: 0 },
      processes: 6,
      missingCalls: {},
    });
  });

  it.each([
    [['--engine', 'slow'], /--engine: unknown engine 'slow'; there are fast, golden/],
    [
      ['--stress', 'earthquake'],
      /--stress: unknown kind of stress 'earthquake'; there are all, migrate, reclaim, protect, move/,
    ],
    [['--set', 'store-buffers=on'], /--set: programs' stores are visible at once/],
    [['--symbols', '/no/such'], /--symbols: \/no\/such: cannot be read: ENOENT/],
    [['--symbols', `${SHARED}.out`], /--symbols: .*shared\.out: is no ELF file/],
    [['--root', '/no/such'], /\/no\/such: no such directory/],
    [['--max-steps', '5'], /--max-steps: is for scenarios/],
  ])('refuses %j', async (flags, message) => {
    const { status, stderr } = await tlbsan(['run', SHARED, ...flags]);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('refuses what is cut short or dynamically linked', async () => {
    const file = join(temporaryFolder(), 'cut');
    writeFileSync(file, readFileSync(SHARED).subarray(0, 90));
    expect(await tlbsan(['run', file])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/at byte 32: truncated/),
    });
    const dynamic = await tlbsan(['run', process.execPath]);
    if (process.platform === 'linux' && process.arch === 'x64') {
      expect(dynamic).toMatchObject({ status: 2, stderr: expect.stringMatching(/dynamically linked/) });
    }
  });
});

describe('as a process', () => {
  it('passes the exit status of a program through', () => {
    const args = ['--import', 'tsx', 'src/cli/main.ts', 'run', 'fixtures/guests/shared', '--quiet', '--memory', '32'];
    const { status, stdout } = spawnSync(process.execPath, args, { cwd: REPOSITORY, encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: expected });
  });
});
