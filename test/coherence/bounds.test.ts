/** Memory is bounded, and what is forgotten is either needed by nobody or owned up to. */
import { describe, expect, it } from 'vitest';
import { frameNumber, pageNumber } from '../../src/arch/address.ts';
import { makeEntry } from '../../src/arch/paging-entry.ts';
import { allOf, FRAME, History, MM, OTHER, PAGE, PD, PT, range, USER_RW } from './history.ts';

const nothingForgotten = {
  forgottenChanges: 0,
  forgottenPromises: 0,
  unexplainedTranslations: 0,
  violationsNotKept: 0,
  findingsNotKept: 0,
};

describe('bounds', () => {
  it('forgets promises that no fill can ask for, and says nothing of it', () => {
    const history = History.ordinary();
    for (let count = 0; count < 10_000; count++) history.flush(0, [allOf(MM)]);
    expect(history.detector.report().limits).toEqual(nothingForgotten);
  });

  it('keeps a promise for as long as a walk in flight may have missed what it was about', () => {
    const history = History.ordinary();
    history.walkBegin(1);
    const sources = history.walk(1);
    history.writePte(0, 0n);
    history.flush(0);
    for (let count = 0; count < 10_000; count++) history.flush(0, [range(pageNumber(PAGE + 1))]);
    history.use(history.fill(1, { sources }));
    expect(history.verdict()).toEqual(['stale-frame used']);
    expect(history.detector.report().limits).toEqual(nothingForgotten);
  });

  it('keeps a change for as long as a stale paging-structure-cache entry hands on what it missed', () => {
    const history = History.ordinary();
    history.fillStructure(1, 2);
    const sources = history.walk(1);
    history.write(0, history.entry(PD, 2), 0n);
    history.flush(0);
    // Other entries change meanwhile, under walks that come and go.
    for (let count = 0; count < 2000; count++) {
      const walk = history.walkBegin(0);
      const address = history.entry(PT, 1, pageNumber(PAGE + 1 + (count % 500)));
      history.write(0, address, makeEntry(OTHER, USER_RW));
      history.write(0, address, 0n);
      history.walkEnd(0, walk);
    }
    history.use(history.fill(1, { sources }));
    expect(history.verdict()).toEqual(['stale-frame used']);
    expect(history.detector.report().limits).toEqual(nothingForgotten);
  });

  it('gives no verdict on a translation that missed more undue changes than it remembers, and owns up to it', () => {
    const overwritten = (times: number, values: number): History => {
      const history = History.ordinary();
      const cached = history.fill(1);
      for (let count = 0; count < times; count++) {
        history.writePte(0, makeEntry(frameNumber(OTHER + (count % values)), USER_RW));
      }
      history.flush(0);
      history.use(cached);
      return history;
    };
    expect(overwritten(1000, 10).verdict()).toEqual(['stale-frame used']);
    expect(overwritten(1000, 10).detector.report().limits).toEqual(nothingForgotten);
    expect(overwritten(100, 100).verdict()).toEqual([]);
    expect(overwritten(100, 100).detector.report().limits.forgottenChanges).toBe(36);
  });

  it('keeps the first 1000 violations and counts the rest', () => {
    const history = History.ordinary();
    for (let count = 0; count < 1005; count++) {
      history.writePte(0, makeEntry(FRAME, USER_RW));
      const cached = history.fill(1);
      history.writePte(0, 0n);
      history.flush(0);
      history.use(cached);
      history.use(cached);
      history.remove(cached);
    }
    const { violations, violationCount, violatingUses, limits } = history.detector.report();
    expect([violations.length, violationCount, violatingUses]).toEqual([1000, 1005, 2010]);
    expect(limits).toEqual({ ...nothingForgotten, violationsNotKept: 5 });
  });

  it('owns up to a translation that differs from memory by no change it was told of', () => {
    const history = History.ordinary();
    history.walkBegin(1);
    const sources = history.walk(1);
    history.writePte(0, makeEntry(OTHER, USER_RW));
    history.writePte(0, makeEntry(FRAME, USER_RW));
    // Behind the detector's back.
    history.memory.set(history.entry(PD, 2), 0n);
    history.use(history.fill(1, { sources }));
    expect(history.verdict()).toEqual([]);
    expect(history.detector.report().limits).toEqual({ ...nothingForgotten, unexplainedTranslations: 1 });
  });
});

describe('latent translations', () => {
  it('are counted once due, with those within reach told apart', () => {
    const history = History.ordinary();
    history.fill(1);
    history.writePte(0, 0n);
    const latent = () => {
      const { stale, due, dueAndReachable } = history.detector.report().latent;
      return { stale, due, dueAndReachable };
    };
    expect(latent()).toEqual({ stale: 1, due: 0, dueAndReachable: 0 });
    history.flush(0);
    expect(latent()).toEqual({ stale: 1, due: 1, dueAndReachable: 1 });
    history.load(1, { pcid: 2, root: OTHER });
    expect(latent()).toEqual({ stale: 1, due: 1, dueAndReachable: 0 });
    expect(history.detector.report().clean).toBe(true);
  });
});
