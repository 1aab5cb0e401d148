/** Every way a scenario text can be wrong, with the place and the words that say so. */

import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.ts';
import { parseScenario } from '../../src/workload/scenario-parser.ts';

const HEAD = 'scenario "s"\nprocessors 2\nspace A\n';

/** A thread in space A from line 4 on, in which `a` has four pages; `statements` begin on line 6. */
function user(statements: string, rest = ''): string {
  return `${HEAD}thread T in A on 0 {\n  a = mmap 4 rw\n${statements}\n}\n${rest}`;
}

function kernel(statements: string): string {
  return `${HEAD}kernel K on 0 {\n  v = vmalloc 4\n${statements}\n}\n`;
}

/** The message without the file, or what was thrown instead of an InputError. */
function errorOf(text: string): string {
  try {
    parseScenario(text, 'f');
  } catch (error) {
    if (error instanceof InputError) return error.message.replace(/^f:? ?/, '');
    throw error;
  }
  return 'no error';
}

const SYNTAX: readonly { given: string; expected: string }[] = [
  { given: '', expected: '1:1: expected "scenario" and a title, found the end of the text' },
  { given: '# nothing', expected: '1:10: expected "scenario" and a title, found the end of the text' },
  { given: 'scenario', expected: '1:9: expected the title, in quotation marks, found the end of the text' },
  { given: 'scenario "s', expected: '1:10: the string that begins here does not end on this line, or is too long' },
  { given: 'scenario "s\\q"', expected: '1:10: \\q is no escape: there are \\" \\\\ and \\u{…}' },
  { given: 'scenario "s\\u{110000}"', expected: '1:10: \\u{110000} is no escape: there are \\" \\\\ and \\u{…}' },
  { given: 'scenario "s" §', expected: '1:14: the character "§" has no meaning here' },
  { given: 'scenario "s" x', expected: '1:14: expected the end of the line, found "x"' },
  { given: 'scenario "s"', expected: 'a scenario says how many processors it has: "processors 2"' },
  { given: 'scenario "s"\nscenario "t"', expected: '2:1: "scenario" is given twice' },
  {
    given: 'scenario "s"\nprocessor 2',
    expected: '2:1: there is no directive "processor"; did you mean "processors"?',
  },
  { given: 'scenario "s"\nprocessors 33', expected: '2:12: the number of processors is at most 32, not 33' },
  { given: 'scenario "s"\nprocessors two', expected: '2:12: expected the number of processors, found "two"' },
  { given: 'scenario "s"\nprocessors 1e1', expected: '2:12: expected the number of processors, found "1e1"' },
  { given: `${HEAD}set pcid on`, expected: '4:10: expected "=", found "on"' },
  { given: `${HEAD}set pcid={`, expected: '4:10: expected the value of pcid, as in "set pcid=on", found "{"' },
  { given: `${HEAD}seed 4294967296`, expected: '4:6: the seed is at most 4294967295, not 4294967296' },
  {
    given: `${HEAD}expect cleann`,
    expected: '4:8: expected an expectation (clean, violation), found "cleann"; did you mean "clean"?',
  },
  {
    given: `${HEAD}expect violation stale-fame`,
    expected:
      '4:18: expected a severity (lost-accessed-dirty, stale-permission, stale-frame, page-size-mix, freed-table-walked), found "stale-fame"; did you mean "stale-frame"?',
  },
  {
    given: `${HEAD}expect violation stale-frame usd`,
    expected: '4:30: expected a stage, or "by" (used, frame-freed, frame-reused), found "usd"; did you mean "used"?',
  },
  { given: `${HEAD}thread T in A on 0`, expected: '4:19: expected "{", found the end of the text' },
  { given: `${HEAD}thread T in A on 0 {\n`, expected: '4:20: the block that begins here is never closed' },
  { given: user('  mummap a'), expected: '6:3: there is no statement "mummap"; did you mean "munmap"?' },
  { given: user('  mmap 4 rw'), expected: '6:3: mmap needs a variable for what it makes: "a = mmap …"' },
  {
    given: user('  b = map 4 rw'),
    expected: '6:7: expected what makes a mapping (mmap, mremap, brk, vmalloc), found "map"; did you mean "mmap"?',
  },
  {
    given: user('  b = mmap 4 wr'),
    expected: '6:14: expected a protection (none, r, rw, rx, rwx), found "wr"; did you mean "rw"?',
  },
  { given: user('  b = mmap 4 rw shared shared'), expected: '6:24: expected the end of the line, found "shared"' },
  { given: user('  read a'), expected: '6:9: expected "[", found the end of the line' },
  { given: user('  read a[0'), expected: '6:11: expected "]", found the end of the line' },
  { given: user('  read a[0] -> faul'), expected: '6:16: expected a value, or "fault", found "faul"' },
  { given: user('  read a[0]+4096'), expected: '6:13: an offset in a page is at most 4095, not 4096' },
  {
    given: user('  write a[0] 0x10000000000000000'),
    expected: '6:14: expected the value to write, found "0x10000000000000000"',
  },
  {
    given: user('  write a[0] 18446744073709551616'),
    expected: '6:14: the value to write is at most 18446744073709551615, not 18446744073709551616',
  },
  { given: user('  read a[0] read a[1]'), expected: '6:13: expected the end of the line, found "read"' },
  { given: user('  "read" a[0]'), expected: '6:3: expected a statement, found a quoted string' },
  { given: user(`${'repeat 1 {'.repeat(9)}`), expected: '6:81: repeats nest at most 8 deep' },
  { given: user(`  read ${'x'.repeat(65)}[0]`), expected: '6:8: a name has at most 64 characters' },
];

const MEANING: readonly { given: string; expected: string }[] = [
  { given: 'scenario "s"\nprocessors 0', expected: 'a scenario has at least one processor' },
  { given: `scenario "${'t'.repeat(201)}"\nprocessors 1`, expected: 'a title has at most 200 characters' },
  { given: `${HEAD}space A`, expected: '4:1: there are two declarations of space A' },
  { given: `${HEAD}set pcid=on\nset pcid=off`, expected: '5:1: there are two declarations of switch pcid' },
  { given: user('', 'kernel T on 0 { }'), expected: '8:1: there are two declarations of thread T' },
  {
    given: `${HEAD}thread T in a on 0 { }`,
    expected: '4:1: thread T is in space a, which is not declared; did you mean "A"?',
  },
  {
    given: `${HEAD}thread T in A on 2 { }`,
    expected: '4:1: thread T starts on processor 2, and there are 2, counted from 0',
  },
  { given: user('  run on 3'), expected: '6:3: this names processor 3, and there are 2, counted from 0' },
  { given: user('  offline 2'), expected: '6:3: this names processor 2, and there are 2, counted from 0' },
  { given: user('  read b[0]'), expected: '6:3: space A has no variable b' },
  { given: user('  read length[0]'), expected: '6:3: space A has no variable length' },
  { given: user('  read b[0]\n  b = mmap 1 r'), expected: '6:3: b has no mapping yet at this point' },
  { given: user('  read a[4]'), expected: '6:3: a[4] is out of range: a never has more than 4 pages' },
  { given: user('  munmap a[2..4]'), expected: '6:3: a[4] is out of range: a never has more than 4 pages' },
  { given: user('  munmap a[2..1]'), expected: '6:3: a[2..1] ends before it begins' },
  {
    given: user('  b = mmap 1 rw 2M\n  read b[512]'),
    expected: '7:3: b[512] is out of range: b never has more than 512 pages',
  },
  { given: user('  read a[0]+4'), expected: '6:3: an offset is a multiple of 8, not 4' },
  { given: user('  b = mmap 0 rw'), expected: '6:3: a mapping has at least one page' },
  {
    given: user('  b = mmap 2049 rw 2M'),
    expected: '6:3: a mapping has at most 1048576 pages of 4 KBytes, not 1049088',
  },
  { given: user('  b = mmap 1 rw at 0x1800'), expected: '6:3: 0x1800 is not a multiple of 0x1000' },
  { given: user('  b = mmap 1 rw 2M at 0x1000'), expected: '6:3: 0x1000 is not a multiple of 0x200000' },
  {
    given: user('  b = mmap 1 rw at 0x100000000000000'),
    expected: '6:3: the mapping would reach beyond the user addresses',
  },
  { given: user('  write a[0] 5 -> 6'), expected: '6:3: a write of 5 that succeeds leaves 5, not 6' },
  { given: user('  repeat 0 { }'), expected: '6:3: a repeat runs at least once' },
  {
    given: user('  repeat 1000 { repeat 1000 { read a[0] } }'),
    expected: '4:1: up to thread T more than 1000000 statements run, repeats counted',
  },
  { given: user('  reclaim a of A'), expected: '6:3: reclaim is for kernel threads; T is in a space' },
  { given: user('  v = vmalloc 1'), expected: '6:3: vmalloc is for kernel threads; T is in a space' },
  { given: user('  speculate a[0] of Aa on 1'), expected: '6:3: space Aa is not declared; did you mean "A"?' },
  { given: kernel('  munmap v'), expected: '6:3: munmap needs a thread in a space; K is of the kernel' },
  { given: kernel('  flush mm'), expected: '6:3: flush mm needs a thread in a space; K is of the kernel' },
  { given: kernel('  vfree w'), expected: '6:3: the kernel has no variable w' },
  { given: kernel('  reclaim v of A'), expected: '6:3: space A has no variable v' },
  { given: user('  fork B'), expected: '6:3: space B is not declared: write "space B"' },
  { given: user('  fork A'), expected: '6:3: space A would have to exist before the fork that makes it' },
  { given: user('  fork B\n  fork B', 'space B'), expected: '7:3: space B is already made by another fork' },
  {
    given: user('  repeat 2 { fork B }', 'space B'),
    expected: '6:14: a fork inside a repeat would make its space more than once',
  },
  {
    given: user('  fork B', 'space B\nspace C\nthread U in B on 0 {\n  fork C\n}\nthread V in C on 0 {\n  fork A\n}'),
    expected: '14:3: space A would have to exist before the fork that makes it',
  },
  { given: user('  signal ready\n  await raedy'), expected: '7:3: nothing signals event raedy; did you mean "ready"?' },
  {
    given: user('  await x\n  signal y', 'kernel K on 0 {\n  await y\n  signal x\n}'),
    expected: '6:3: thread T waits here for ever: x is signalled only by K, too late',
  },
  {
    given: user('  await x\n  signal x'),
    expected: '6:3: thread T waits here for ever: x is signalled only by T, too late',
  },
  { given: user('', 'expect clean\nexpect clean'), expected: '9:1: "expect clean" is given twice' },
  {
    given: user('', 'expect clean\nexpect violation stale-frame'),
    expected: '9:1: a scenario cannot be clean and have a violation',
  },
  {
    given: user('', 'expect violation stale-frame by U'),
    expected: '8:1: thread U is not declared',
  },
];

describe('texts that are no scenario', () => {
  it.each(SYNTAX)('$expected', ({ given, expected }) => {
    expect(errorOf(given)).toBe(expected);
  });
});

describe('scenarios that cannot be meant', () => {
  it.each(MEANING)('$expected', ({ given, expected }) => {
    expect(errorOf(given)).toBe(expected);
  });
});

/** One change away from an error above. */
const FINE: readonly string[] = [
  user('  read a[3]'),
  user('  b = mmap 1 rw 2M\n  read b[511]'),
  user('  repeat 999 { repeat 500 { read a[0] } }'),
  user('  signal x\n  await x'),
  user('  await x', 'kernel K on 0 {\n  signal x\n}'),
  user('  fork B', 'space B\nthread U in B on 0 {\n  read a[3]\n}'),
  // Another thread may have bound b by then.
  user('  read b[0]\n  b = mmap 1 r', 'thread U in A on 1 {\n  b = mmap 1 r\n}'),
  user('  mmap = mmap 1 r\n  munmap mmap\n  read mmap[0]'),
  user('  b = mmap 1 rw at 0x7000 2M private'.replace('0x7000', '0x20_0000')),
  '\r\n# a comment\r\nscenario "s" # another\r\nprocessors 1\r\n',
];

describe('scenarios next to those', () => {
  it.each(FINE.map((text, index) => ({ text, index })))('text $index has no error', ({ text }) => {
    expect(errorOf(text)).toBe('no error');
  });
});
