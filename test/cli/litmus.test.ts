/** `tlbsan litmus`: verdicts, exit status, witnesses that replay, JSON, and what it says of bad input. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REPOSITORY, temporaryFolder, tlbsan } from './command.ts';
import { type Schema, validate } from './json-schema.ts';

const SCHEMA = JSON.parse(readFileSync(join(REPOSITORY, 'docs/schema/litmus-1.json'), 'utf8')) as Schema;
const ALLOWED = 'fixtures/litmus/stale-until-invalidated.litmus';
const FORBIDDEN = 'fixtures/litmus/invlpg.litmus';

function written(text: string): string {
  const file = join(temporaryFolder(), 'test.litmus');
  writeFileSync(file, text);
  return file;
}

describe('tlbsan litmus', () => {
  it('tells verdict, reason, outcomes and a witness that replays', async () => {
    const { status, stdout, stderr } = await tlbsan(['litmus', ALLOWED, '--steps']);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^verdict {5}AS EXPECTED\n/);
    expect(stdout).toContain('decided by  SDM 3A 4.10.2.3: ');
    expect(stdout).toMatch(/^ +\d+ {2}P0:r0=1\n +\d+ {2}P0:r0=2$/m);
    const [, token = ''] = /^ {2}witness +(\S+)$/m.exec(stdout) ?? [];
    const replayed = await tlbsan(['litmus', ALLOWED, '--replay', token]);
    expect(replayed.status).toBe(0);
    expect(replayed.stdout).toContain('outcome     P0:r0=1\n');
    expect(replayed.stdout).toContain('P0: x |-> pa2');
    expect(replayed.stdout).toContain('P0: r0 = [x] -- to [pa1], by what is cached');
    const other = await tlbsan(['litmus', ALLOWED, '--replay', token, '--set', 'pcid=off']);
    expect(other.status).toBe(2);
    expect(other.stderr).toContain('the schedule belongs to another workload');
  });

  it('sums up several tests', async () => {
    const { status, stdout } = await tlbsan(['litmus', ALLOWED, FORBIDDEN, '--brief']);
    expect(status).toBe(0);
    expect(stdout.split('\n')).toHaveLength(4);
    expect(stdout).toContain('2 of 2 tests as expected: ');
  });

  it('ends with 1 where an expectation fails, and with 3 where a limit leaves it open', async () => {
    const text = readFileSync(join(REPOSITORY, FORBIDDEN), 'utf8');
    const wrong = await tlbsan(['litmus', written(text.replace('invlpg x', 'mfence'))]);
    expect(wrong.status).toBe(1);
    expect(wrong.stdout).toContain('line 16     forbidden P0:r0 = 1: NOT AS EXPECTED');
    expect(wrong.stdout).toContain('witness');
    const cut = await tlbsan(['litmus', FORBIDDEN, '--executions', '1']);
    expect(cut.status).toBe(3);
    expect(cut.stdout).toMatch(/^verdict {5}UNKNOWN: the search ended at a limit \(executions\)/);
  });

  it('changes with the switches of the hardware', async () => {
    const file = 'fixtures/litmus/freed-table-serialize.litmus';
    expect((await tlbsan(['litmus', file])).status).toBe(0);
    const without = await tlbsan(['litmus', file, '--set', 'paging-structure-caches=off']);
    expect(without.status).toBe(1);
    expect(without.stdout).toContain('allowed P0:r0 = 3: NOT AS EXPECTED');
  });

  it('writes JSON that follows its schema', async () => {
    const explored = JSON.parse((await tlbsan(['litmus', ALLOWED, FORBIDDEN, '--json'])).stdout) as {
      tests: { conditions: { witness: { token: string } | null }[] }[];
    };
    expect(validate(SCHEMA, explored)).toEqual([]);
    expect(explored.tests.map(({ conditions }) => conditions[0]?.witness === null)).toEqual([false, true]);
    const token = explored.tests[0]?.conditions[0]?.witness?.token ?? '';
    const replayed = JSON.parse((await tlbsan(['litmus', ALLOWED, '--replay', token, '--json'])).stdout) as unknown;
    expect(validate(SCHEMA, replayed)).toEqual([]);
    expect(validate(SCHEMA, { ...explored, verdict: 'fine' })).toHaveLength(1);
  });

  it('says where a text is wrong: status 2', async () => {
    for (const [text, message] of [
      [
        'litmus "t"\nP0\nr0 = [x]\nallowed P0:r0 = 1\n',
        ':3:7: there is no frame or cell that the initial state gives a value "x"',
      ],
      ['litmus "t"\nP0\nivlpg x\nallowed P0:r0 = 1\n', ':3:1: expected an instruction, found "ivlpg"'],
      ['frob', ':1:1: expected "litmus", found "frob"'],
      [
        'litmus "t"\ninitially\n  [a] = 0\nP0\nr0 = [a]\ncr4.pcide = 1\nallowed P0:r0 = 0\n',
        ':6:1: mov-to-cr4 raises exception 13 here',
      ],
    ] as const) {
      const { status, stdout, stderr } = await tlbsan(['litmus', written(text), '--set', 'pcid=off']);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toContain(message);
    }
    expect((await tlbsan(['litmus', ALLOWED, '--set', 'la57=on'])).stderr).toContain('four levels of paging');
    expect((await tlbsan(['litmus', 'no/such.litmus'])).stderr).toBe('tlbsan: no/such.litmus: no such file\n');
    expect((await tlbsan(['litmus', 'fixtures'])).stderr).toBe('tlbsan: fixtures: is a directory\n');
    expect((await tlbsan(['litmus', ALLOWED, '--set', 'frob=on'])).stderr).toContain("unknown switch 'frob'");
  });
});
