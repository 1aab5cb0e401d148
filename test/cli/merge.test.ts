import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { temporaryFolder, tlbsan } from './command.ts';

vi.setConfig({ testTimeout: 240_000 });

const NEWCOMER = 'fixtures/explore/flush-meets-newcomer.tlb';

async function shards(folder: string, count: number, ...options: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (let index = 0; index < count; index++) {
    const file = join(folder, `${index}.json`);
    await tlbsan(['explore', NEWCOMER, ...options, '--parts', '4', '--shard', `${index}/${count}`, '--json', file]);
    files.push(file);
  }
  return files;
}

it.each([
  { given: 'a clean search', options: ['--strategy', 'preemptions=0'], status: 0 },
  {
    given: 'a fault',
    options: ['--strategy', 'random', '--executions', '24', '--era', 'E1-no-remote', '--keep-going', '--no-shrink'],
    status: 1,
  },
])(
  'shards merge into the report of the whole search, on any number of threads: $given',
  async ({ options, status }) => {
    const folder = temporaryFolder();
    const files = await shards(folder, 2, ...options);
    const whole = await tlbsan(['explore', NEWCOMER, ...options, '--parts', '4', '--jobs', '2', '--json']);
    const merged = await tlbsan(['merge', ...files, '--json']);
    expect([merged.status, whole.status]).toEqual([status, status]);
    expect(JSON.parse(merged.stdout)).toEqual(JSON.parse(whole.stdout));

    const [, second = ''] = files;
    const missing = await tlbsan(['merge', second]);
    expect(missing.status).toBe(2);
    expect(missing.stderr).toContain('missing of 2: 0; run them again');
    // Killed while it wrote, and run again.
    writeFileSync(second, readFileSync(second, 'utf8').slice(0, 100));
    expect((await tlbsan(['merge', ...files])).stderr).toContain('is no JSON: was its shard killed? run it again');
    await tlbsan(['explore', NEWCOMER, ...options, '--parts', '4', '--shard', '1/2', '--json', second]);
    expect(await tlbsan(['merge', ...files, '--json'])).toEqual(merged);
  },
);

it('refuses shards of different searches', async () => {
  const folder = temporaryFolder();
  const [first = ''] = await shards(folder, 1, '--strategy', 'preemptions=0');
  const other = join(folder, 'other.json');
  await tlbsan(['explore', NEWCOMER, '--strategy', 'preemptions=0', '--era', 'E2', '--shard', '1/2', '--json', other]);
  const { status, stderr } = await tlbsan(['merge', first, other]);
  expect(status).toBe(2);
  expect(stderr).toContain('of different searches');
});
