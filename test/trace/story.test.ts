import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { frameNumber, linearAddress, pageNumber, physicalAddress } from '../../src/arch/address.ts';
import { present } from '../../src/base/assert.ts';
import type { MachineEvent } from '../../src/event/event.ts';
import { Exploration } from '../../src/scenario/exploration/exploration.ts';
import { Recorder } from '../../src/trace/recorder.ts';
import { printStory, type StorySubject, tellStory } from '../../src/trace/story.ts';
import { storySubject } from '../../src/cli/violation-story.ts';

const subject: StorySubject = {
  serial: 7,
  mm: 2,
  page: pageNumber(0x10),
  pages: 1,
  entry: physicalAddress(0x5080),
  frame: frameNumber(0x20),
  until: 100,
};

const entryWrite = (by: 'software' | 'walk', address = 0x5080): MachineEvent => ({
  kind: 'paging-write',
  processor: 0,
  address: physicalAddress(address),
  before: 1n,
  after: 0n,
  by,
  issued: 0,
});
const range = (mm: number, page: number) => ({
  mm,
  start: linearAddress(BigInt(page) << 12n),
  end: linearAddress(BigInt(page + 1) << 12n),
});
const flush = (number: number, mm: number, page: number): MachineEvent => ({
  kind: 'flush-begin',
  processor: 1,
  flush: number,
  reason: 'munmap',
  ranges: [range(mm, page)],
  batch: false,
  freedTables: false,
});

function told(events: readonly MachineEvent[], about: StorySubject = subject): string[] {
  return tellStory(
    events.map((event, time) => ({ time, event })),
    about,
  ).map(({ processor, text }) => `${processor} ${text}`);
}

describe('the story of a translation', () => {
  it('tells the changes of its entry and no other', () => {
    expect(told([entryWrite('walk'), entryWrite('walk', 0x5088)])).toEqual([
      '0 a walk sets A or D at 0x5080: 0x1 becomes 0x0',
    ]);
  });

  it('tells flushes that cover its page, and their ends', () => {
    const returns = (number: number): MachineEvent => ({ kind: 'flush-return', processor: 1, flush: number });
    expect(told([flush(1, 2, 0x10), flush(2, 2, 0x11), flush(3, 3, 0x10), returns(1), returns(2), returns(3)])).toEqual(
      ['1 flush 1 begins (munmap): [0x10000, 0x11000) of mm 2', '1 flush 1 returns'],
    );
  });

  it('begins with the last change of the entry before the translation was filled', () => {
    expect(told([flush(1, 2, 0x10), entryWrite('software'), entryWrite('walk')])).toHaveLength(2);
  });

  it('ends where it is told', () => {
    expect(told([entryWrite('walk'), entryWrite('walk')], { ...subject, until: 0 })).toHaveLength(1);
  });

  it('says which operation something is part of', () => {
    const begin: MachineEvent = { kind: 'operation-begin', processor: 0, operation: 1, name: 'munmap', mm: 2 };
    const end: MachineEvent = { kind: 'operation-end', processor: 0, operation: 1 };
    expect(told([begin, entryWrite('walk'), end, entryWrite('walk')]).map((line) => line.includes('munmap:'))).toEqual([
      true,
      false,
    ]);
  });

  it('gives each processor a column', () => {
    expect(printStory([0, 1].map((processor) => ({ time: 9 + processor, processor, text: 'x' })))).toEqual([
      '   9  P0  x',
      '  10        P1  x',
    ]);
  });

  it('leaves the reader with the race of CVE-2025-37964', () => {
    const file = 'fixtures/explore/flush-meets-returner.tlb';
    const text = readFileSync(file, 'utf8');
    const exploration = new Exploration({ text, file, words: { era: 'E9-B1' }, version: 'test' });
    const { findings } = exploration.explore(
      { kind: 'bounded', bound: { kind: 'preemptions', most: 1 }, remember: false },
      {},
    );
    const recorder = new Recorder();
    const shrunk = exploration.shrink(present(findings[0], 'a finding'), 500);
    const { report } = exploration.replay(exploration.token(shrunk), ({ stream }) => stream.observe(recorder.observe));
    const violation = present(report.coherence?.violations[0], 'the violation');
    const lines = tellStory(recorder.events(), present(storySubject(violation), 'a translation')).map(
      ({ text }) => text,
    );
    const places = [
      /^fills TLB entry/,
      /^madvise: entry at .* becomes 0x0$/,
      /^madvise: mm 2 is at generation 1$/,
      /^flush 1: does not flush: no tables freed, nor running this mm$/,
      /^madvise: flush 1 returns$/,
      /^does not flush: slot 1, generation 0 of 0$/,
      /^switches from mm 3 to mm 2, without a flush$/,
      /^uses TLB entry/,
    ].map((pattern) => lines.findIndex((line) => pattern.test(line)));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places.at(-1)).toBe(lines.length - 1);
  });
});
