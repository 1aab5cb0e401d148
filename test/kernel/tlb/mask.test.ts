/** Who is in mm_cpumask, and who is sent a flush: up to E8 whoever runs the mm, in E9 whoever has run it lately. */
import { describe, expect, it } from 'vitest';
import { eraById } from '../../../src/kernel/tlb/eras.ts';
import { type Operation, Rig } from './rig.ts';

const user = (mm: number): Operation => ({ kind: 'user', mm });
const touch: Operation = { kind: 'touch', page: 0 };
const change: Operation = { kind: 'change', mm: 0, page: 0, pages: 1, all: false };

const PRECISE = ['E3', 'E4', 'E5', 'E6', 'E7', 'E8'];
const LAGGING = ['E9', 'E9-fixed', 'E9-B1', 'E9-B3', 'E10', 'E11'];

/** Processor 0 runs mm 0; processor 1 did, and has gone on to mm 1. */
function rigOf(id: string): Rig {
  const rig = new Rig({ era: eraById(id), processors: 2 });
  rig.perform(0, rig.operation(0, user(0)));
  for (const operation of [user(0), touch, user(1)]) rig.perform(1, rig.operation(1, operation));
  return rig;
}

function mask(rig: Rig, mm: number): bigint {
  return rig.driver.peek(rig.mm(mm).cpumask.address);
}

/** What became of the flush on processor 1. */
function decidedBy1(rig: Rig, code: () => void): readonly string[] {
  rig.events.length = 0;
  code();
  expect(rig.failures).toEqual([]);
  return rig.events.flatMap((event) =>
    event.kind === 'flush-decision' && event.processor === 1 ? [`${event.action}, ${event.why}`] : [],
  );
}

function flush(rig: Rig, freed_tables: boolean): void {
  const request = { start: 0n, end: 0x1000n, stride_shift: 12, freed_tables, reason: 'test' };
  rig.perform(0, rig.tlb.flush_tlb_mm_range(0, rig.mm(0), request));
}

describe('a processor that has switched away', () => {
  it.each(PRECISE)('%s: leaves the mask', (id) => {
    const rig = rigOf(id);
    expect(mask(rig, 0)).toBe(0b01n);
    expect(decidedBy1(rig, () => flush(rig, false))).toEqual(['skip, not in mm_cpumask']);
  });

  it.each(LAGGING)('%s: stays in it, and is passed over', (id) => {
    const rig = rigOf(id);
    expect(mask(rig, 0)).toBe(0b11n);
    expect(decidedBy1(rig, () => flush(rig, false))).toEqual(['skip, no tables freed, nor running this mm']);
    expect(mask(rig, 0)).toBe(0b11n);
  });

  it.each(LAGGING)('%s: leaves it when it is sent a flush all the same', (id) => {
    const rig = rigOf(id);
    expect(decidedBy1(rig, () => flush(rig, true))).toEqual(['skip, not running this mm']);
    expect(mask(rig, 0)).toBe(0b01n);
  });

  it.each([...PRECISE, ...LAGGING])('%s: flushes when it comes back, to what has changed', (id) => {
    const rig = rigOf(id);
    rig.perform(0, rig.operation(0, change));
    rig.driver.invalidations.length = 0;
    for (const operation of [user(0), touch]) rig.perform(1, rig.operation(1, operation));
    expect(rig.driver.invalidations.map(({ by }) => by)).toEqual(['cr3']);
    expect(mask(rig, 0)).toBe(0b11n);
    expect(rig.failures).toEqual([]);
  });
});

describe('trimming', () => {
  /** Whether processor 1, which has left, is sent each of so many flushes; it comes and goes before every one. */
  function sent(id: string, flushes: number): readonly number[] {
    const rig = rigOf(id);
    const when: number[] = [];
    for (let generation = 1; generation <= flushes; generation++) {
      for (const operation of [user(0), user(1)]) rig.perform(1, rig.operation(1, operation));
      const [decided] = decidedBy1(rig, () => flush(rig, false));
      if (decided === 'skip, not running this mm') when.push(generation);
    }
    return when;
  }

  it.each(LAGGING)('%s: asks everyone in the mask once in a period', (id) => {
    expect(sent(id, 52)).toEqual([17, 34, 51]);
  });

  it.each(PRECISE)('%s: has nothing to trim', (id) => expect(sent(id, 52)).toEqual([]));
});

describe('page tables that are freed', () => {
  it.each([...PRECISE.slice(PRECISE.indexOf('E5')), ...LAGGING])('%s: make a lazy processor leave its mm', (id) => {
    const rig = new Rig({ era: eraById(id), processors: 2 });
    for (const operation of [user(0), touch, { kind: 'kthread' } as const]) rig.perform(1, rig.operation(1, operation));
    expect(decidedBy1(rig, () => flush(rig, false))).toEqual([expect.stringMatching(/^skip, lazy: no tables freed/)]);
    const [first] = decidedBy1(rig, () => flush(rig, true));
    expect(first).toBe('full, lazy: leaves the mm');
    expect(rig.driver.cpu(1).cr3 >> 12n).toBe(BigInt(rig.core.swapper_pg_dir));
  });
});
