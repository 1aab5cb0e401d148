/** Every delivery mode, shorthand, level and trigger of the ICR, against SDM 3A table 11-3 typed in by itself. */
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../src/base/errors.ts';
import { interruptCommand } from '../../src/apic/interrupt-command.ts';

type Verdict = 'send' | 'send illegal vector' | 'redirectible' | 'nothing' | 'unsupported';

const SHORTHANDS = ['none', 'self', 'all including self', 'all excluding self'] as const;
const MODES = ['fixed', 'lowest', 'SMI', 'reserved', 'NMI', 'INIT', 'SIPI', 'reserved'] as const;

function oracle(
  mode: (typeof MODES)[number],
  shorthand: (typeof SHORTHANDS)[number],
  deassert: boolean,
  vector: number,
): Verdict {
  if (mode === 'reserved' || mode === 'SMI') return 'unsupported';
  if (mode === 'lowest') return 'redirectible';
  if (mode === 'fixed') return vector > 15 ? 'send' : 'send illegal vector';
  if (mode === 'INIT' && deassert) return 'nothing';
  return shorthand === 'none' || shorthand === 'all excluding self' ? 'send' : 'unsupported';
}

function verdict(low: number): Verdict {
  try {
    const command = interruptCommand(low, 7);
    if (command.kind !== 'error') return command.kind;
    return command.error === 0x20 ? 'send illegal vector' : command.error === 0x10 ? 'redirectible' : 'unsupported';
  } catch (error) {
    if (error instanceof UnsupportedError) return 'unsupported';
    throw error;
  }
}

describe('the interrupt command register', () => {
  it('agrees with table 11-3 on all combinations', () => {
    let cases = 0;
    MODES.forEach((mode, modeBits) => {
      SHORTHANDS.forEach((shorthand, shorthandBits) => {
        for (const logical of [0, 1]) {
          for (const level of [0, 1]) {
            for (const trigger of [0, 1]) {
              for (const vector of [0, 15, 16, 255]) {
                const low =
                  vector | (modeBits << 8) | (logical << 11) | (level << 14) | (trigger << 15) | (shorthandBits << 18);
                const expected = oracle(mode, shorthand, level === 0 && trigger === 1, vector);
                expect(verdict(low), `${mode} ${shorthand} ${low.toString(16)}`).toBe(expected);
                cases++;
              }
            }
          }
        }
      });
    });
    expect(cases).toBe(8 * 4 * 2 * 2 * 2 * 4);
  });

  const rows = [
    { given: 0x40fd, expect: { delivery: 'fixed', vector: 0xfd, destination: { kind: 'physical', id: 7 } } },
    { given: 0x48fd, expect: { delivery: 'fixed', vector: 0xfd, destination: { kind: 'logical', id: 7 } } },
    { given: 0x0004_40fd, expect: { delivery: 'fixed', vector: 0xfd, destination: { kind: 'self' } } },
    { given: 0x0008_40fd, expect: { delivery: 'fixed', vector: 0xfd, destination: { kind: 'all including self' } } },
    { given: 0x000c_4402, expect: { delivery: 'NMI', vector: 2, destination: { kind: 'all excluding self' } } },
    { given: 0xc500, expect: { delivery: 'INIT', vector: 0, destination: { kind: 'physical', id: 7 } } },
    { given: 0x4608, expect: { delivery: 'SIPI', vector: 8, destination: { kind: 'physical', id: 7 } } },
  ];
  it.each(rows)('decodes $given', ({ given, expect: expected }) => {
    expect(interruptCommand(given, 7)).toEqual({ kind: 'send', ...expected });
  });
});
