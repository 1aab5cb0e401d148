/** What the matrix says of each decision. */
import { describe, expect, it } from 'vitest';
import { pageNumber } from '../../src/arch/address.ts';
import { makeEntry } from '../../src/arch/paging-entry.ts';
import type { FlushAction } from '../../src/event/event.ts';
import { allOf, FRAME, History, MM, PAGE, PD, range, USER_RO, USER_RW } from './history.ts';

const none = { necessary: 0, wasted: 0, correctlySkipped: 0, deferred: 0, missed: 0 };

/** Processor 1 caches PAGE, processor 0 writes `after`, and something is decided for processor 1. */
function decided(action: FlushAction, { after = 0n, over = range(PAGE), processor = 1 } = {}): History {
  const history = History.ordinary();
  history.fill(1);
  history.writePte(0, after);
  const flush = history.flushBegin(0);
  history.decide(processor, flush, action, 'why', over);
  history.flushReturn(0, flush);
  return history;
}

const elsewhere = range(pageNumber(PAGE + 1));
const rows = [
  { given: 'partial, stale there', history: () => decided('partial'), expect: { necessary: 1 } },
  { given: 'full, stale there', history: () => decided('full'), expect: { necessary: 1 } },
  { given: 'partial, stale elsewhere', history: () => decided('partial', { over: elsewhere }), expect: { wasted: 1 } },
  {
    given: 'full, stale elsewhere in the mm',
    history: () => decided('full', { over: elsewhere }),
    expect: { necessary: 1 },
  },
  { given: 'full, stale in another mm', history: () => decided('full', { over: allOf(3) }), expect: { wasted: 1 } },
  {
    given: 'partial, stale on another processor',
    history: () => decided('partial', { processor: 0 }),
    expect: { wasted: 1 },
  },
  {
    given: 'partial, A cleared',
    history: () => decided('partial', { after: makeEntry(FRAME, USER_RW & ~(1n << 5n)) }),
    expect: { wasted: 1 },
  },
  {
    given: 'partial, write-protected',
    history: () => decided('partial', { after: makeEntry(FRAME, USER_RO) }),
    expect: { necessary: 1 },
  },
  {
    given: 'skip, nothing stale',
    history: () => decided('skip', { over: elsewhere }),
    expect: { correctlySkipped: 1 },
  },
  { given: 'skip, stale there', history: () => decided('skip'), expect: { deferred: 1 } },
  {
    given: 'partial, only a paging-structure-cache entry is stale',
    history: () => {
      const history = History.ordinary();
      history.fillStructure(1, 2);
      history.write(0, history.entry(PD, 2), 0n);
      history.decide(1, null, 'partial', 'why', elsewhere);
      return history;
    },
    expect: { necessary: 1 },
  },
] as const;

describe('flush matrix', () => {
  it.each(rows.map((row) => [row.given, row] as const))('%s', (_, row) => {
    expect(row.history().detector.report().matrix.total).toEqual({ ...none, ...row.expect });
  });

  it('turns a deferred skip into a missed one when what was left is used', () => {
    const history = History.ordinary();
    const cached = history.fill(1);
    history.writePte(0, 0n);
    const flush = history.flushBegin(0);
    history.decide(1, flush, 'skip', 'lazy');
    history.decide(0, flush, 'partial', 'initiator');
    history.flushReturn(0, flush);
    history.use(cached);
    history.use(cached);
    const { matrix, violations } = history.detector.report();
    expect(matrix.byReason).toEqual([
      { why: 'skip: lazy', row: { ...none, missed: 1 }, precision: null },
      { why: 'partial: initiator', row: { ...none, wasted: 1 }, precision: 0 },
    ]);
    expect(violations[0]).toMatchObject({ count: 2, skipped: { why: 'lazy', verdict: 'missed' } });
  });

  it('blames the last decision that left it: a context switch that trusted the generation', () => {
    const history = History.ordinary();
    const cached = history.fill(1);
    history.writePte(0, 0n);
    const flush = history.flushBegin(0);
    history.decide(1, flush, 'skip', 'lazy');
    history.flushReturn(0, flush);
    history.decide(1, null, 'skip', 'generation 5 is current', allOf(MM));
    history.use(cached);
    const { matrix } = history.detector.report();
    expect(matrix.byReason.map(({ why, row }) => [why, row.deferred, row.missed])).toEqual([
      ['skip: lazy', 1, 0],
      ['skip: generation n is current', 0, 1],
    ]);
  });

  it('calls a skip missed that was taken before the store left the store buffer', () => {
    const history = History.ordinary();
    const cached = history.fill(1);
    const issued = history.time;
    const flush = history.flushBegin(0);
    history.decide(1, flush, 'skip', 'not in the mask');
    history.flushReturn(0, flush);
    history.writePte(0, 0n, issued);
    expect(history.detector.report().matrix.total).toEqual({ ...none, correctlySkipped: 1 });
    history.use(cached);
    expect(history.detector.report().matrix.total).toEqual({ ...none, missed: 1 });
  });

  it('has a precision of necessary over all flushes, and none without flushes', () => {
    const history = decided('partial');
    history.decide(0, null, 'full', 'switch', allOf(MM));
    expect(history.detector.report().matrix.precision).toBe(0.5);
    expect(decided('skip').detector.report().matrix.precision).toBeNull();
  });
});
