/** Walks that read paging structures which were freed: through a paging-structure cache, or because they were in flight. */
import { describe, expect, it } from 'vitest';
import { makeEntry } from '../../src/arch/paging-entry.ts';
import { History, PD, PT, TABLE } from './history.ts';

/** Processor 1 has the PDE in its paging-structure cache; processor 0 unlinks the table and does `then`; 1 walks. */
function unlinkedThen(then: (history: History) => void, { speculative = false } = {}): History {
  const history = History.ordinary();
  const shortcut = history.fillStructure(1, 2);
  history.write(0, history.entry(PD, 2), 0n);
  then(history);
  const walk = history.walkBegin(1, { shortcut, speculative });
  history.walkRead(1, walk, { level: 1, address: history.entry(PT, 1) }, { shortcut, speculative });
  history.walkEnd(1, walk);
  return history;
}

describe('a walk from a paging-structure-cache entry whose table was unlinked', () => {
  it('may read it until it is freed', () => {
    expect(unlinkedThen(() => {}).verdict()).toEqual([]);
  });

  it('is a violation at once when it is free', () => {
    expect(unlinkedThen((h) => h.free(PT, 'page-table')).verdict()).toEqual(['freed-table-walked frame-freed']);
  });

  it('is a violation when it holds data', () => {
    const history = unlinkedThen((h) => {
      h.free(PT, 'page-table');
      h.allocate(PT, 'user');
    });
    expect(history.verdict()).toEqual(['freed-table-walked frame-reused']);
  });

  it("is a violation when it is another address space's table", () => {
    const history = unlinkedThen((h) => {
      h.free(PT, 'page-table');
      h.allocate(PT, 'page-table');
    });
    expect(history.verdict()).toEqual(['freed-table-walked frame-reused']);
  });

  it('is none when the same table has come back to the same place', () => {
    const history = unlinkedThen((h) => {
      h.free(PT, 'page-table');
      h.allocate(PT, 'page-table', 2);
      h.write(0, h.entry(PD, 2), makeEntry(PT, TABLE));
    });
    expect(history.verdict()).toEqual([]);
  });

  it('is a violation when the walk is speculative, for it may set A in a foreign page', () => {
    const history = unlinkedThen((h) => h.free(PT, 'page-table'), { speculative: true });
    expect(history.verdict()).toEqual(['freed-table-walked frame-freed']);
    expect(history.detector.report().violations[0]?.use).toMatchObject({
      kind: 'walk-read',
      speculative: true,
      level: 1,
    });
  });
});

describe('a walk in flight', () => {
  /** The walk has read the PDE when the table is unlinked; `between` comes before it reads the PTE. */
  function inFlight(between: (history: History) => void): string[] {
    const history = History.ordinary();
    const walk = history.walkBegin(1);
    history.walkRead(1, walk, { level: 2, address: history.entry(PD, 2) });
    history.write(0, history.entry(PD, 2), 0n);
    between(history);
    history.walkRead(1, walk, { level: 1, address: history.entry(PT, 1) });
    return history.verdict();
  }

  it('may go on into a table that was unlinked', () => {
    expect(inFlight(() => {})).toEqual([]);
  });

  it('may not into one that was freed', () => {
    expect(inFlight((h) => h.free(PT, 'page-table'))).toEqual(['freed-table-walked frame-freed']);
  });

  it('may into a frame that was a data page before it was a table', () => {
    const verdict = inFlight((h) => {
      h.free(PT, 'user');
      h.allocate(PT, 'page-table', 2);
    });
    expect(verdict).toEqual([]);
  });
});
