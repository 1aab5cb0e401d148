import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXHIBITS } from '../../src/museum/catalogue.ts';
import { REPOSITORY, tlbsan } from './command.ts';
import { type Schema, validate } from './json-schema.ts';

const SCHEMA = JSON.parse(readFileSync(join(REPOSITORY, 'docs/schema/bugs-1.json'), 'utf8')) as Schema;

describe('tlbsan bugs', () => {
  it('lists every exhibit, and what is not shown with the reason', async () => {
    const { status, stdout } = await tlbsan(['bugs']);
    expect(status).toBe(0);
    for (const { id, title } of EXHIBITS) expect(stdout).toMatch(new RegExp(`^${id} .*${title.slice(0, 20)}`, 'm'));
    expect(stdout).toMatch(/^B44 +KVM's walker yields before it flushes .*\n +nested paging is not modelled$/m);
  });

  it('shows one by number, commit or CVE', async () => {
    const shown = await tlbsan(['bugs', 'show', 'B9']);
    expect(shown.status).toBe(0);
    expect(shown.stdout).toContain('CVE-2016-2069');
    expect(await tlbsan(['bugs', 'show', 'cve-2016-2069'])).toEqual(shown);
    expect(await tlbsan(['bugs', 'show', '71b3c126e611'])).toEqual(shown);
    const { stdout } = await tlbsan(['bugs', 'show', 'B9', '--scenario']);
    expect(stdout).toMatch(/^# A processor comes back .*\nscenario "/);
  });

  it('runs one: found, mended, and gone without its hardware', async () => {
    const { status, stdout } = await tlbsan(['bugs', 'run', 'B16']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^B16 .*: CONFIRMED$/m);
    expect(stdout).toMatch(/^ {2}fix +era E8: exhausted, clean \(\d+ executions, [\d.]+ s\)$/m);
    expect(stdout).toMatch(/^violation 1: stale-frame/m);
    expect(stdout).toMatch(/^how it came about, by step$/m);
    expect(stdout).toMatch(/^1 of 1 confirmed, 0 refuted, 0 stopped at a limit; [\d.]+ s$/m);
  });

  it.each([
    { given: 'the list', args: ['bugs', '--json'] },
    { given: 'a page', args: ['bugs', 'show', 'B1', '--json'] },
    { given: 'a run', args: ['bugs', 'run', 'B16', '--json'] },
  ])('writes JSON that follows its schema: $given', async ({ args }) => {
    const { stdout } = await tlbsan(args);
    const value: unknown = JSON.parse(stdout);
    expect(value).toHaveProperty('schema', 1);
    expect(validate(SCHEMA, value)).toEqual([]);
  });

  it('refuses a bug that there is not: status 2', async () => {
    const { status, stderr } = await tlbsan(['bugs', 'run', 'B0']);
    expect(status).toBe(2);
    expect(stderr).toContain("no bug 'B0'; there are B1, B3,");
    expect((await tlbsan(['bugs', 'run', 'B1', '--seconds', '0'])).status).toBe(2);
  });
});
