import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/base/errors.ts';
import type { MachineEvent } from '../../src/event/event.ts';
import { COUNTERS, Statistics, TABLES } from '../../src/trace/statistics.ts';
import { eventRuns } from './events.ts';

const SEED = 20230606;
const range = { mm: 1, start: 0n, end: 0x1000n } as Extract<MachineEvent, { kind: 'promise' }>['range'];

describe('statistics', () => {
  it('count decisions by action and reason, whatever the numbers in it', () => {
    const statistics = new Statistics(2);
    const decide = (processor: number, action: 'full' | 'partial' | 'skip', why: string): void =>
      statistics.observe({ kind: 'flush-decision', processor, flush: 1, range, action, why });
    decide(0, 'skip', 'generation already 5');
    decide(1, 'skip', 'generation already 12');
    decide(1, 'skip', 'lazy: compares generations when it returns');
    decide(1, 'partial', 'in turn');
    decide(1, 'full', 'lazy: leaves the mm');
    const { of, by } = statistics.total();
    expect(of.lazySkips).toBe(1);
    expect(by.decisions).toEqual(
      new Map([
        ['skip', 3],
        ['partial', 1],
        ['full', 1],
      ]),
    );
    expect(by.reasons.get('skip: generation already #')).toBe(2);
    expect(statistics.processors.map((counts) => counts.by.decisions.get('skip'))).toEqual([1, 2]);
  });

  it('tell coalesced IPIs and speculative walks from the others', () => {
    const statistics = new Statistics(1);
    statistics.observe({ kind: 'ipi-accept', processor: 0, ipi: 0, vector: 0xfd, coalesced: false });
    statistics.observe({ kind: 'ipi-accept', processor: 0, ipi: 1, vector: 0xfd, coalesced: true });
    statistics.observe({ kind: 'exception', processor: 0, exception: { vector: 14, errorCode: 6, address: 0n } });
    const { of, by } = statistics.total();
    expect(of).toMatchObject({ ipisAccepted: 2, ipisCoalesced: 1, exceptions: 1, walks: 0 });
    expect(by.exceptionVectors).toEqual(new Map([['14', 1]]));
  });

  it(`of all processors are the sum, and agree with filters over the events (seed ${SEED})`, () => {
    fc.assert(
      fc.property(eventRuns, (events) => {
        const statistics = new Statistics(4);
        for (const event of events) statistics.observe(event);
        const total = statistics.total();
        for (const counter of COUNTERS) {
          expect(total.of[counter]).toBe(statistics.processors.reduce((sum, { of }) => sum + of[counter], 0));
        }
        const number = (kind: MachineEvent['kind']): number => events.filter((event) => event.kind === kind).length;
        const sum = (table: (typeof TABLES)[number]): number =>
          [...total.by[table].values()].reduce((a, b) => a + b, 0);
        expect(total.of.walks).toBe(number('walk-begin'));
        expect(total.of.ipisSent).toBe(number('ipi-send'));
        expect(total.of.interrupts).toBe(number('interrupt-begin'));
        expect(total.of.contextSwitches).toBe(number('switch'));
        expect(TABLES.map(sum)).toEqual(
          (
            ['flush-begin', 'flush-decision', 'flush-decision', 'fill', 'removal', 'invalidation', 'exception'] as const
          ).map(number),
        );
      }),
      { seed: SEED, numRuns: 50 },
    );
  });

  it('refuse an event of a processor that does not exist', () => {
    expect(() => new Statistics(1).observe({ kind: 'lazy', processor: 1, lazy: true })).toThrow(InvariantError);
  });
});
