/**
 * Lazy mode as a protocol, era by era: what becomes of a processor that runs a kernel thread on a borrowed address space
 * while others change it, what its way back costs, and what it may hold meanwhile. Each row is stepped by hand; each that
 * says "never" has a twin that is reported. SDM 3A 4.10.3.1 has what a lazy processor may do on its own: walk.
 */
import { describe, expect, it } from 'vitest';
import { Stepper, type StepperOptions } from '../scenario/stepper.ts';

const WITHOUT_PCID = { switches: { pcid: false } };

/** Processor 1 has used page 0 and 1 and idles; page 0 has been taken away; processor 1 is back. */
interface Story {
  /** IPIs that it was sent for the first change and for a second one. */
  readonly ipis: readonly [first: number, second: number];
  readonly whileLazy: readonly string[];
  readonly back: readonly string[];
}

function tell(options: StepperOptions): Story & { readonly stepper: Stepper } {
  const stepper = new Stepper(options);
  stepper.access(1, 0, 'read');
  stepper.access(1, 1, 'read');
  stepper.goIdle(1);
  stepper.forget();
  const ipisFor = (page: number): number => {
    const before = stepper.count('ipi-accept', 1);
    stepper.complete(0, stepper.munmap(0, page));
    return stepper.count('ipi-accept', 1) - before;
  };
  const first = ipisFor(0);
  const whileLazy = stepper.decisions(1).filter((decision) => !decision.startsWith('full: every switch'));
  const second = ipisFor(1);
  stepper.forget();
  stepper.comeBack(1);
  return { stepper, ipis: [first, second], whileLazy, back: stepper.decisions(1) };
}

describe('a change while lazy', () => {
  const rows: readonly ({ readonly given: string; readonly options: StepperOptions } & Story)[] = [
    {
      given: 'E0b: the first flush makes it leave, the second does not reach it',
      options: { era: 'E0b' },
      ipis: [1, 0],
      whileLazy: ['full: lazy: leaves the mm'],
      back: ['full: every switch flushes'],
    },
    {
      given: 'E0a: the first flush makes it leave, the second does not reach it',
      options: { era: 'E0a' },
      ipis: [1, 0],
      whileLazy: ['full: lazy: leaves the mm'],
      back: ['full: every switch flushes'],
    },
    {
      given: 'E1: the first flush makes it leave, the second does not reach it',
      options: { era: 'E1' },
      ipis: [1, 0],
      whileLazy: ['full: lazy: leaves the mm'],
      back: ['full: every switch flushes'],
    },
    {
      given: 'E2: it is not asked, and catches up on its way back',
      options: { era: 'E2' },
      ipis: [0, 0],
      whileLazy: ['skip: lazy: not in mm_cpumask'],
      back: ['full: no longer lazy, generation 0 of 2'],
    },
    {
      given: 'E3: it is on init_mm already, and compares generations on its way back',
      options: { era: 'E3' },
      ipis: [0, 0],
      whileLazy: ['skip: not in mm_cpumask'],
      back: ['full: slot 1, generation 0 of 2'],
    },
    {
      given: 'E3 without PCIDs: the first flush puts it on init_mm, the second does not reach it',
      options: { era: 'E3', ...WITHOUT_PCID },
      ipis: [1, 0],
      whileLazy: ['full: lazy: leaves the mm', 'full: no PCIDs: every switch flushes'],
      back: ['full: no PCIDs: every switch flushes'],
    },
  ];
  it.each(rows)('$given', ({ options, ipis, whileLazy, back }) => {
    const story = tell(options);
    expect({ ipis: story.ipis, whileLazy: story.whileLazy, back: story.back }).toEqual({ ipis, whileLazy, back });
    expect([story.stepper.access(1, 0, 'read'), story.stepper.access(1, 1, 'read')]).toEqual(['SIGSEGV', 'SIGSEGV']);
    expect(story.stepper.reported()).toEqual([]);
  });

  const wrong: readonly { readonly given: string; readonly options: StepperOptions }[] = [
    { given: 'left alone by a flush that does reach it', options: { era: 'E3-M10', ...WITHOUT_PCID } },
    { given: 'not comparing generations on its way back', options: { era: 'E3-M6' } },
    { given: 'forgotten by all flushes', options: { era: 'E1-no-remote' } },
  ];
  it.each(wrong)('is reported of a processor $given ($options.era)', ({ options }) => {
    const { stepper } = tell(options);
    expect([stepper.access(1, 0, 'read'), stepper.access(1, 1, 'read')]).toEqual([1n, 1n]);
    expect(stepper.reported()).toEqual(['stale-frame on 1', 'stale-frame on 1']);
  });
});

describe('no change while lazy: the way back costs nothing where the era can tell', () => {
  /** Result: what it decided on its way back, and how often its next access had to walk. */
  const returnFrom = (away: 'goIdle' | 'leave', options: StepperOptions): readonly unknown[] => {
    const stepper = new Stepper(options);
    const { mmu } = stepper.system.machine.processor(1);
    stepper.access(1, 0, 'read');
    stepper[away](1);
    stepper.forget();
    stepper.comeBack(1);
    const before = mmu.counters.misses;
    expect(stepper.access(1, 0, 'read')).toBe(1n);
    return [stepper.decisions(1), mmu.counters.misses - before];
  };

  it.each([
    { options: { era: 'E0a' }, back: [] },
    { options: { era: 'E0b' }, back: [] },
    { options: { era: 'E1' }, back: [] },
    { options: { era: 'E2' }, back: ['skip: no longer lazy, generation 0 of 0'] },
    { options: { era: 'E3' }, back: ['skip: slot 1, generation 0 of 0'] },
    { options: { era: 'E3', ...WITHOUT_PCID }, back: [] },
  ])('$options: $back', ({ options, back }) => {
    expect(returnFrom('goIdle', options)).toEqual([back, 0]);
  });

  it('while the way back from another space costs a walk, except by PCID', () => {
    expect(returnFrom('leave', { era: 'E1' })).toEqual([['full: every switch flushes'], 1]);
    expect(returnFrom('leave', { era: 'E3' })).toEqual([['skip: slot 1, generation 0 of 0'], 0]);
  });
});

describe('an IPI in flight to a processor gone lazy', () => {
  const rows: readonly { readonly options: StepperOptions; readonly answer: readonly string[] }[] = [
    { options: { era: 'E0a' }, answer: ['full: lazy: leaves the mm'] },
    { options: { era: 'E0b' }, answer: ['full: lazy: leaves the mm', 'full: every switch flushes'] },
    { options: { era: 'E1' }, answer: ['full: lazy: leaves the mm', 'full: every switch flushes'] },
    { options: { era: 'E2' }, answer: ['skip: lazy: compares generations when it returns'] },
    { options: { era: 'E3' }, answer: ['skip: not running this mm'] },
    {
      options: { era: 'E3', ...WITHOUT_PCID },
      answer: ['full: lazy: leaves the mm', 'full: no PCIDs: every switch flushes'],
    },
  ];
  const meet = (options: StepperOptions): { readonly stepper: Stepper; readonly answer: readonly string[] } => {
    const stepper = new Stepper(options);
    stepper.access(1, 0, 'read');
    stepper.begin(0, stepper.munmap(0, 0));
    expect(stepper.goOn(0)).toBe(false);
    stepper.goIdle(1);
    expect(stepper.goOn(0)).toBe(false);
    stepper.forget();
    stepper.answer(1);
    const answer = stepper.decisions(1);
    expect(stepper.goOn(0)).toBe(true);
    stepper.comeBack(1);
    return { stepper, answer };
  };

  it.each(rows)('$options: $answer', ({ options, answer }) => {
    const met = meet(options);
    expect(met.answer).toEqual(answer);
    expect(met.stepper.access(1, 0, 'read')).toBe('SIGSEGV');
    expect(met.stepper.reported()).toEqual([]);
  });

  it('is reported if it lets the flush pass and compares nothing on its way back', () => {
    const { stepper, answer } = meet({ era: 'E3-M10', ...WITHOUT_PCID });
    expect(answer).toEqual(['skip: lazy']);
    expect(stepper.access(1, 0, 'read')).toBe(1n);
    expect(stepper.reported()).toEqual(['stale-frame on 1']);
  });
});

describe('what a lazy processor may hold', () => {
  /** Processor 1 has walked to page 0 and is lazy when the whole range goes, tables and all. Then it walks again. */
  const walkWhileLazy = (options: StepperOptions): Stepper => {
    const stepper = new Stepper({ pages: 4, ...options });
    stepper.complete(0, stepper.madvise(0, 1, 3));
    stepper.access(1, 0, 'read');
    stepper.goIdle(1);
    stepper.complete(0, stepper.munmap(0, 0, 4));
    stepper.speculate(1, 1);
    return stepper;
  };

  it('E2: stale translations of pages, since its kernel thread does not use them', () => {
    const stepper = new Stepper({ era: 'E2' });
    stepper.access(1, 0, 'read');
    stepper.goIdle(1);
    stepper.complete(0, stepper.munmap(0, 0));
    expect(stepper.report().latent).toMatchObject({ due: 1, dueAndReachable: 1 });
    expect(stepper.reported()).toEqual([]);
  });

  it('never paging-structure caches of freed tables, which it may walk by itself: E2 is reported (b956575bed91)', () => {
    expect(walkWhileLazy({ era: 'E2' }).reported()).toEqual(['freed-table-walked on 1']);
  });

  it.each([
    { era: 'E0a' },
    { era: 'E0b' },
    { era: 'E1' },
    { era: 'E3' },
    { era: 'E3', ...WITHOUT_PCID },
    { era: 'E2', switches: { 'paging-structure-caches': false } },
  ])('nor does it under %j', (options: StepperOptions) => {
    expect(walkWhileLazy(options).reported()).toEqual([]);
  });
});
