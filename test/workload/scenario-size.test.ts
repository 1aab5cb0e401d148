/** The largest texts that are allowed are taken or refused in good time: nothing grows faster than the text. */

import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.ts';
import { SCENARIO_LIMITS } from '../../src/workload/scenario-limits.ts';
import { parseScenario } from '../../src/workload/scenario-parser.ts';

const HEAD = 'scenario "s"\nprocessors 2\nspace A\n';
const { textCharacters, threads: threadLimit, spaces: spaceLimit } = SCENARIO_LIMITS;

/** As many repetitions as a text can hold. */
function filled(head: string, item: string, tail: string): string {
  return head + item.repeat(Math.floor((textCharacters - head.length - tail.length) / item.length)) + tail;
}

const ONE_THREAD = `${HEAD}thread T in A on 0 {\na = mmap 2 rw\n`;

const rows = [
  { what: 'signals of one event', text: filled(ONE_THREAD, 'signal x\n', '}'), fine: true },
  { what: 'awaits', text: filled(`${ONE_THREAD}signal x\n`, 'await x\n', '}'), fine: true },
  { what: 'bindings', text: filled(ONE_THREAD, 'b=brk 1\n', '}'), fine: true },
  { what: 'accesses', text: filled(ONE_THREAD, 'read a[0]\n', '}'), fine: true },
  { what: 'comments', text: filled(HEAD, '#\n', ''), fine: true },
  { what: 'one comment', text: filled(`${HEAD}#`, '#', ''), fine: true },
  { what: 'threads that wait for each other', text: chain(), fine: true },
  { what: 'forks of forks, with many variables', text: forks(1024), fine: true },
  { what: 'forks of forks, with a variable too many', text: forks(1025), fine: false },
  { what: 'too many threads', text: filled(HEAD, 'kernel K on 0 {}\n', ''), fine: false },
  { what: 'spaces', text: filled(HEAD, 'space B\n', ''), fine: false },
  { what: 'an open string', text: filled('scenario "', 'x', ''), fine: false },
  { what: 'a long word', text: filled(HEAD, 'a-', ''), fine: false },
  { what: 'braces', text: filled(ONE_THREAD, 'repeat 1 {', ''), fine: false },
  { what: 'too much of it', text: `${filled(HEAD, '\n', '')}#too much`, fine: false },
];

/** Thread after thread, each waiting for every event of the one before it, in an order that lets one run at a time. */
function chain(): string {
  let text = HEAD;
  for (let index = threadLimit - 1; index >= 0; index--) {
    let body = '';
    for (let event = 0; event < 100; event++) {
      if (index > 0) body += `await e${index - 1}-${event}\n`;
      body += `signal e${index}-${event}\n`;
    }
    text += `kernel K${index} on 0 {\n${body}}\n`;
  }
  return text;
}

/** A fork of a fork of a fork, as many as there can be spaces; the first has all the variables. */
function forks(variables: number): string {
  let text = 'scenario "s"\nprocessors 1\n';
  for (let index = 0; index < spaceLimit; index++) {
    const body = Array.from({ length: index === 0 ? variables : 0 }, (_, variable) => `v${variable} = brk 1\n`).join(
      '',
    );
    const fork = index + 1 < spaceLimit ? `fork S${index + 1}\n` : 'read v1[0]\n';
    text += `space S${index}\nthread T${index} in S${index} on 0 {\n${body}${fork}}\n`;
  }
  return text;
}

describe('texts at the limit', () => {
  it.each(rows)('$what: accepted $fine', ({ text, fine }) => {
    const started = performance.now();
    let accepted = true;
    try {
      parseScenario(text, 'f');
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      accepted = false;
    }
    expect(accepted).toBe(fine);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
