/** Expectations against reports of real runs: each part of an expectation counts. */
import { describe, expect, it } from 'vitest';
import { runScenario } from '../../tools/twins/run.ts';

/** Ends in a violation stale-frame, frame-freed, of thread Second. */
const SCENARIO = `scenario "expected"
processors 2
era E1-no-remote
space A
thread First in A on 0 {
  a = mmap 1 rw
  write a[0] 1
  signal written
  await seen
  munmap a
  signal gone
}
thread Second in A on 1 {
  await written
  read a[0]
  signal seen
  await gone
  read a[0]
}
`;

function unmet(expectation: string, words: Parameters<typeof runScenario>[2] = {}): readonly string[] {
  return runScenario(`${SCENARIO}expect ${expectation}\n`, 'expected.tlb', { memory: 8, ...words }).report.unexpected;
}

describe('met', () => {
  it.each([
    'violation stale-frame',
    'violation stale-frame frame-freed',
    'violation stale-frame by Second',
    'violation stale-frame frame-freed by Second',
  ])('%s', (expectation) => {
    expect(unmet(expectation)).toEqual([]);
  });

  it('clean, under an era without the fault', () => {
    expect(unmet('clean', { era: 'E1' })).toEqual([]);
  });

  it('anything, when nobody judges', () => {
    expect(unmet('clean', { detect: false })).toEqual([]);
    expect(unmet('violation page-size-mix', { detect: false })).toEqual([]);
  });
});

describe('not met', () => {
  const found = 'found stale-frame frame-freed';
  it.each([
    ['clean', 'no violation'],
    ['violation stale-permission', 'a violation stale-permission'],
    ['violation stale-frame used', 'a violation stale-frame used'],
    ['violation stale-frame frame-reused', 'a violation stale-frame frame-reused'],
    ['violation stale-frame by First', 'a violation stale-frame by First'],
    ['violation stale-frame frame-freed by First', 'a violation stale-frame frame-freed by First'],
  ])('%s', (expectation, description) => {
    expect(unmet(expectation)).toEqual([`expected.tlb:20:1: expected ${description}, ${found}`]);
  });

  it('a violation, under an era without the fault', () => {
    expect(unmet('violation stale-frame', { era: 'E1' })).toEqual([
      'expected.tlb:20:1: expected a violation stale-frame, found none',
    ]);
  });
});
