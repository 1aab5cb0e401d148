import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { REPOSITORY, spawned } from '../cli/command.ts';
import { codeBlocks, isExcerpt } from './code-blocks.ts';

/** Each is a process of its own on a machine that may be busy with other tests. */
const COMMAND_MILLISECONDS = 120_000;

const readme = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
const blocks = codeBlocks(readme);

/** Expected where it is not 0. */
const STATUS: Readonly<Record<string, number>> = {
  'npm run -s tlbsan -- run fixtures/workloads/stale-read.tlb --era E1-no-remote': 1,
  'npm run -s tlbsan -- explore fixtures/workloads/stale-read.tlb --era E1-no-remote': 1,
  'npm run -s tlbsan -- run fixtures/guests/mappings --era E1-no-remote 2>&1': 66,
};

/** What the README states that the tests run instead of a long command. `npm ci` has been done by whoever runs tests. */
const REDUCED: Readonly<Record<string, string>> = {
  'npm ci && npm start': 'npm start',
  'npm run -s soundness -- --runs 2000 --seed 1': 'npm run -s soundness -- --runs 2 --seed 1',
  'npm run -s access-matrix -- 7 1': 'npm run -s access-matrix -- 20011 1',
  'npm run -s fuzz -- 1000000 1': 'npm run -s fuzz -- 200 1',
};

interface Shown {
  readonly command: string;
  /** What the README says that it prints. */
  readonly excerpt: string | null;
}

const shown: Shown[] = blocks.flatMap(({ language, text, comment }, index) => {
  if (language !== 'sh' || comment?.startsWith('not run by the tests') === true) return [];
  const commands = text.trimEnd().split('\n');
  const next = blocks[index + 1];
  const excerpt = next?.language === 'text' ? next.text : null;
  return commands.map((command, at) => ({ command, excerpt: at === commands.length - 1 ? excerpt : null }));
});

describe('the README', () => {
  afterAll(() => rmSync(join(REPOSITORY, 'run.perfetto-trace'), { force: true }));

  it('has as many commands as are run here, and two blocks that are not', () => {
    expect(shown.length).toBe(19);
    const left = blocks.filter(({ comment }) => comment?.startsWith('not run by the tests') === true);
    expect(left.map(({ comment }) => comment)).toEqual([
      'not run by the tests: it is the tests',
      'not run by the tests: it needs valgrind',
    ]);
  });

  it.each(shown)('$command', { timeout: COMMAND_MILLISECONDS }, async ({ command, excerpt }) => {
    const { status, stdout, stderr } = await spawned(['sh', '-c', REDUCED[command] ?? command]);
    expect(status, stderr).toBe(STATUS[command] ?? 0);
    expect(stdout).not.toBe('');
    if (excerpt !== null) expect(isExcerpt(excerpt, stdout), stdout).toBe(true);
  });

  it('shows the scenario as it is', () => {
    const [scenario] = blocks.filter(({ language }) => language === 'tlb');
    expect(scenario?.text).toBe(readFileSync(join(REPOSITORY, 'fixtures/workloads/stale-read.tlb'), 'utf8'));
  });

  it('shows its program with names that the package exports', async () => {
    const [program] = blocks.filter(({ language }) => language === 'ts');
    const names = /import \{ (.*) \} from 'tlbsan'/.exec(program?.text ?? '')?.[1]?.split(', ') ?? [];
    expect(names.length).toBeGreaterThan(0);
    expect(Object.keys(await import('../../src/index.ts'))).toEqual(expect.arrayContaining(names));
  });

  it('names the exit statuses that there are', async () => {
    const { ExitStatus } = await import('../../src/cli/exit-status.ts');
    const rows = [...readme.matchAll(/^\| (\d+) \| /gm)].map(([, status]) => Number(status));
    expect(rows).toEqual(Object.values(ExitStatus));
  });
});

describe('an excerpt', () => {
  const output = 'one\ntwo\nthree\nfour\n';
  it.each([
    ['one\ntwo\n', true],
    ['one\n…\nfour\n', true],
    ['two\nthree\n', true],
    ['one\nthree\n', false],
    ['four\n…\none\n', false],
    ['five\n', false],
  ])('%j of one to four: %s', (excerpt, expected) => {
    expect(isExcerpt(excerpt, output)).toBe(expected);
  });
});
