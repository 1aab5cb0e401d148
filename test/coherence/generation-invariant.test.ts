/** The kernel's own invariant: no slot holds a user translation older than the generation recorded for it. */
import { describe, expect, it } from 'vitest';
import { frameNumber, pageNumber } from '../../src/arch/address.ts';
import { makeEntry } from '../../src/arch/paging-entry.ts';
import { FRAME, History, PAGE, range, USER_RO, USER_RW } from './history.ts';

/** Processor 1 caches PAGE at generation 5; processor 0 clears the entry, advances to 6 and flushes `over`. */
function advanced({ over = range(PAGE), after = 0n, flags = USER_RW } = {}): History {
  const history = History.ordinary(flags);
  history.interrupts(1, true);
  history.slot(1, 5);
  history.fill(1);
  history.begin(0, 1, 'munmap');
  history.writePte(0, after);
  const flush = history.flushBegin(0, [over]);
  history.generation(0, 6);
  history.flushReturn(0, flush);
  return history;
}

function breaches(history: History): (number | null)[] {
  return history.detector
    .report()
    .findings.map((finding) => (finding.kind === 'generation-invariant' ? finding.changeGeneration : -1));
}

describe('generation invariant', () => {
  it('is kept by a slot that is behind: the next switch flushes', () => {
    expect(breaches(advanced())).toEqual([]);
  });

  it('is broken by a slot that claims the generation and keeps the translation', () => {
    const history = advanced();
    history.slot(1, 6);
    expect(breaches(history)).toEqual([6]);
    expect(history.detector.report().clean).toBe(false);
  });

  it('is kept by a slot that records less than it flushed', () => {
    const history = advanced();
    history.slot(1, 5);
    history.slot(1, 4);
    expect(breaches(history)).toEqual([]);
  });

  it('is not judged while interrupts are off, and is when they are on again', () => {
    const history = advanced();
    history.interrupts(1, false);
    history.slot(1, 6);
    expect(breaches(history)).toEqual([]);
    history.interrupts(1, true);
    expect(breaches(history)).toEqual([6]);
  });

  it('is not judged inside an interrupt handler', () => {
    const history = advanced();
    history.tell({ kind: 'interrupt-begin', processor: 1, vector: 0xfb });
    history.slot(1, 6);
    expect(breaches(history)).toEqual([]);
    history.tell({ kind: 'interrupt-end', processor: 1, vector: 0xfb });
    expect(breaches(history)).toEqual([6]);
  });

  it('is kept when the entry leaves before interrupts are on again', () => {
    const history = History.ordinary();
    history.interrupts(1, true);
    const cached = history.fill(1);
    history.writePte(0, 0n);
    const flush = history.flushBegin(0);
    history.generation(0, 6);
    history.interrupts(1, false);
    history.slot(1, 6);
    history.remove(cached);
    history.interrupts(1, true);
    history.flushReturn(0, flush);
    expect(breaches(history)).toEqual([]);
  });

  it('says nothing of an empty slot, nor of one that is not known', () => {
    const history = advanced();
    history.slot(1, 0, { mm: 0 });
    history.slot(0, 6);
    expect(breaches(history)).toEqual([]);
  });

  it('says nothing of an upgrade', () => {
    const history = advanced({ flags: USER_RO, after: makeEntry(FRAME, USER_RW) });
    history.slot(1, 6);
    expect(breaches(history)).toEqual([]);
  });

  it("does not give a change the generation of a flush for other pages, even its own processor's", () => {
    const history = advanced({ over: range(pageNumber(PAGE + 4)) });
    history.slot(1, 6);
    expect(breaches(history)).toEqual([]);
  });

  it("does not give a change another processor's generation", () => {
    const history = History.ordinary();
    history.interrupts(1, true);
    history.fill(1);
    history.writePte(0, 0n);
    history.generation(1, 6);
    history.slot(1, 6);
    expect(breaches(history)).toEqual([]);
    history.generation(0, 7);
    history.slot(1, 7);
    expect(breaches(history)).toEqual([7]);
  });

  it("does not give a change another operation's generation", () => {
    const history = History.ordinary();
    history.interrupts(1, true);
    history.fill(1);
    history.begin(0, 1, 'munmap');
    history.writePte(0, 0n);
    history.begin(0, 2, 'page fault');
    history.generation(0, 6);
    history.end(0, 2);
    history.slot(1, 6);
    expect(breaches(history)).toEqual([]);
    history.generation(0, 7);
    history.slot(1, 7);
    expect(breaches(history)).toEqual([7]);
  });

  it('is broken by a slot that claimed a generation before there was one', () => {
    const history = History.ordinary();
    history.interrupts(1, true);
    history.slot(1, 6);
    history.fill(1);
    history.writePte(0, 0n);
    expect(breaches(history)).toEqual([]);
    history.generation(0, 6);
    expect(breaches(history)).toEqual([6]);
  });

  it('is broken by a slot of another mm, once its structures are behind the PCID', () => {
    const history = History.ordinary();
    history.interrupts(1, false);
    history.slot(1, 5);
    history.fill(1);
    history.slot(1, 1, { mm: 3 });
    history.load(1, { pcid: 1, root: frameNumber(0x20) });
    history.interrupts(1, true);
    expect(breaches(history)).toEqual([null]);
  });

  it('is told once for a change, with a count', () => {
    const history = advanced();
    history.slot(1, 6);
    history.slot(1, 7);
    expect(history.detector.report().findings).toMatchObject([{ kind: 'generation-invariant', count: 2 }]);
  });
});

describe('assertions', () => {
  it('are told once for a processor, with a count and the first detail', () => {
    const history = new History();
    for (const detail of ['loaded_mm 3', 'loaded_mm 4']) {
      history.tell({ kind: 'assertion', processor: 1, id: 'W2', detail });
    }
    expect(history.detector.report().findings).toMatchObject([{ id: 'W2', detail: 'loaded_mm 3', count: 2 }]);
    expect(history.detector.report().clean).toBe(false);
  });
});
