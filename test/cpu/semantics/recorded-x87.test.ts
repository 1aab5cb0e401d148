/**
 * x87 instances recorded on a processor, replayed in the golden engine: every form, pending exceptions and page faults included. Made
 * by `npx tsx tools/native/differential.ts --count 725 --seed 13 --group x87 --record test/cpu/semantics/recorded-x87.gz`.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Decoder } from '../../../src/cpu/decode/decoder.ts';
import { Instruction } from '../../../src/cpu/instruction.ts';
import { definedOutcome, difference } from '../../../tools/native/compare.ts';
import { comparedForms } from '../../../tools/native/compared-forms.ts';
import { FpuImage } from '../../../tools/native/fpu-image.ts';
import { GoldenRunner } from '../../../tools/native/golden-outcome.ts';
import { unpackVectors } from '../../../tools/native/vectors.ts';

const vectors = unpackVectors(readFileSync(new URL('recorded-x87.gz', import.meta.url)));

describe('recorded x87 instances', () => {
  it('cover every form, #MF and page faults', () => {
    const decoder = new Decoder();
    const i = new Instruction();
    const seen = new Set<number>();
    for (const { code } of vectors.map(({ instance }) => instance)) {
      expect(decoder.decode(i, 64, code, 0, code.length)).toBe('valid');
      seen.add(i.form.index);
    }
    expect(comparedForms('x87').filter(({ index }) => !seen.has(index))).toEqual([]);
    const raised = new Set(vectors.map(({ outcome }) => outcome.vector));
    for (const vector of [undefined, 14, 16]) expect(raised).toContain(vector);
  });

  it('have the outcomes that the processor gave', () => {
    const golden = new GoldenRunner();
    const differing = vectors.flatMap(({ instance, outcome }) => {
      const ours = golden.run(instance);
      const { instruction } = golden;
      const found = difference(outcome, ours, definedOutcome(instruction, instance));
      return found === undefined ? [] : [`${instruction.form.operation} ${instruction.form.opcode}: ${found}`];
    });
    expect(differing).toEqual([]);
  });

  it.each([
    ['control word', FpuImage.controlWord, /^x87 control word/],
    ['status word', FpuImage.statusWord, /^x87 status word/],
    ['tag', FpuImage.tags, /^x87 tags/],
    ['stack register', FpuImage.x87 + 32, /^ST\(2\)/],
  ])('would show a wrong %s', (_, at, message) => {
    const [vector] = vectors.filter(({ outcome }) => outcome.vector === undefined);
    if (vector === undefined) throw new Error('no instance without a fault');
    const golden = new GoldenRunner();
    const ours = golden.run(vector.instance);
    const defined = { ...definedOutcome(golden.instruction, vector.instance), x87Status: 0xffff };
    const fpu = ours.fpu.with(at, (ours.fpu[at] ?? 0) ^ 1);
    expect(difference(ours, { ...ours, fpu }, defined)).toMatch(message);
  });
});
