/** Tests put together from lines of the catalogue are explored or refused: nothing that a text says crashes or hangs. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { InputError } from '../../../src/base/errors.ts';
import { Random } from '../../../src/base/random.ts';
import { LitmusSearch } from '../../../src/scenario/litmus/litmus-search.ts';

const FOLDER = new URL('../../../fixtures/litmus/', import.meta.url);
const SEED = 7;
const TESTS = 600;

/** A test of the catalogue with lines dropped, repeated, exchanged, or taken from another test. */
function mixed(random: Random, texts: readonly string[]): string {
  const lines = random.pick(texts).split('\n');
  const others = random.pick(texts).split('\n');
  for (let edits = random.below(3); edits >= 0; edits--) {
    const at = random.below(lines.length);
    const from = random.below(lines.length);
    const line = lines[at] ?? '';
    switch (random.below(4)) {
      case 0:
        lines.splice(at, 1);
        break;
      case 1:
        lines.splice(at, 0, lines[from] ?? '');
        break;
      case 2:
        lines[at] = lines[from] ?? '';
        lines[from] = line;
        break;
      default:
        lines[at] = random.pick(others);
    }
  }
  return lines.join('\n');
}

it(`explores or refuses ${TESTS} of them, seed ${SEED}`, () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.litmus'));
  const texts = names.map((name) => readFileSync(new URL(name, FOLDER), 'utf8'));
  const random = new Random(SEED);
  let explored = 0;
  for (let number = 0; number < TESTS; number++) {
    const text = mixed(random, texts);
    try {
      new LitmusSearch({ text, file: 'mixed', version: 'test' }).explore({ executions: 100 });
      explored++;
    } catch (error) {
      if (!(error instanceof InputError)) throw new Error(text, { cause: error });
    }
  }
  expect(explored).toBeGreaterThan(TESTS / 10);
  expect(explored).toBeLessThan(TESTS);
});
