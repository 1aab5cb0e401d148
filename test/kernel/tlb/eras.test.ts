import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/errors.ts';
import { ERAS, eraById } from '../../../src/kernel/tlb/eras.ts';

describe('the eras', () => {
  it('are found by id, in any case', () => {
    for (const era of ERAS) {
      expect(eraById(era.id)).toBe(era);
      expect(eraById(era.id.toLowerCase())).toBe(era);
    }
  });

  it('are listed when one is not found', () => {
    expect(() => eraById('E99', { file: 'race.scn', line: 3 })).toThrow(InputError);
    expect(() => eraById('E99', { file: 'race.scn', line: 3 })).toThrow(
      /^race\.scn:3: no era 'E99'; there are E0a, E0a-plain, E0a-B9, E0a-B30, E0a-B32, /,
    );
  });

  it('have ids of their own, and variants of eras that exist', () => {
    expect(new Set(ERAS.map(({ id }) => id.toLowerCase())).size).toBe(ERAS.length);
    for (const { id, variantOf, usesPcid } of ERAS) {
      if (variantOf === undefined) continue;
      expect(id.startsWith(`${variantOf.era}-`)).toBe(true);
      expect(eraById(variantOf.era).usesPcid).toBe(usesPcid);
    }
  });

  it('mark the harmless variants', () => {
    expect(ERAS.filter(({ variantOf }) => variantOf?.harmless).map(({ id }) => id)).toEqual([
      'E0a-plain',
      'E1-M3',
      'E1-M22',
      'E5-M21',
      'E7-wide',
      'E9-fixed',
      'E11-eager',
      'E11-early',
    ]);
  });
});
