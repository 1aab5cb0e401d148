/**
 * Global ASIDs and INVLPGB in E10 and E11: how an mm comes to one, who is flushed how meanwhile, which orders it needs, and
 * what happens when the numbers run out.
 */
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { WRITE_ONCE } from '../../../src/kernel/cell.ts';
import type { Core } from '../../../src/kernel/core.ts';
import type { Kernel } from '../../../src/kernel/hardware.ts';
import type { mm_struct } from '../../../src/kernel/mm_struct.ts';
import { E10, TlbE10 } from '../../../src/kernel/tlb/e10.ts';
import { E11, EAGER, GLOBAL_ASIDS, TlbE11 } from '../../../src/kernel/tlb/e11.ts';
import type { Era } from '../../../src/kernel/tlb/era.ts';
import { GlobalAsids } from '../../../src/kernel/tlb/global_asid.ts';
import { runAtRandom } from '../schedule.ts';
import { type Operation, Rig } from './rig.ts';

const user = (mm: number): Operation => ({ kind: 'user', mm });
const touch: Operation = { kind: 'touch', page: 0 };
const kthread: Operation = { kind: 'kthread' };
const changeOf = (mm: number, pages = 1): Operation => ({ kind: 'change', mm, page: 0, pages, all: false });
const change = changeOf(0);
const INVLPGB = { invlpgbCountMax: 2 };
/** Seeds from 0. */
const RUNS = 2000;
const FIRST = GLOBAL_ASIDS.first;

const EAGER_ERAS: readonly Era[] = [
  { ...E10, id: 'E10, eager', tlb: (core) => new TlbE10(core, EAGER) },
  { ...E11, id: 'E11, eager', tlb: (core) => new TlbE11(core, EAGER) },
];

function rigOf(era: Era, processors: number, mms = 2): Rig {
  return new Rig({ era, processors, mms, features: INVLPGB });
}

/** Runs the operations, one processor after the other. */
function run(rig: Rig, programs: readonly (readonly Operation[])[]): void {
  programs.forEach((operations, cpu) => {
    for (const operation of operations) rig.perform(cpu, rig.operation(cpu, operation));
  });
}

function globalAsid(rig: Rig, mm: number): number {
  return Number(rig.driver.peek(rig.mm(mm).global_asid.address));
}

function inTransition(rig: Rig, mm: number): boolean {
  return rig.driver.peek(rig.mm(mm).asid_transition.address) !== 0n;
}

/** What became of the flushes of this operation, and what processors did to their TLBs for it. */
function story(
  rig: Rig,
  operation: Operation,
): { readonly decided: readonly string[]; readonly done: readonly string[] } {
  rig.events.length = 0;
  rig.driver.invalidations.length = 0;
  rig.perform(0, rig.operation(0, operation));
  expect(rig.failures).toEqual([]);
  return {
    decided: rig.events.flatMap((event) =>
      event.kind === 'flush-decision' && event.flush !== null
        ? [`${event.processor}: ${event.action}, ${event.why}`]
        : [],
    ),
    done: rig.driver.invalidations.map(({ cpu, by }) => `${cpu}: ${by}`),
  };
}

describe.each([E10, E11])('$id: an mm is given a global ASID', (era) => {
  const flushes = (processors: number, count: number): Rig => {
    const rig = rigOf(era, processors);
    run(rig, Array<readonly Operation[]>(processors).fill([user(0), touch]));
    for (let flush = 0; flush < count; flush++) rig.perform(0, rig.operation(0, change));
    expect(rig.failures).toEqual([]);
    return rig;
  };

  it('once four processors run it', () => {
    expect(globalAsid(flushes(4, 31), 0)).toBe(0);
    expect(globalAsid(flushes(4, 32), 0)).toBe(6);
    expect(globalAsid(flushes(3, 64), 0)).toBe(0);
  });

  it('not while they borrow it', () => {
    const rig = flushes(4, 31);
    rig.perform(3, rig.operation(3, kthread));
    rig.perform(0, rig.operation(0, change));
    expect(globalAsid(rig, 0)).toBe(0);
  });
});

describe.each(EAGER_ERAS)('$id: on its way to a global ASID', (era) => {
  const onItsWay = (): Rig => {
    const rig = rigOf(era, 2);
    run(rig, [
      [user(0), touch],
      [user(0), touch],
    ]);
    rig.perform(0, rig.operation(0, change));
    expect([globalAsid(rig, 0), inTransition(rig, 0)]).toEqual([FIRST, true]);
    return rig;
  };

  it('an mm is flushed both ways, and whoever runs it is taken over; then by INVLPGB alone', () => {
    const rig = onItsWay();
    const both = story(rig, change);
    expect(both.decided.slice(0, 2)).toEqual(['0: partial, INVLPGB', '1: partial, INVLPGB']);
    expect(both.decided.slice(2).sort()).toEqual([
      '0: skip, global ASID: INVLPGB keeps it up to date',
      '1: skip, global ASID: INVLPGB keeps it up to date',
    ]);
    expect([...both.done].sort()).toEqual(['0: cr3-noflush', '0: invlpgb', '1: cr3-noflush', '1: invlpgb']);
    expect(inTransition(rig, 0)).toBe(true);

    const last = { decided: ['0: partial, INVLPGB', '1: partial, INVLPGB'], done: ['0: invlpgb', '1: invlpgb'] };
    expect(story(rig, change)).toEqual(last);
    expect(inTransition(rig, 0)).toBe(false);
    expect(story(rig, change)).toEqual(last);
  });

  it('a processor takes it over by itself when it comes back to the mm', () => {
    const rig = onItsWay();
    run(rig, [[], [kthread, user(0), touch]]);
    expect(rig.driver.cpu(1).cr3 & 0xfffn).toBe(BigInt(FIRST + 1));
    expect(story(rig, change).done).toContain('0: cr3-noflush');
  });

  it('a range goes out in as few instructions as the count allows, and all of it in one', () => {
    const rig = onItsWay();
    for (let flush = 0; flush < 2; flush++) rig.perform(0, rig.operation(0, change));
    const by0 = (operation: Operation): number =>
      story(rig, operation).done.filter((did) => did === '0: invlpgb').length;
    expect([1, 2, 3].map((pages) => by0(changeOf(0, pages)))).toEqual([1, 1, 2]);
    expect(by0({ ...change, all: true } as Operation)).toBe(1);
  });

  it('never happens where there is no INVLPGB, or no PCID', () => {
    for (const features of [{}, { ...INVLPGB, pcid: false }]) {
      const rig = new Rig({ era, processors: 2, features });
      run(rig, [
        [user(0), touch],
        [user(0), touch],
      ]);
      for (let flush = 0; flush < 4; flush++) expect(story(rig, change).done).not.toContain('1: invlpgb');
      expect(globalAsid(rig, 0)).toBe(0);
    }
  });
});

/** M17 of the catalogue of mutants: a flusher may see the one and not yet the other. */
class PublishedFirst extends GlobalAsids {
  protected override *mm_assign_global_asid(mm: mm_struct, asid: number): Kernel<void> {
    yield* WRITE_ONCE(mm.global_asid, asid);
    yield* WRITE_ONCE(mm.asid_transition, 1);
  }
}

/** M18: nobody waits for what was sent. */
class WithoutTlbsync extends TlbE11 {
  protected override *tlbsync(): Kernel<void> {}
}

describe('the orders of E11 with INVLPGB', () => {
  const eager = (tlb: (core: Core) => TlbE11): Era => ({ ...E11, tlb });
  const RIGHT = eager((core) => new TlbE11(core, EAGER));
  const M17 = eager((core) => new TlbE11(core, EAGER, new PublishedFirst(core, GLOBAL_ASIDS)));
  const M18 = eager((core) => new WithoutTlbsync(core, EAGER));

  /** Three processors run mm 0; two of them change it while it comes to its global ASID. At random. */
  const failures = (era: Era, runs: number): readonly string[] => {
    const found: string[] = [];
    for (let seed = 0; seed < runs; seed++) {
      const rig = new Rig({ era, processors: 3, mms: 1, pages: 1, features: INVLPGB, storeBuffers: true });
      run(rig, Array<readonly Operation[]>(3).fill([user(0), touch]));
      for (const cpu of [0, 1]) rig.program(cpu, [change, touch, change, touch]);
      rig.program(2, [touch, touch, touch, touch, touch, touch]);
      runAtRandom(rig.driver, new Random(seed));
      found.push(...rig.failures);
    }
    return found;
  };

  /** Of the two stores that publish, one has reached memory when processor 1 changes the mm that processor 2 runs. */
  const changedInBetween = (era: Era): readonly string[] => {
    const rig = new Rig({ era, processors: 3, mms: 1, pages: 1, features: INVLPGB, storeBuffers: true });
    run(rig, Array<readonly Operation[]>(3).fill([user(0), touch]));
    const { global_asid, asid_transition } = rig.mm(0);
    const { buffer } = rig.driver.cpu(0);
    const waiting = (): number =>
      buffer.filter(({ address }) => address === global_asid.address || address === asid_transition.address).length;
    rig.program(0, [change]);
    while (waiting() < 2) rig.settleOnce(0);
    while (waiting() === 2) rig.driver.take({ kind: 'drain', cpu: 0 });
    for (const [cpu, operation] of [
      [2, touch],
      [1, change],
      [2, touch],
    ] as const) {
      let over = false;
      rig.driver.start(cpu, rig.operation(cpu, operation), () => {
        over = true;
      });
      while (!over) rig.settleOnce(cpu);
    }
    return rig.failures;
  };

  it('silent as they are', () => {
    expect(failures(RIGHT, RUNS)).toEqual([]);
  });

  it('O9: whoever sees global_asid sees asid_transition; M17 is found in between', () => {
    expect(changedInBetween(RIGHT)).toEqual([]);
    expect(changedInBetween(M17)).toEqual(['cpu 2 reads version 2 of page 0 after 3 was promised']);
  });

  it('M18, without TLBSYNC: found', () => expect(failures(M18, RUNS)).not.toEqual([]));
});

describe('when the numbers run out', () => {
  /** An mm that comes, takes the next global ASID, and goes. */
  const churn = (rig: Rig, asids: GlobalAsids, mm: number): number => {
    rig.perform(0, asids.use_global_asid(0, rig.mm(mm)));
    const asid = globalAsid(rig, mm);
    rig.perform(0, asids.mm_free_global_asid(0, rig.mm(mm)));
    return asid;
  };
  const hold = (rig: Rig, asids: GlobalAsids, mm: number): number => {
    rig.perform(0, asids.use_global_asid(0, rig.mm(mm)));
    return globalAsid(rig, mm);
  };
  const small = (): { rig: Rig; asids: GlobalAsids } => {
    const rig = rigOf(E11, 2, 4);
    return { rig, asids: new GlobalAsids(rig.core, { first: FIRST, limit: FIRST + 4 }) };
  };

  it('everything is flushed everywhere before one is handed out again, and only then', () => {
    const { rig, asids } = small();
    const flushesAt: number[] = [];
    const given = Array.from({ length: 9 }, (_, n) => {
      rig.driver.invalidations.length = 0;
      const asid = churn(rig, asids, 0);
      if (rig.driver.invalidations.length > 0) flushesAt.push(n);
      return asid;
    });
    expect(given).toEqual([6, 7, 8, 9, 6, 7, 8, 9, 6]);
    expect(flushesAt).toEqual([0, 4, 8]);
  });

  it('there is none for one mm too many', () => {
    const { rig, asids } = small();
    expect([0, 1, 2, 3].map((mm) => hold(rig, asids, mm))).toEqual([6, 7, 8, 0]);
  });

  /**
   * As released: whoever holds the last number for longer than one round makes the search end beyond it. Its caller has made
   * sure that some number is available, and the refusal asks whether none is.
   */
  const sharedByTwo = (rig: Rig, asids: GlobalAsids, limit: number): readonly number[] => {
    while (churn(rig, asids, 0) !== limit - 2);
    expect(hold(rig, asids, 1)).toBe(limit - 1);
    while (churn(rig, asids, 0) !== limit - 2);
    const second = hold(rig, asids, 2);
    while (churn(rig, asids, 0) !== limit - 2);
    return [second, hold(rig, asids, 3)];
  };

  it('the number after the last is handed out, twice, if an mm keeps the last one', () => {
    const { rig, asids } = small();
    expect(sharedByTwo(rig, asids, FIRST + 4)).toEqual([FIRST + 4, FIRST + 4]);
  });

  it("so it is with the kernel's own numbers", () => {
    const rig = rigOf(E11, 1, 4);
    const { limit } = GLOBAL_ASIDS;
    expect(sharedByTwo(rig, new GlobalAsids(rig.core, GLOBAL_ASIDS), limit)).toEqual([limit, limit]);
  });

  it('and each of the two mms then uses what the other has cached', () => {
    let asids: GlobalAsids | null = null;
    const tlb = (core: Core): TlbE11 => {
      asids = new GlobalAsids(core, { first: FIRST, limit: FIRST + 4 });
      return new TlbE11(core, EAGER, asids);
    };
    const rig = rigOf({ ...E11, tlb }, 2, 4);
    if (asids === null) throw new Error('the era makes its ASIDs');
    sharedByTwo(rig, asids, FIRST + 4);
    run(rig, [[user(2), touch, user(3), touch]]);
    expect(rig.failures).toEqual(['cpu 0 reads page 0 of mm 4 in mm 5']);
  });
});
