import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ARROWS } from '../../tools/layers/arrows.ts';
import { REPOSITORY } from '../cli/command.ts';

const text = readFileSync(join(REPOSITORY, 'docs/ARCHITECTURE.md'), 'utf8');

describe('docs/ARCHITECTURE.md', () => {
  it('draws the folders that there are', () => {
    const drawn = [...text.matchAll(/^ {2}(\w+)\/ /gm)].map(([, folder]) => folder);
    const folders = readdirSync(join(REPOSITORY, 'src'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    expect(drawn.sort()).toEqual(folders.map(({ name }) => name).sort());
  });

  it.each([...ARROWS].filter(([folder]) => folder !== 'lab' && folder !== 'base'))(
    'tells what %s may import',
    (folder, { imports }) => {
      const row = text.split('\n').find(
        (line) =>
          line.startsWith('| ') &&
          line
            .split('|')[1]
            ?.split(/[,\s]+/)
            .includes(folder),
      );
      expect(row).toBeDefined();
      const also = new RegExp(`${folder}[^;|]* also ([^;|]+) \\|`).exec(row ?? '')?.[1] ?? '';
      const [, , cell = ''] = row?.split('|') ?? [];
      const told = `${cell.split(';')[0]} ${also}`.split(/\s+/).filter((word) => word !== '');
      expect(told.sort()).toEqual([...imports].sort());
    },
  );

  it('gives a reason for each dependency', () => {
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(REPOSITORY, 'package.json'), 'utf8'),
    ) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
    const reasons = [...text.matchAll(/^\| (@?[\w/-]+) \| .{20,} \|$/gm)].map(([, name]) => name);
    expect(reasons).toEqual(expect.arrayContaining(Object.keys({ ...dependencies, ...devDependencies })));
  });
});
