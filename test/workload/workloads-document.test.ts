/** The examples of docs/WORKLOADS.md are what they claim to be. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/workload/scenario-parser.ts';
import { printScenario, printStatement } from '../../src/workload/scenario-printer.ts';

const DOCUMENT = readFileSync(new URL('../../docs/WORKLOADS.md', import.meta.url), 'utf8');

/** First column of the table that follows the given words. */
function examplesAfter(words: string): string[] {
  const lines = DOCUMENT.slice(DOCUMENT.indexOf(words)).split('\n');
  const table = lines.slice(lines.findIndex((line) => line.startsWith('|')) + 2);
  const rows = table.slice(0, table.indexOf(''));
  return rows.map((row) => /^\| `([^`]+)`/.exec(row)?.[1] ?? `unreadable row: ${row}`);
}

const PRELUDE =
  'scenario "s"\nprocessors 2\nspace A\nspace B\nkernel Events on 0 {\n  signal ready\n  v = vmalloc 2\n}\n';
const USER = 'thread T in A on 0 {\n  a = mmap 4 rw\n';

describe('whole scenarios', () => {
  const blocks = [...DOCUMENT.matchAll(/```tlb\n(.*?)```/gs)].map((match) => match[1] ?? '');

  it('there is one', () => {
    expect(blocks).toHaveLength(1);
  });

  it.each(blocks)('%s', (text) => {
    const withoutComments = text.replaceAll(/^#.*\n/gm, '');
    expect(printScenario(parseScenario(text, 'docs/WORKLOADS.md'))).toBe(withoutComments);
  });
});

describe('directives', () => {
  const rest = 'thread T0 in A on 0 { }\nthread T1 in A on 1 { }\n';
  it.each(
    examplesAfter('### Directives')
      .slice(2)
      .map((example) => example.replace('{ … }', '{ }')),
  )('%s', (example) => {
    const declares = example.startsWith('thread') ? 'space A\n' : example === 'space A' ? '' : `space A\n${rest}`;
    expect(() => parseScenario(`scenario "s"\nprocessors 2\n${declares}${example}\n`, 'row')).not.toThrow();
  });
});

const STATEMENTS = [
  { words: 'These are for threads in a space', head: USER, count: 11 },
  { words: 'For kernel threads:', head: 'thread U in A on 0 {\n  a = mmap 4 rw\n}\nkernel K on 1 {\n', count: 4 },
  { words: 'And for both:', head: USER, count: 11 },
];

describe.each(STATEMENTS)('statements: $words', ({ words, head, count }) => {
  const examples = examplesAfter(words);

  it('are all found', () => {
    expect(examples).toHaveLength(count);
  });

  it.each(examples)('%s', (example) => {
    const scenario = parseScenario(`${PRELUDE}${head}  ${example}\n}\n`, 'row');
    const statement = scenario.threads.at(-1)?.body.at(-1);
    if (statement === undefined) throw new Error('the example is no statement');
    const printed = printStatement(statement);
    expect(example.replace('0xdead', '57005').startsWith(printed)).toBe(true);
  });
});
