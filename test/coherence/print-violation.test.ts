/** Reports, to the letter. */
import { describe, expect, it } from 'vitest';
import { makeEntry } from '../../src/arch/paging-entry.ts';
import { present } from '../../src/base/assert.ts';
import { printFinding, printViolation } from '../../src/coherence/print-violation.ts';
import { toJson } from '../../src/coherence/report-json.ts';
import { FRAME, History, PD, PT, range, USER_RO, PAGE } from './history.ts';

/** A lazy processor is skipped by munmap's flush and comes back without one, while the frame goes to another process. */
function reusedFrame(): History {
  const history = History.ordinary();
  history.where.set(1, 'thread b, line 12: write a[0]');
  const walk = history.walkBegin(1);
  history.walkRead(1, walk, { level: 1, address: history.entry(PT, 1) });
  const cached = history.fill(1);
  history.walkEnd(1, walk);
  history.where.set(0, 'thread a, line 7: munmap a');
  history.begin(0, 1, 'munmap');
  history.writePte(0, 0n);
  const flush = history.flushBegin(0);
  history.decide(1, flush, 'skip', 'the processor is lazy');
  history.flushReturn(0, flush);
  history.free(FRAME);
  history.allocate(FRAME);
  history.use(cached, 'write');
  history.use(cached, 'write');
  return history;
}

function writeProtected(): History {
  const history = History.ordinary();
  const cached = history.fill(1);
  const issued = history.time;
  history.flush(0);
  history.writePte(0, makeEntry(FRAME, USER_RO), issued);
  history.use(cached, 'write');
  return history;
}

function freedTable(): History {
  const history = History.ordinary();
  const shortcut = history.fillStructure(1, 2);
  history.begin(0, 1, 'munmap');
  history.write(0, history.entry(PD, 2), 0n);
  history.free(PT, 'page-table');
  const walk = history.walkBegin(1, { shortcut, speculative: true });
  history.walkRead(1, walk, { level: 1, address: history.entry(PT, 1) }, { shortcut, speculative: true });
  return history;
}

function tooNew(): History {
  const history = History.ordinary();
  history.interrupts(1, true);
  history.fill(1);
  history.writePte(0, 0n);
  const flush = history.flushBegin(0, [range(PAGE)]);
  history.generation(0, 6);
  history.flushReturn(0, flush);
  history.slot(1, 6);
  return history;
}

function firstViolation(history: History): string {
  return printViolation(present(history.detector.report().violations[0], 'a violation'));
}

describe('the report of a violation', () => {
  it('tells of a frame that has a new owner', () => {
    expect(
      firstViolation(reusedFrame()),
    ).toBe(`violation 1: stale-frame (frame-reused): the page no longer maps this frame
  use      step 13: processor 1 (thread b, line 12: write a[0]): user write of 0x7f0000008
  through  TLB entry 1 (PCID 1, mm 2): 4-KByte page at 0x7f0000000 -> frame 0x55, user read/write, dirty
           filled at step 5 by walk 1 (thread b, line 12: write a[0])
  missed   step 7: processor 0 (thread a, line 7: munmap a), in munmap: wrote the PTE at 0x13000
    before frame 0x55, user read/write, accessed, dirty (0x55067)
    after  not present (0x0)
  due      step 10: processor 0 (thread a, line 7: munmap a): flush 1 returned (munmap)
           begun at step 8 for [0x7f0000000, 0x7f0001000) of mm 2
  skipped  step 9: no flush on processor 1: the processor is lazy
  frame    0x55 was freed, and allocated again at step 12 (user for mm 3)
  cover    an INVLPG of 0x7f0000000, or a full flush of PCID 1, on processor 1 between steps 7 and 13
  seen     2 uses on this processor missed this change
`);
  });

  it('tells of a store that left the store buffer after its flush', () => {
    expect(
      firstViolation(writeProtected()),
    ).toBe(`violation 1: stale-permission (used): the access was no longer allowed
  use      step 7: processor 1: user write of 0x7f0000008
  through  TLB entry 1 (PCID 1, mm 2): 4-KByte page at 0x7f0000000 -> frame 0x55, user read/write, dirty
           filled at step 3
  missed   step 3, in memory at step 6: processor 0: wrote the PTE at 0x13000
    before frame 0x55, user read/write, accessed, dirty (0x55067)
    after  frame 0x55, user read-only, accessed (0x55025)
  due      step 5: processor 0: flush 1 returned (munmap)
           begun at step 4 for [0x7f0000000, 0x7f0001000) of mm 2
  cover    an INVLPG of 0x7f0000000, or a full flush of PCID 1, on processor 1 between steps 6 and 7
`);
  });

  it('tells of a freed paging structure', () => {
    expect(
      firstViolation(freedTable()),
    ).toBe(`violation 1: freed-table-walked (frame-freed): the paging structure that was read had been freed
  use      step 7: processor 1: a speculative walk for 0x7f0000000 read the PTE at 0x13000
  through  PDE-cache entry 1 (PCID 1, mm 2): 2-MByte region at 0x7f0000000 -> table 0x13, user read/write
           filled at step 3
  missed   step 4: processor 0, in munmap: wrote the PDE at 0x12c00
    before table 0x13, user read/write, accessed (0x13027)
    after  not present (0x0)
  due      step 5: processor 0: freed frame 0x13
  frame    0x13 was freed by processor 0 at step 5
  cover    any INVLPG in PCID 1, or a full flush of PCID 1, on processor 1 between steps 4 and 7
`);
  });

  it('tells of other structures behind a PCID', () => {
    const history = History.ordinary();
    const cached = history.fill(1);
    history.load(1, { pcid: 1, root: PD });
    history.use(cached);
    expect(firstViolation(history)).toBe(`violation 1: stale-frame (used): the page no longer maps this frame
  use      step 5: processor 1: user read of 0x7f0000008
  through  TLB entry 1 (PCID 1, mm 2): 4-KByte page at 0x7f0000000 -> frame 0x55, user read/write, dirty
           filled at step 3
  missed   step 4: processor 1: MOV to CR3 took PCID 1 from 0x10 to 0x12
  due      at once: nothing cached for PCID 1 was of the new structures
  cover    an INVLPG of 0x7f0000000, or a full flush of PCID 1, on processor 1 between steps 4 and 5
`);
  });
});

describe('the report of a finding', () => {
  it('tells of a slot that claims too much', () => {
    expect(
      printFinding(present(tooNew().detector.report().findings[0], 'a finding')),
    ).toBe(`generation invariant: PCID 1 of processor 1 is recorded as mm 2 at generation 6 and missed a change of generation 6
  found    step 9: still cached, stale-frame
  through  TLB entry 1 (PCID 1, mm 2): 4-KByte page at 0x7f0000000 -> frame 0x55, user read/write, dirty
           filled at step 4
  missed   step 5: processor 0: wrote the PTE at 0x13000
    before frame 0x55, user read/write, accessed, dirty (0x55067)
    after  not present (0x0)
`);
  });
});

describe('the report as JSON', () => {
  it('is JSON already, with entries and linear addresses as hexadecimal strings', () => {
    const json = toJson(reusedFrame().detector.report());
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
    expect(json).toMatchObject({
      clean: false,
      violatingUses: 2,
      violations: [
        {
          severity: 'stale-frame',
          stage: 'frame-reused',
          count: 2,
          use: { kind: 'access', address: '0x7f0000008', access: { kind: 'write', user: true } },
          change: { address: 0x13000, before: '0x55067', after: '0x0', level: 1 },
          due: { kind: 'flush', flush: 1, range: { mm: 2, start: '0x7f0000000', end: '0x7f0001000' } },
          skipped: { why: 'the processor is lazy', verdict: 'missed' },
          frame: { frame: 0x55, owner: { mm: 3, use: 'user' } },
        },
      ],
    });
  });

  it('is a picture of its moment', () => {
    const history = reusedFrame();
    const before = toJson(history.detector.report());
    const report = history.detector.report();
    history.free(FRAME);
    history.fill(0);
    expect(toJson(report)).toEqual(before);
  });
});
