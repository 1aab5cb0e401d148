/**
 * A kernel thread that reclaims from the very mm that it borrows (E0a, up to v4.12): its own flush read CR3 and wrote it back
 * with interrupts on. A flush by IPI in between makes the processor leave the mm; the write brings the mm back, and this
 * processor is no longer in mm_cpumask. Page tables that are freed after that stay in its paging-structure caches.
 */
import { describe, expect, it } from 'vitest';
import { Stepper, type StepperOptions } from '../scenario/stepper.ts';

/** Processor 1 reclaims page 0 as an idle processor that borrows the mm. */
function reclaiming(options: Partial<StepperOptions> & { readonly era: string }): Stepper {
  const stepper = new Stepper({ pages: 4, ...options });
  stepper.goIdle(1);
  stepper.begin(1, stepper.kernel.reclaim(1, stepper.mm, stepper.at(0), stepper.at(1)));
  return stepper;
}

const runsTheMm = ({ system, mm }: Stepper): boolean => system.machine.processor(1).mmu.control.root === mm.pgd;
const isInTheMask = ({ system, mm }: Stepper): boolean =>
  (system.machine.memory.read64(mm.cpumask.address) & 2n) !== 0n;

/** Processor 0 unmaps everything and frees the page tables, while processor 1 may walk as it likes. */
function freeTables(stepper: Stepper): readonly string[] {
  stepper.speculate(1, 3);
  stepper.complete(0, stepper.munmap(0, 0, 4));
  for (const page of [2, 3]) stepper.speculate(1, page);
  return stepper.reported();
}

describe('E0a: an IPI between reading CR3 and writing it back', () => {
  const interrupted = (options: Partial<StepperOptions> = {}): Stepper => {
    const stepper = reclaiming({ era: 'E0a', ...options });
    stepper.stopAfter(1, ({ kind }) => kind === 'mov-from-cr3');
    stepper.begin(0, stepper.munmap(0, 1));
    expect(stepper.goOn(0)).toBe(false);
    stepper.deliver(1);
    while (!stepper.goOn(0)) stepper.system.execution.step(1);
    expect([runsTheMm(stepper), isInTheMask(stepper)]).toEqual([false, false]);
    stepper.settle();
    return stepper;
  };

  it('leaves the processor on the mm and outside its mask: freed page tables are walked', () => {
    const stepper = interrupted();
    expect([runsTheMm(stepper), isInTheMask(stepper)]).toEqual([true, false]);
    expect(freeTables(stepper)).toEqual(['freed-table-walked on 1']);
  });

  it('shows nothing without paging-structure caches', () => {
    expect(freeTables(interrupted({ switches: { 'paging-structure-caches': false } }))).toEqual([]);
  });

  it('and nothing without the IPI', () => {
    const stepper = reclaiming({ era: 'E0a' });
    stepper.settle();
    expect([runsTheMm(stepper), isInTheMask(stepper)]).toEqual([true, true]);
    expect(freeTables(stepper)).toEqual([]);
  });
});

describe('later eras', () => {
  it.each(['E0b', 'E1', 'E2', 'E3', 'E4', 'E5', 'E9', 'E11'])('%s: run the mm only with its bit set', (era) => {
    const stepper = reclaiming({ era });
    stepper.begin(0, stepper.munmap(0, 1));
    stepper.settle();
    expect(runsTheMm(stepper) && !isInTheMask(stepper)).toBe(era === 'E2');
    expect(freeTables(stepper)).toEqual(era === 'E2' ? ['freed-table-walked on 1'] : []);
  });
});
