/** Lazy mode, era by era: who is flushed while lazy, and what the way back costs. */
import { describe, expect, it } from 'vitest';
import { eraById } from '../../../src/kernel/tlb/eras.ts';
import { type Operation, Rig, type RigOptions } from './rig.ts';

const user = (mm: number): Operation => ({ kind: 'user', mm });
const touch: Operation = { kind: 'touch', page: 0 };
const kthread: Operation = { kind: 'kthread' };
const change: Operation = { kind: 'change', mm: 0, page: 0, pages: 1, all: false };

interface Row {
  readonly id: string;
  readonly given: string;
  readonly options?: Partial<RigOptions>;
  /** What processor 1, lazy on mm 0, does about a change made by processor 0 ... */
  readonly decided: readonly string[];
  /** ... and how it comes back to mm 0: the instructions. */
  readonly back: readonly string[];
  /** How it comes back when nothing has changed. */
  readonly backUnchanged: readonly string[];
}

const ROWS: readonly Row[] = [
  { id: 'E0a', given: 'still flushed', decided: ['full, lazy: leaves the mm'], back: ['cr3'], backUnchanged: [] },
  { id: 'E0b', given: 'still flushed', decided: ['full, lazy: leaves the mm'], back: ['cr3'], backUnchanged: [] },
  { id: 'E1', given: 'still flushed', decided: ['full, lazy: leaves the mm'], back: ['cr3'], backUnchanged: [] },
  {
    id: 'E2',
    given: 'not flushed, compares generations',
    decided: ['skip, lazy: not in mm_cpumask'],
    back: ['cr3'],
    backUnchanged: [],
  },
  {
    id: 'E3',
    given: 'on init_mm at once, by PCID',
    decided: ['skip, not in mm_cpumask'],
    back: ['cr3'],
    backUnchanged: ['cr3-noflush'],
  },
  {
    id: 'E3',
    given: 'without PCID, still flushed',
    options: { features: { pcid: false } },
    decided: ['full, lazy: leaves the mm'],
    back: ['cr3'],
    backUnchanged: [],
  },
  {
    id: 'E4',
    given: 'on init_mm at once, by PCID',
    decided: ['skip, not in mm_cpumask'],
    back: ['cr3'],
    backUnchanged: ['cr3-noflush'],
  },
  {
    id: 'E4',
    given: 'without PCID, still flushed',
    options: { features: { pcid: false } },
    decided: ['full, lazy: leaves the mm'],
    back: ['cr3'],
    backUnchanged: [],
  },
  {
    id: 'E5',
    given: 'left alone, compares generations',
    decided: ['skip, lazy: no tables freed'],
    back: ['cr3'],
    backUnchanged: [],
  },
  ...['E6', 'E7', 'E8'].map((id) => ({
    id,
    given: 'left alone, compares generations',
    decided: ['skip, lazy: no tables freed'],
    back: ['cr3'],
    backUnchanged: [],
  })),
  ...['E9', 'E9-fixed', 'E10', 'E11'].map((id) => ({
    id,
    given: 'left alone, compares generations',
    decided: ['skip, lazy: no tables freed, nor running this mm'],
    back: ['cr3'],
    backUnchanged: [],
  })),
];

function lazyRig({ id, options = {} }: Row): Rig {
  const rig = new Rig({ era: eraById(id), processors: 2, ...options });
  for (const operation of [user(0), touch, kthread]) rig.perform(1, rig.operation(1, operation));
  return rig;
}

function comeBack(rig: Rig): readonly string[] {
  rig.driver.invalidations.length = 0;
  for (const operation of [user(0), touch]) rig.perform(1, rig.operation(1, operation));
  expect(rig.failures).toEqual([]);
  return rig.driver.invalidations.map(({ by }) => by);
}

describe.each(ROWS)('$id: $given', (row) => {
  it('while lazy', () => {
    const rig = lazyRig(row);
    rig.events.length = 0;
    rig.perform(0, rig.operation(0, change));
    const decided = rig.events.flatMap((event) =>
      event.kind === 'flush-decision' && event.processor === 1 && event.flush !== null
        ? [`${event.action}, ${event.why}`]
        : [],
    );
    expect(decided).toEqual(row.decided);
    expect(comeBack(rig)).toEqual(row.back);
  });

  it('when nothing has changed', () => {
    expect(comeBack(lazyRig(row))).toEqual(row.backUnchanged);
  });
});

describe('an IPI in flight to a processor gone lazy', () => {
  it.each(['E0a', 'E1', 'E2', 'E3', 'E4', 'E5', 'E6', 'E7', 'E8', 'E9', 'E9-fixed', 'E10', 'E11'])(
    '%s: is answered, and harms nobody',
    (id) => {
      const rig = new Rig({ era: eraById(id), processors: 2 });
      for (const operation of [user(0), touch]) rig.perform(1, rig.operation(1, operation));
      rig.program(0, [change]);
      while (rig.driver.runnable(0)) rig.driver.take({ kind: 'run', cpu: 0 });
      expect(rig.driver.inFlight).toHaveLength(1);
      const inFlight = rig.driver.inFlight;
      rig.driver.inFlight = [];
      rig.perform(1, rig.operation(1, kthread));
      rig.driver.inFlight = inFlight;
      while (!rig.driver.idle) rig.settleOnce(0);
      expect(rig.events.at(-1)).toMatchObject({ kind: 'flush-return', processor: 0 });
      comeBack(rig);
    },
  );
});
