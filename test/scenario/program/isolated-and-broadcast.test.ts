/** Programs on kernels that isolate page tables, or that flush by INVLPGB: what they print does not change. */
import { describe, expect, it } from 'vitest';
import type { MachineEvent } from '../../../src/event/event.ts';
import { expectedOutput, runGuest } from './guest.ts';

/** Runs a guest, which must print what it always does, and counts events. */
function count(
  guest: string,
  era: string,
  switches: readonly string[],
  wanted: (event: MachineEvent) => boolean,
): number {
  let found = 0;
  const { stdout, report } = runGuest(guest, {
    era,
    switches,
    prepare: ({ system }) =>
      system.stream.observe((event) => {
        if (wanted(event)) found++;
      }),
  });
  expect(stdout).toBe(expectedOutput(guest));
  expect(report.verdict).toBe('clean');
  return found;
}

/** Bits 11 and 12: the user's half. */
const loadsUserHalf = (event: MachineEvent): boolean =>
  event.kind === 'control-write' && event.register === 'CR3' && (event.after & 0x1800n) === 0x1800n;

describe('programs', () => {
  it.each([
    ['shared', 'E4'],
    ['shared', 'E9-fixed'],
  ])('%s on %s with page-table isolation runs on the user half', (guest, era) => {
    expect(count(guest, era, ['pti=on'], loadsUserHalf)).toBeGreaterThan(50);
    expect(count(guest, era, [], loadsUserHalf)).toBe(0);
  });

  it.each(['E10', 'E11'])('mappings on %s with INVLPGB comes to a global ASID', (era) => {
    const broadcast = ({ kind }: MachineEvent): boolean => kind === 'invlpgb';
    expect(count('mappings', era, ['invlpgb=on'], broadcast)).toBeGreaterThan(100);
  });
});
