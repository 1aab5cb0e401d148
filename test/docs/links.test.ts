import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REPOSITORY } from '../cli/command.ts';

const documents = [
  'README.md',
  ...readdirSync(join(REPOSITORY, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];

interface Link {
  readonly document: string;
  readonly target: string;
}

const links: Link[] = documents.flatMap((document) => {
  const text = readFileSync(join(REPOSITORY, document), 'utf8');
  const prose = text.replaceAll(/^```[\s\S]*?^```|`[^`\n]*`/gm, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) =>
    /^[a-z]+:/.test(target) ? [] : [{ document, target }],
  );
});

describe('documents', () => {
  it('link to each other', () => {
    expect(links.length).toBeGreaterThan(10);
  });

  it.each(links)('$document leads to $target', ({ document, target }) => {
    const [path = ''] = target.split('#');
    expect(existsSync(join(REPOSITORY, dirname(document), path))).toBe(true);
  });

  it('name no file of ours that is not there', () => {
    const named = documents.flatMap((document) => {
      const text = readFileSync(join(REPOSITORY, document), 'utf8');
      return [...text.matchAll(/`((?:src|test|tools|docs|fixtures)\/[\w./-]+)`/g)].map(([, path = '']) => path);
    });
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((path) => !existsSync(join(REPOSITORY, path)))).toEqual([]);
  });
});
