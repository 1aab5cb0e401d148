/**
 * Instances recorded on a processor, replayed in the golden engine: every form that is compared, faults included. Made by
 * `npx tsx tools/native/differential.ts --count 1440 --seed 7 --group integer --record test/cpu/semantics/recorded.gz`
 * and the same with `--count 746 --group vector` for recorded-vector.gz.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Decoder } from '../../../src/cpu/decode/decoder.ts';
import { Instruction } from '../../../src/cpu/instruction.ts';
import { type Defined, definedOutcome, difference } from '../../../tools/native/compare.ts';
import { comparedForms } from '../../../tools/native/compared-forms.ts';
import { FpuImage } from '../../../tools/native/fpu-image.ts';
import { GoldenRunner } from '../../../tools/native/golden-outcome.ts';
import { unpackVectors, type Vector } from '../../../tools/native/vectors.ts';

const recorded = (file: string): Vector[] => unpackVectors(readFileSync(new URL(file, import.meta.url)));
const integerVectors = recorded('recorded.gz');
const groups = [
  { group: 'integer', vectors: integerVectors, raised: [undefined, 0, 3, 6, 12, 13, 14] },
  { group: 'vector', vectors: recorded('recorded-vector.gz'), raised: [undefined, 13, 14, 19] },
] as const;

describe.each(groups)('recorded instances, $group', ({ group, vectors, raised }) => {
  it('cover every form that is compared, and faults', () => {
    const decoder = new Decoder();
    const i = new Instruction();
    const seen = new Set<number>();
    for (const { code } of vectors.map(({ instance }) => instance)) {
      expect(decoder.decode(i, 64, code, 0, code.length)).toBe('valid');
      seen.add(i.form.index);
    }
    expect(comparedForms(group).filter(({ index }) => !seen.has(index))).toEqual([]);
    const seenRaised = new Set(vectors.map(({ outcome }) => outcome.vector));
    for (const vector of raised) expect(seenRaised).toContain(vector);
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
});

describe('the comparison of outcomes', () => {
  it('shows a wrong register, flag, byte, MXCSR and XMM register', () => {
    const [vector] = integerVectors.filter(({ outcome }) => outcome.vector === undefined);
    if (vector === undefined) throw new Error('no instance without a fault');
    const golden = new GoldenRunner();
    const ours = golden.run(vector.instance);
    const defined: Defined = {
      flags: 1,
      flagsOfFault: 1,
      result: true,
      eitherFault: false,
      x87OfFault: true,
      approximate: false,
      x87Status: 0xffff,
      linear: true,
      x87LastBit: false,
    };
    const registers = ours.registers.map((value) => value ^ 1n);
    const window = ours.window.map((byte) => byte ^ 1);
    const wrongAt = (at: number): Uint8Array => ours.fpu.with(at, (ours.fpu[at] ?? 0) ^ 1);
    expect(difference(ours, { ...ours, registers }, defined)).toMatch(/^register 0/);
    expect(difference(ours, { ...ours, rflags: ours.rflags ^ 1 }, defined)).toMatch(/^flags/);
    expect(difference(ours, { ...ours, window }, defined)).toMatch(/^window\[0\]/);
    expect(difference(ours, { ...ours, fpu: wrongAt(FpuImage.mxcsr) }, defined)).toMatch(/^MXCSR/);
    expect(difference(ours, { ...ours, fpu: wrongAt(FpuImage.xmm + 47) }, defined)).toMatch(/^XMM2/);
    expect(difference(ours, { ...ours, vector: 14 }, defined)).toMatch(/^vector none, ours 14/);
  });
});
