import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.ts';
import { decodeSchedule, encodeSchedule } from '../../src/explore/schedule-token.ts';

const WORKLOAD = 'two threads\nof text';

describe('a schedule as a token', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 1000 }))), (schedule) => {
        const token = encodeSchedule(schedule, WORKLOAD);
        expect(token).toMatch(/^s1\.[\w-]{6}\.[\w-]{4,}$/);
        expect(decodeSchedule(token, WORKLOAD)).toEqual(schedule);
      }),
      { seed: 4, numRuns: 500 },
    );
  });

  it('is short: 60 steps in 12 stretches take 16 characters more than the frame', () => {
    const schedule = Array.from({ length: 60 }, (_, step) => Math.floor(step / 5) % 3);
    expect(encodeSchedule(schedule, WORKLOAD)).toHaveLength('s1.wwwwww.ccc'.length + 16);
    expect(encodeSchedule([], WORKLOAD)).toHaveLength('s1.wwwwww.ccc'.length + 1);
  });

  it('is the same text every time', () => {
    expect(encodeSchedule([0, 0, 1, 2, 2, 2, 0], WORKLOAD)).toBe(encodeSchedule([0, 0, 1, 2, 2, 2, 0], WORKLOAD));
    expect(encodeSchedule([0, 0, 1, 2, 2, 2, 0], WORKLOAD)).toMatchInlineSnapshot(`"s1.KrNucf.LSt4t1z"`);
  });
});

describe('a token that is refused', () => {
  const token = encodeSchedule([0, 1, 1, 2, 0, 0, 0, 1], WORKLOAD);

  const rows = [
    { given: 'no token', token: 'hello', expect: /no schedule; one looks like/ },
    { given: 'an empty text', token: '', expect: /no schedule/ },
    { given: 'another version', token: token.replace('s1.', 's2.'), expect: /version 2, this program reads version 1/ },
    { given: 'its last character lost', token: token.slice(0, -1), expect: /damaged/ },
    { given: 'two characters swapped', token: token.replace(/(.)(.)$/, '$2$1'), expect: /damaged/ },
    { given: 'another workload', token: encodeSchedule([0], 'other'), expect: /another workload \([\w-]{6}\)/ },
  ];
  for (const { given, token: text, expect: message } of rows) {
    it(given, () => {
      expect(() => decodeSchedule(text, WORKLOAD)).toThrow(InputError);
      expect(() => decodeSchedule(text, WORKLOAD)).toThrow(message);
    });
  }

  it('any single character changed', () => {
    for (let at = 0; at < token.length; at++) {
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
      if (changed !== token) expect(() => decodeSchedule(changed, WORKLOAD), changed).toThrow(InputError);
    }
  });
});
