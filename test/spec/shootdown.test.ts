/**
 * TLB shootdown as a protocol between processors: who flushes what, who waits for whom, and from when on a stale
 * translation may no longer be used. Each row is stepped by hand through one interleaving, and then again with this very
 * thing gone wrong, which shows that the row would have been reported. O1 to O13 and M1 to M22 are the orderings and the
 * mutants of the catalogue of eras; sections are those of SDM 3A.
 */
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../src/kernel/hardware.ts';
import { set_pte } from '../../src/kernel/mm/pgtable.ts';
import { advancesGeneration, INVALIDATES, readsMask, Stepper, type StepperOptions } from '../scenario/stepper.ts';

const NONE = 0;
const READ = 1;
const READ_EXECUTE = 5;

interface Row {
  readonly cite: string;
  readonly given: string;
  readonly options: StepperOptions;
  /** Result: what there was to see on the way. */
  readonly act: (stepper: Stepper) => readonly unknown[];
  readonly expect: readonly unknown[];
  /** The same with something wrong, and what is reported then. */
  readonly wrong: {
    readonly options: Partial<StepperOptions>;
    readonly act?: Row['act'];
    readonly reported: readonly string[];
  };
}

/** Takes an entry away by a plain store, which may wait in the store buffer, and flushes. */
function* clearAndFlush(stepper: Stepper, processor: number): Kernel<void> {
  yield* set_pte(stepper.entry(0), 0n);
  yield* stepper.kernel.flush_mm(processor, stepper.mm, 'by hand');
}

/** A processor comes to the address space just after the flusher, who is elsewhere, has read the mask. */
function switchAfterMask(stepper: Stepper): readonly unknown[] {
  stepper.begin(0, clearAndFlush(stepper, 0));
  stepper.stopAfter(0, readsMask(stepper.mm));
  stepper.comeBack(1);
  const first = stepper.access(1, 0, 'read');
  stepper.settle();
  return [first, stepper.count('ipi-send', 0), stepper.access(1, 0, 'read')];
}

function changeRights(before: number, after: number, access: 'read' | 'fetch'): Row['act'] {
  return (stepper) => {
    stepper.complete(0, stepper.mprotect(0, 0, before));
    const first = stepper.access(1, 0, access === 'fetch' && before === READ ? 'read' : access);
    stepper.complete(0, stepper.mprotect(0, 0, after));
    return [first, stepper.access(1, 0, access)];
  };
}

const ROWS: readonly Row[] = [
  {
    cite: 'the contract',
    given: 'the initiator returns after the last acknowledgement; until then stale use is legal',
    options: { era: 'E1', processors: 3 },
    act: (stepper) => {
      stepper.access(1, 0, 'read');
      stepper.access(2, 0, 'read');
      stepper.begin(0, stepper.munmap(0, 0));
      const asked = stepper.goOn(0);
      stepper.answer(1);
      const halfWay = stepper.goOn(0);
      const inBetween = stepper.access(2, 0, 'read');
      stepper.answer(2);
      return [asked, halfWay, inBetween, stepper.goOn(0), stepper.access(2, 0, 'read')];
    },
    expect: [false, false, 1n, true, 'SIGSEGV'],
    wrong: { options: { era: 'E1-no-wait' }, reported: ['stale-frame on 2'] },
  },
  {
    cite: 'f.new_tlb_gen == local_tlb_gen + 1 (M2)',
    given: 'generations 2 and 3 arrive in reverse: the first to arrive is one too far, and flushes all',
    options: { era: 'E1', processors: 3 },
    act: (stepper) => {
      stepper.complete(0, stepper.madvise(0, 3));
      stepper.access(2, 0, 'read');
      stepper.access(2, 1, 'read');
      stepper.forget();
      stepper.begin(0, stepper.madvise(0, 0));
      stepper.stopAfter(0, advancesGeneration(stepper.mm));
      stepper.begin(1, stepper.madvise(1, 1));
      stepper.goOn(1);
      stepper.answer(2);
      const afterSecond = stepper.decisions(2);
      stepper.settle();
      return [afterSecond, stepper.decisions(2), stepper.access(2, 0, 'read'), stepper.access(2, 1, 'read')];
    },
    expect: [['full: generation 1 to 3'], ['full: generation 1 to 3', 'skip: generation already 3'], 0n, 0n],
    wrong: { options: { era: 'E1-M2' }, reported: ['stale-frame on 2', 'generation-invariant'] },
  },
  {
    cite: 'f.new_tlb_gen == mm_tlb_gen',
    given: 'generations in order, both on their way: one full flush settles both',
    options: { era: 'E1', processors: 3 },
    act: (stepper) => {
      stepper.access(2, 0, 'read');
      stepper.access(2, 1, 'read');
      stepper.begin(0, stepper.madvise(0, 0));
      stepper.goOn(0);
      stepper.begin(1, stepper.madvise(1, 1));
      stepper.stopAfter(1, advancesGeneration(stepper.mm));
      stepper.answer(2);
      stepper.settle();
      return [stepper.decisions(2), stepper.access(2, 0, 'read'), stepper.access(2, 1, 'read')];
    },
    expect: [['full: generation 0 to 2', 'skip: generation already 2'], 0n, 0n],
    wrong: { options: { era: 'E1-no-remote' }, reported: ['stale-frame on 2', 'stale-frame on 2'] },
  },
  {
    cite: 'O6 (M1)',
    given:
      'a change between the flush and the record: mm.tlb_gen was read before the flush, so the change is still owed',
    options: { era: 'E1', processors: 3 },
    act: (stepper) => {
      stepper.access(2, 1, 'read');
      stepper.begin(0, stepper.madvise(0, 0));
      stepper.goOn(0);
      stepper.deliver(2);
      stepper.stopAfter(2, INVALIDATES);
      stepper.begin(1, stepper.madvise(1, 1));
      stepper.stopAfter(1, advancesGeneration(stepper.mm));
      stepper.handle(2);
      stepper.settle();
      return [stepper.decisions(2), stepper.access(2, 1, 'read')];
    },
    expect: [['partial: generation 0 to 1', 'partial: generation 1 to 2'], 0n],
    wrong: { options: { era: 'E1-M1' }, reported: ['stale-frame on 2', 'generation-invariant'] },
  },
  {
    cite: 'smp_call_function_many',
    given: 'two calls to one target: the second finds the queue in use and sends no IPI; one interrupt serves both',
    options: { era: 'E1', processors: 3 },
    act: (stepper) => {
      stepper.access(2, 0, 'read');
      stepper.access(2, 1, 'read');
      stepper.begin(0, stepper.madvise(0, 0));
      stepper.goOn(0);
      stepper.begin(1, stepper.madvise(1, 1));
      stepper.goOn(1);
      const delivered = stepper.deliver(2);
      stepper.handle(2);
      const served = [stepper.count('interrupt-begin', 2), stepper.decisions(2)];
      stepper.settle();
      const later = stepper.count('interrupt-begin', 2);
      return [delivered, ...served, later, stepper.access(2, 0, 'read'), stepper.access(2, 1, 'read')];
    },
    expect: [1, 1, ['full: generation 0 to 2', 'skip: generation already 2'], 1, 0n, 0n],
    wrong: { options: { era: 'E1-no-remote' }, reported: ['stale-frame on 2', 'stale-frame on 2'] },
  },
  {
    cite: 'smp_call_function_many',
    given: 'two processors flush each other: both wait with interrupts enabled, both answer, both return',
    options: { era: 'E1' },
    act: (stepper) => {
      for (const page of [0, 1]) for (const processor of [0, 1]) stepper.access(processor, page, 'read');
      stepper.begin(0, stepper.madvise(0, 0));
      stepper.begin(1, stepper.madvise(1, 1));
      const returned = [stepper.goOn(0), stepper.goOn(1)];
      stepper.settle();
      return [...returned, stepper.access(0, 1, 'read'), stepper.access(1, 0, 'read')];
    },
    expect: [false, false, 0n, 0n],
    // Processor 1 flushes second, finds itself two generations behind, and so flushes all.
    wrong: { options: { era: 'E1-no-remote' }, reported: ['stale-frame on 0'] },
  },
  {
    cite: '6.8.1',
    given: 'a target with interrupts off answers when they are on again, and the initiator waits for that',
    options: { era: 'E1' },
    act: (stepper) => {
      stepper.access(1, 0, 'read');
      stepper.begin(1, stepper.madvise(1, 1));
      stepper.stopBefore(1, INVALIDATES);
      stepper.begin(0, stepper.madvise(0, 0));
      stepper.goOn(0);
      stepper.deliver(1);
      stepper.stopAfter(1, INVALIDATES);
      const withInterruptsOff = [stepper.count('interrupt-begin', 1), stepper.goOn(0)];
      stepper.settle();
      return [...withInterruptsOff, stepper.count('interrupt-begin', 1), stepper.access(1, 0, 'read')];
    },
    expect: [0, false, 1, 0n],
    wrong: { options: { era: 'E1-no-remote' }, reported: ['stale-frame on 1'] },
  },
  {
    cite: 'flush_tlb_mm_range',
    given: 'the initiator does not run the address space: it leaves itself out, and asks those who do',
    options: { era: 'E1', processors: 3, strangers: [2] },
    act: (stepper) => {
      stepper.access(1, 0, 'read');
      stepper.complete(2, stepper.kernel.migrate_pages(2, stepper.mm, stepper.at(0), stepper.at(1)));
      return [stepper.decisions(2), stepper.decisions(1), stepper.access(1, 0, 'read')];
    },
    expect: [['skip: not running this mm'], ['partial: generation 0 to 1'], 1n],
    wrong: { options: { era: 'E1-no-remote' }, reported: ['stale-frame on 1'] },
  },
  {
    cite: 'flush_tlb_func_remote',
    given: 'an IPI reaches a processor that has left the address space: no flush, but one on its way back',
    options: { era: 'E3' },
    act: (stepper) => {
      stepper.access(1, 0, 'read');
      stepper.begin(0, stepper.munmap(0, 0));
      stepper.goOn(0);
      stepper.leave(1);
      stepper.forget();
      stepper.answer(1);
      const returned = stepper.goOn(0);
      stepper.comeBack(1);
      return [returned, stepper.decisions(1), stepper.access(1, 0, 'read')];
    },
    expect: [true, ['skip: not running this mm', 'full: slot 1, generation 0 of 1'], 'SIGSEGV'],
    wrong: { options: { era: 'E3-M6' }, reported: ['stale-frame on 1'] },
  },
  {
    cite: 'O1 (CVE-2016-2069)',
    given:
      'before loaded_mm, too, a switch just after the mask was read sees the change, which a barrier has brought to memory',
    options: { era: 'E0a', strangers: [0, 1] },
    act: switchAfterMask,
    expect: [0n, 0, 0n],
    wrong: { options: { era: 'E0b-B9' }, reported: ['stale-frame on 1'] },
  },
  {
    cite: 'O1 (CVE-2016-2069)',
    given: 'a switch just after the mask was read sees the change, which a barrier has brought to memory',
    options: { era: 'E0b', strangers: [0, 1] },
    act: switchAfterMask,
    expect: [0n, 0, 0n],
    wrong: { options: { era: 'E0b-B9' }, reported: ['stale-frame on 1'] },
  },
  {
    cite: 'O1, 9.2.2',
    given: 'the same without the barrier, on processors without store buffers: nothing waits',
    options: { era: 'E0b-B9', strangers: [0, 1], switches: { 'store-buffers': false } },
    act: switchAfterMask,
    expect: [0n, 0, 0n],
    wrong: { options: { switches: { 'store-buffers': true } }, reported: ['stale-frame on 1'] },
  },
  {
    cite: 'O1 (M8)',
    given: 'the mask is read after the locked increment, so the switch sees the change',
    options: { era: 'E1', strangers: [0, 1] },
    act: switchAfterMask,
    expect: [0n, 0, 0n],
    wrong: { options: { era: 'E1-M8' }, reported: ['stale-frame on 1'] },
  },
  {
    cite: 'O2 (M8)',
    given: 'a switch back to a kept PCID, after the mask was read: it sees the new generation',
    options: { era: 'E3' },
    act: (stepper) => {
      stepper.access(1, 0, 'read');
      stepper.goIdle(1);
      stepper.begin(0, stepper.madvise(0, 0));
      stepper.stopAfter(0, readsMask(stepper.mm));
      stepper.forget();
      stepper.comeBack(1);
      stepper.settle();
      return [stepper.count('ipi-send', 0), stepper.decisions(1), stepper.access(1, 0, 'read')];
    },
    expect: [0, ['full: slot 1, generation 0 of 1'], 0n],
    wrong: { options: { era: 'E3-M8' }, reported: ['stale-frame on 1'] },
  },
  {
    cite: 'O13, 4.10.3.1 (B7)',
    given: 'a freed table that only a paging-structure cache knows of: flushed though no page was mapped',
    options: { era: 'E1', pages: 2 },
    act: (stepper) => {
      stepper.complete(0, stepper.madvise(0, 0, 2));
      const filled = stepper.speculate(1, 0);
      stepper.forget();
      stepper.complete(0, stepper.munmap(0, 0, 2));
      return [filled, stepper.decisions(1), stepper.speculate(1, 0), stepper.access(1, 0, 'read')];
    },
    expect: [false, ['partial: generation 1 to 2'], false, 'SIGSEGV'],
    wrong: { options: { era: 'E1-B7' }, reported: ['freed-table-walked on 1'] },
  },
  {
    cite: '4.10.4.3',
    given: 'more rights, never flushed there: a spurious fault at most',
    options: { era: 'E1-no-remote' },
    act: changeRights(READ, READ_EXECUTE, 'fetch'),
    expect: [1n, 1n],
    wrong: {
      options: {},
      act: changeRights(READ_EXECUTE, READ, 'fetch'),
      reported: ['stale-permission on 1'],
    },
  },
  {
    cite: '4.10.4.2',
    given: 'fewer rights, flushed',
    options: { era: 'E1' },
    act: changeRights(READ, NONE, 'read'),
    expect: [1n, 'SIGSEGV'],
    wrong: { options: { era: 'E1-no-remote' }, reported: ['stale-frame on 1'] },
  },
];

describe.each(ROWS)('$cite: $given', ({ options, act, expect: expected, wrong }) => {
  it('as it should be', () => {
    const stepper = new Stepper(options);
    expect(act(stepper)).toEqual(expected);
    expect(stepper.reported()).toEqual([]);
  });

  it(`reported with ${JSON.stringify(wrong.options)}${wrong.act === undefined ? '' : ' the other way round'}`, () => {
    const stepper = new Stepper({ ...options, ...wrong.options });
    (wrong.act ?? act)(stepper);
    expect(stepper.reported()).toEqual(wrong.reported);
  });
});
