/** Every test of fixtures/litmus: its verdicts hold, it says what decides it, and each forbidden one has an allowed twin. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LitmusSearch } from '../../../src/scenario/litmus/litmus-search.ts';
import { parseLitmus } from '../../../src/workload/litmus-parser.ts';
import { differenceOf } from './twin-difference.ts';

const FOLDER = new URL('../../../fixtures/litmus/', import.meta.url);
const NAMES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.litmus'))
  .map((name) => name.slice(0, -'.litmus'.length));
const fileOf = (name: string): URL => new URL(`${name}.litmus`, FOLDER);
const tests = NAMES.map((name) => {
  const text = readFileSync(fileOf(name), 'utf8');
  return { name, text, test: parseLitmus(text, `${name}.litmus`) };
});

it(`has ${NAMES.length} tests with different titles, at least 60 of them about translations`, () => {
  expect(new Set(tests.map(({ test }) => test.title)).size).toBe(NAMES.length);
  expect(tests.filter(({ test }) => test.initial.some(({ kind }) => kind === 'entry')).length).toBeGreaterThan(60);
});

describe.each(tests)('$name', ({ name, text, test }) => {
  it('ends as expected', () => {
    const { verdict, conditions, counts } = new LitmusSearch({
      text,
      file: `${name}.litmus`,
      version: 'test',
    }).explore();
    expect({ verdict, conditions: conditions.filter((each) => each.verdict !== 'as-expected') }).toEqual({
      verdict: 'as-expected',
      conditions: [],
    });
    expect(counts.blocked + counts.truncated).toBe(0);
  });

  it('says what decides it', () => {
    expect(test.cite).toMatch(/^(?:SDM 3A \d+(?:\.\d+)+|ADL063)$/);
    expect(test.because).not.toBeNull();
  });

  const forbidden = test.expectations.filter(({ allowed }) => !allowed).map((each) => each.text);
  if (forbidden.length === 0) return;
  it('has a twin, one thing away, in which what it forbids is allowed', () => {
    const twin = tests.find((other) => other.name === test.twin);
    const allowed = twin?.test.expectations.filter((each) => each.allowed).map((each) => each.text);
    for (const condition of forbidden) expect(allowed).toContain(condition);
    const { removed, added, moved } = differenceOf(fileOf(name), fileOf(test.twin ?? name));
    expect({ removed, added, count: Math.max(removed.length, added.length) }).toEqual({
      removed,
      added,
      count: moved ? 0 : 1,
    });
  });
});
