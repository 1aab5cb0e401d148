/**
 * The instances recorded on a processor (test/cpu/semantics) in the fast engine: the same outcomes as the golden engine's,
 * which are held to the processor's there.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FastRunner } from '../../../tools/native/fast-outcome.ts';
import { GoldenRunner } from '../../../tools/native/golden-outcome.ts';
import { unpackVectors } from '../../../tools/native/vectors.ts';

const folder = new URL('../semantics/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.gz'));

describe('recorded instances in the fast engine', () => {
  it.each(files)('have the outcomes of the golden engine: %s', (file) => {
    const vectors = unpackVectors(readFileSync(new URL(file, folder)));
    const golden = new GoldenRunner();
    const fast = new FastRunner();
    for (const { instance } of vectors) {
      const expected = golden.run(instance);
      const { form } = golden.instruction;
      expect({ form: form.opcode, ...fast.run(instance) }).toEqual({ form: form.opcode, ...expected });
    }
    expect(vectors.length).toBeGreaterThan(500);
  });
});
