/** Random litmus tests: the exploration of the machine comes to the same outcomes as a semantics that shares nothing with it. */
import { expect, it } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { compareRandomTest } from './random-litmus.ts';

const SEED = 4_104;
const TESTS = 60;
const MOST_STATES = 8_000;

it(`agrees on ${TESTS} tests, seed ${SEED}`, () => {
  const random = new Random(SEED);
  let compared = 0;
  let several = 0;
  for (let number = 0; number < TESTS; number++) {
    const comparison = compareRandomTest(random, MOST_STATES);
    if (comparison === null) continue;
    const { text, found, expected } = comparison;
    expect({ text, outcomes: found }).toEqual({ text, outcomes: expected });
    compared++;
    if (expected.length > 1) several++;
  }
  expect(compared).toBeGreaterThan(TESTS / 2);
  expect(several).toBeGreaterThan(compared / 4);
});
