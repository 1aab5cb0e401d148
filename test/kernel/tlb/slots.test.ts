/** The slots of E3 and after: who gets which, what a switch flushes, and what a processor that comes up finds. */
import { describe, expect, it } from 'vitest';
import { Cr3, Cr4 } from '../../../src/arch/control-registers.ts';
import { eraById } from '../../../src/kernel/tlb/eras.ts';
import { type Operation, Rig, type RigOptions } from './rig.ts';

const user = (mm: number): Operation => ({ kind: 'user', mm });
const kthread: Operation = { kind: 'kthread' };

function rigWith(options: Partial<RigOptions> = {}): Rig {
  return new Rig({ era: eraById('E3'), processors: 2, mms: 8, ...options });
}

/** Does the operations on processor 0. Result: for each MOV to CR3, the PCID and whether it kept what was cached. */
function loads(rig: Rig, operations: readonly Operation[]): readonly string[] {
  rig.driver.invalidations.length = 0;
  for (const operation of operations) rig.perform(0, rig.operation(0, operation));
  return rig.driver.invalidations
    .filter(({ cpu, by }) => cpu === 0 && (by === 'cr3' || by === 'cr3-noflush'))
    .map(({ by, value }) => `${value & Cr3.PCID_MASK}${by === 'cr3' ? '' : ' kept'}`);
}

describe.each(['E3', 'E5', 'E6', 'E7', 'E8', 'E9', 'E9-fixed'])('%s: slots', (id) => {
  const era = eraById(id);

  it('are given out in turn after init_mm, as PCIDs one above, and recycled from the first', () => {
    const rig = rigWith({ era });
    expect(loads(rig, [0, 1, 2, 3, 4, 5, 6].map(user))).toEqual(['2', '3', '4', '5', '6', '1', '2']);
    // mm 0 has lost slot 1 to mm 6, init_mm slot 0 to mm 5; the others are still there.
    expect(loads(rig, [1, 2, 5, 6, 0].map(user))).toEqual(['3 kept', '4 kept', '1 kept', '2 kept', '3']);
    expect(rig.failures).toEqual([]);
  });

  it('are kept until the mm has moved on', () => {
    const rig = rigWith({ era });
    loads(rig, [user(0), user(1)]);
    expect(loads(rig, [user(0), user(1)])).toEqual(['2 kept', '3 kept']);
    rig.perform(1, rig.operation(1, { kind: 'change', mm: 0, page: 0, pages: 1, all: false }));
    expect(loads(rig, [user(0), user(1), user(0)])).toEqual(['2', '3 kept', '2 kept']);
  });

  it('are not there without PCID, nor without global pages', () => {
    for (const features of [{ pcid: false }, { globalPages: false }]) {
      expect(loads(rigWith({ era, features }), [user(0), user(1), user(0)])).toEqual(['0', '0', '0']);
    }
  });
});

describe('slots', () => {
  it('are not there from E8 on where INVLPG keeps global translations', () => {
    const rows = [
      ['E7', '2 kept'],
      ['E8', '0'],
      ['E9-fixed', '0'],
    ] as const;
    for (const [id, back] of rows) {
      const rig = rigWith({ era: eraById(id), features: { invlpgKeepsGlobals: true } });
      expect(loads(rig, [user(0), user(1), user(0)]).at(-1)).toBe(back);
      expect(loads(rigWith({ era: eraById(id) }), [user(0), user(1), user(0)]).at(-1)).toBe('2 kept');
    }
  });

  it('E3-M13 leaves the old translations in a recycled slot', () => {
    const recycle: readonly Operation[] = [user(0), { kind: 'touch', page: 0 }, ...[1, 2, 3, 4, 5, 6].map(user)];
    for (const [id, failures] of [
      ['E3', []],
      ['E3-M13', ['cpu 0 reads page 0 of mm 2 in mm 8']],
    ] as const) {
      const rig = rigWith({ era: eraById(id) });
      loads(rig, [...recycle, { kind: 'touch', page: 0 }]);
      expect(rig.failures).toEqual(failures);
    }
  });
});

describe('a processor that comes up', () => {
  it('sets CR4.PCIDE for itself', () => {
    expect(rigWith().driver.cpu(0).cr4 & Cr4.PCIDE).toBe(Cr4.PCIDE);
    expect(rigWith({ features: { pcid: false } }).driver.cpu(0).cr4 & Cr4.PCIDE).toBe(0n);
  });

  it('keeps no slot from before it went down', () => {
    const rig = rigWith();
    loads(rig, [user(0), user(1), kthread]);
    // Down and up: INIT clears CR4 and CR3, and may leave anything in the TLB.
    const cpu = rig.driver.cpu(0);
    cpu.cr4 = Cr4.PGE;
    cpu.cr3 = BigInt(rig.core.swapper_pg_dir) << 12n;
    cpu.interruptsEnabled = false;
    rig.core.irqentry_enter(0);
    rig.perform(0, rig.boot(0));
    expect(loads(rig, [user(1), user(0), kthread])).toEqual(['2', '3', '1 kept']);
    expect(rig.failures).toEqual([]);
  });

  it.each(['E0a', 'E0b', 'E1', 'E2', 'E3'])('%s: runs init_mm, with nothing recorded but it', (id) => {
    const rig = rigWith({ era: eraById(id) });
    const slots = rig.events.flatMap((event) => (event.kind === 'slot' && event.mm !== 0 ? [event.mm] : []));
    expect(rig.events.filter(({ kind }) => kind === 'switch')).toEqual([
      { kind: 'switch', processor: 0, from: 0, to: 1, flushed: true },
      { kind: 'switch', processor: 1, from: 0, to: 1, flushed: true },
    ]);
    expect(slots).toEqual(id.startsWith('E0') ? [] : [1, 1]);
  });
});
