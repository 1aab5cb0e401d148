/** What the flushes of each era put a processor through, instruction by instruction, and what they tell. */
import { describe, expect, it } from 'vitest';
import type { HardwareFeatures } from '../../../src/kernel/hardware.ts';
import { eraById } from '../../../src/kernel/tlb/eras.ts';
import { pageAddress, Rig } from './rig.ts';

/** From E5 a request's stride counts; from E6 the initiator sends its IPIs first. */
const ERAS_IN_ORDER = ['E0a', 'E0b', 'E1', 'E2', 'E3', 'E4', 'E5', 'E6', 'E7', 'E8', 'E9', 'E9-fixed', 'E10', 'E11'];
const WITHOUT_GENERATIONS = ['E0a', 'E0b'];
const STRIDES = ERAS_IN_ORDER.slice(ERAS_IN_ORDER.indexOf('E5'));
const CONCURRENT = ERAS_IN_ORDER.slice(ERAS_IN_ORDER.indexOf('E6'));

function rigOf(id: string, features: Partial<HardwareFeatures> = {}): Rig {
  const rig = new Rig({ era: eraById(id), processors: 2, features });
  for (const cpu of [0, 1]) rig.perform(cpu, rig.operation(cpu, { kind: 'user', mm: 0 }));
  rig.driver.invalidations.length = 0;
  rig.events.length = 0;
  return rig;
}

/** What each processor executed. */
function executed(rig: Rig): readonly (readonly string[])[] {
  return [0, 1].map((own) => rig.driver.invalidations.filter(({ cpu }) => cpu === own).map(({ by }) => by));
}

function flushPages(rig: Rig, pages: number, stride_shift = 12): void {
  const range = { start: pageAddress(1), end: pageAddress(1 + pages) };
  const request = { ...range, stride_shift, freed_tables: false, reason: 'test' };
  rig.perform(0, rig.tlb.flush_tlb_mm_range(0, rig.mm(0), request));
}

describe.each(ERAS_IN_ORDER)('%s: flush_tlb_mm_range', (id) => {
  const rows = [
    { given: 'one page', pages: 1, stride_shift: 12, each: ['invlpg'] },
    { given: '33 pages', pages: 33, stride_shift: 12, each: Array<string>(33).fill('invlpg') },
    { given: '34 pages', pages: 34, stride_shift: 12, each: ['cr3'] },
    { given: 'a large page', pages: 512, stride_shift: 21, each: STRIDES.includes(id) ? ['invlpg'] : ['cr3'] },
    {
      given: '33 large pages',
      pages: 33 * 512,
      stride_shift: 21,
      each: STRIDES.includes(id) ? Array<string>(33).fill('invlpg') : ['cr3'],
    },
    { given: '34 large pages', pages: 34 * 512, stride_shift: 21, each: ['cr3'] },
  ];
  it.each(rows)('$given', ({ pages, stride_shift, each }) => {
    const rig = rigOf(id);
    flushPages(rig, pages, stride_shift);
    expect(executed(rig)).toEqual([each, each]);
  });

  it('tells of itself from beginning to return, with a decision for every processor', () => {
    const rig = new Rig({ era: eraById(id), processors: 3 });
    for (const cpu of [0, 1]) rig.perform(cpu, rig.operation(cpu, { kind: 'user', mm: 0 }));
    rig.events.length = 0;
    flushPages(rig, 1);
    const told = rig.events.filter(({ kind }) => kind !== 'slot');
    const range = { mm: 2, start: pageAddress(1), end: pageAddress(2) };
    const decision = { kind: 'flush-decision', flush: 1, range };
    const why = WITHOUT_GENERATIONS.includes(id) ? 'every flush is carried out' : 'generation 0 to 1';
    const own = { ...decision, processor: 0, action: 'partial', why };
    const leftOut = { ...decision, processor: 2, action: 'skip', why: 'not in mm_cpumask' };
    expect(told).toEqual([
      {
        kind: 'flush-begin',
        processor: 0,
        flush: 1,
        reason: 'test',
        ranges: [range],
        batch: false,
        freedTables: false,
      },
      ...(WITHOUT_GENERATIONS.includes(id) ? [] : [{ kind: 'generation', processor: 0, mm: 2, generation: 1 }]),
      ...(CONCURRENT.includes(id) ? [leftOut, own] : [own, leftOut]),
      { ...decision, processor: 1, action: 'partial', why },
      { kind: 'flush-return', processor: 0, flush: 1 },
    ]);
  });

  it('of an mm that nobody runs sends nothing', () => {
    const rig = rigOf(id);
    const { start, end } = { start: pageAddress(0), end: pageAddress(1) };
    const request = { start, end, stride_shift: 12, freed_tables: false, reason: 'test' };
    rig.perform(0, rig.tlb.flush_tlb_mm_range(0, rig.mm(1), request));
    expect(executed(rig)).toEqual([[], []]);
    const skips = rig.events.flatMap((event) => (event.kind === 'flush-decision' ? [event.why] : []));
    expect(skips.sort()).toEqual(['not in mm_cpumask', 'not running this mm']);
  });
});

describe('who flushes first', () => {
  /** The processors in the order of their invalidations, each target answering as soon as it can. */
  function order(id: string): readonly number[] {
    const rig = rigOf(id);
    const request = {
      start: pageAddress(1),
      end: pageAddress(2),
      stride_shift: 12,
      freed_tables: false,
      reason: 'test',
    };
    rig.driver.start(0, rig.tlb.flush_tlb_mm_range(0, rig.mm(0), request));
    while (!rig.driver.idle) rig.settleOnce(1);
    return rig.driver.invalidations.map(({ cpu }) => cpu);
  }

  it.each(ERAS_IN_ORDER)('%s', (id) => expect(order(id)).toEqual(CONCURRENT.includes(id) ? [1, 0] : [0, 1]));
});

describe.each(ERAS_IN_ORDER)('%s: batched unmap', (id) => {
  it('flushes all, once, for several mms', () => {
    const rig = rigOf(id);
    rig.perform(1, rig.operation(1, { kind: 'user', mm: 1 }));
    rig.driver.invalidations.length = 0;
    rig.events.length = 0;
    rig.perform(0, rig.operation(0, { kind: 'batch', mms: [0, 1], page: 0 }));
    expect(executed(rig)).toEqual([['cr3'], ['cr3']]);
    expect(rig.events.find(({ kind }) => kind === 'flush-begin')).toMatchObject({
      batch: true,
      ranges: [{ mm: 2 }, { mm: 3 }],
    });
    expect(rig.events.flatMap((event) => (event.kind === 'batch-add' ? [event.mm] : []))).toEqual([2, 3]);
  });
});

describe.each(ERAS_IN_ORDER)('%s: the kernel half', (id) => {
  const KERNEL = 0xffff_8000_0000_0000n;
  const rows: readonly { given: string; features: Partial<HardwareFeatures>; all: readonly string[] }[] = [
    { given: 'INVPCID', features: {}, all: ['invpcid'] },
    { given: 'no INVPCID', features: { invpcid: false }, all: ['cr4', 'cr4'] },
    { given: 'no global pages', features: { globalPages: false }, all: ['cr3'] },
  ];
  it.each(rows)('flush_tlb_all with $given', ({ features, all }) => {
    const rig = rigOf(id, features);
    rig.perform(0, rig.tlb.flush_tlb_all(0, 'test'));
    expect(executed(rig)).toEqual([all, all]);
  });

  it('33 pages by INVLPG, whatever a processor runs; 34 as all', () => {
    const rig = rigOf(id);
    rig.perform(1, rig.operation(1, { kind: 'kthread' }));
    rig.driver.invalidations.length = 0;
    rig.perform(0, rig.tlb.flush_tlb_kernel_range(0, KERNEL, KERNEL + 33n * 4096n, 'test'));
    expect(executed(rig).map((own) => own.length)).toEqual([33, 33]);
    expect(rig.driver.invalidations.map(({ value }) => value)).toContain(KERNEL + 32n * 4096n);
    rig.driver.invalidations.length = 0;
    rig.perform(0, rig.tlb.flush_tlb_kernel_range(0, KERNEL, KERNEL + 34n * 4096n, 'test'));
    expect(executed(rig).map((own) => own[0])).toEqual(['invpcid', 'invpcid']);
  });
});
