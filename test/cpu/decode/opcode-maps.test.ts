/** The opcode maps as a table: that they can be read, that no two rows mean the same bytes, and what is said of them. */
import { CpuidFeature } from 'iced-x86';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../../src/base/errors.ts';
import { allFeatures, features } from '../../../src/cpu/decode/feature.ts';
import { parseRow } from '../../../src/cpu/decode/form.ts';
import { forms } from '../../../src/cpu/decode/forms.ts';
import { NotationReader } from '../../../src/cpu/decode/notation.ts';
import { buildOpcodeTable } from '../../../src/cpu/decode/opcode-table.ts';
import type { Row } from '../../../src/cpu/decode/row.ts';
import { statedDifferences } from '../../../tools/decode/stated-differences.ts';

const notations = new NotationReader();
const read = (row: Row, index = 1) =>
  parseRow(row, { index, space: 1, spaceName: '0F', features: ['X86'], vectorLengths: 3 }, notations);

describe('the opcode maps', () => {
  it('number their forms in order, from the undefined one', () => {
    expect(forms.length).toBeGreaterThan(1400);
    expect(forms.map(({ index }) => index)).toEqual(forms.map((_, at) => at));
    expect(forms[0]?.operation).toBe('#UD');
  });

  it('use every feature', () => {
    expect(new Set(forms.flatMap((form) => [...form.features]))).toEqual(new Set(features));
  });

  it('have at most four operands a row', () => {
    expect(Math.max(...forms.map(({ operands }) => operands.length))).toBe(4);
  });

  it('make LOCK possible only where the first operand may be memory', () => {
    const lockable = forms.filter((form) => form.lockable);
    expect(lockable.every(({ operands }) => operands[0]?.memoryAllowed)).toBe(true);
    expect([...new Set(lockable.map(({ operation }) => operation))].sort()).toEqual(
      // SDM 2A LOCK lists them.
      [
        ...['ADC', 'ADD', 'AND', 'BTC', 'BTR', 'BTS', 'CMPXCHG', 'CMPXCHG16B', 'CMPXCHG8B', 'DEC', 'INC', 'NEG', 'NOT'],
        ...['OR', 'SBB', 'SUB', 'XADD', 'XCHG', 'XOR'],
      ].sort(),
    );
  });

  it('state differences of iced features that exist and are not ours', () => {
    for (const name of statedDifferences) expect(Object.keys(CpuidFeature)).toContain(name);
    expect(features.filter((feature) => statedDifferences.has(feature))).toEqual([]);
  });
});

describe('reading a map', () => {
  it.each<{ given: Row; expect: string }>([
    { given: ['ZZ', 'NOP', ''], expect: "cannot read '0F ZZ'" },
    { given: ['10 /9', 'NOP', ''], expect: "what is '/9'?" },
    { given: ['10', 'NOP', 'Kv'], expect: 'operand Kv: no such notation' },
    { given: ['10', 'NOP', 'Ekk'], expect: "operand Ekk: no size 'kk'" },
  ])('refuses $given', ({ given, expect: message }) => {
    expect(() => read(given)).toThrow(InvariantError);
    expect(() => read(given)).toThrow(message);
  });

  it('refuses two rows that mean the same bytes, and takes the narrower of two that overlap', () => {
    const build = (first: Row, second: Row) => buildOpcodeTable([read(first, 1), read(second, 2)], allFeatures, 'long');
    expect(() => build(['10', 'NOP', 'Ev'], ['10', 'BSF', 'Ev'])).toThrow('mean the same bytes');
    const { roots, nodes } = build(['10', 'NOP', 'Ev'], ['F3 10', 'BSF', 'Ev']);
    const node = -(roots[0x110] ?? 0);
    expect([...nodes.subarray(node + 1, node + 5)]).toEqual([1, 1, 2, 1]);
  });
});
