/** The variants beside the eras, each searched for in one scenario: found, or, if it does no harm, covered and clean. */
import { describe, expect, it } from 'vitest';
import { eraById } from '../../src/kernel/tlb/eras.ts';
import { hunt } from '../../tools/mutants/hunt.ts';
import { NAMED } from '../../tools/mutants/named.ts';

const MOST = 20_000;

describe('named mutants', () => {
  it.each(NAMED)('$era in $occasion.name', { timeout: 120_000 }, ({ era, occasion, switches, harmless, memory }) => {
    const { found, covered } = hunt({ era: eraById(era), switches, memory }, occasion, MOST);
    expect(covered).toBe(true);
    if (harmless) expect(found).toBeNull();
    else expect(found).not.toBeNull();
  });

  it('that do no harm say so', () => {
    for (const { era, harmless } of NAMED) expect(eraById(era).variantOf?.harmless).toBe(harmless);
  });
});
