/** Which uses are violations and which are not: each rule beside its twin, one event apart. */
import { describe, expect, it } from 'vitest';
import { frameNumber, pageNumber } from '../../src/arch/address.ts';
import { makeEntry, PagingEntry } from '../../src/arch/paging-entry.ts';
import {
  allOf,
  FRAME,
  History,
  MM,
  OTHER,
  PAGE,
  PD,
  PDPT,
  PT,
  range,
  ROOT,
  TABLE,
  USER_RO,
  USER_RW,
  largePage,
} from './history.ts';

const { US, A, D, XD, RW, G } = PagingEntry;
const unmapped = 0n;
const moved = makeEntry(OTHER, USER_RW);
const readOnly = makeEntry(FRAME, USER_RO);
const readWrite = makeEntry(FRAME, USER_RW);

interface Row {
  readonly cite: string;
  readonly given: string;
  readonly history: () => History;
  readonly expect: readonly string[];
}

/** Processor 1 has PAGE cached from memory as it is; processor 0 changes the entry and flushes; processor 1 uses it. */
function changed(
  after: bigint,
  kind: 'read' | 'write' | 'fetch' = 'read',
  { flags = USER_RW, user = true } = {},
): History {
  const history = History.ordinary(flags);
  const cached = history.fill(1);
  history.writePte(0, after);
  history.flush(0);
  history.use(cached, kind, { user });
  return history;
}

/** The same, with the promise made by `due` after the entry has been cleared. */
function unmappedThen(due: (history: History) => void): History {
  const history = History.ordinary();
  const cached = history.fill(1);
  history.writePte(0, unmapped);
  due(history);
  history.use(cached);
  return history;
}

const severities: readonly Row[] = [
  { cite: 'SDM 3A 4.10.4.2', given: 'entry cleared', history: () => changed(unmapped), expect: ['stale-frame used'] },
  { cite: 'SDM 3A 4.10.4.2', given: 'another frame', history: () => changed(moved), expect: ['stale-frame used'] },
  {
    cite: 'SDM 3A 4.10.2.3',
    given: 'a reserved bit set above',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.write(0, history.entry(ROOT, 4), makeEntry(PDPT, TABLE | PagingEntry.PS));
      history.flush(0);
      history.use(cached);
      return history;
    },
    expect: ['stale-frame used'],
  },
  {
    cite: 'SDM 3A 4.10.4.2',
    given: 'R/W cleared, write',
    history: () => changed(readOnly, 'write'),
    expect: ['stale-permission used'],
  },
  { cite: 'SDM 3A 4.10.4.2', given: 'R/W cleared, read', history: () => changed(readOnly, 'read'), expect: [] },
  {
    cite: 'SDM 3A 4.6.1',
    given: 'R/W cleared, supervisor write with CR0.WP = 1',
    history: () => changed(readOnly, 'write', { user: false }),
    expect: ['stale-permission used'],
  },
  {
    cite: 'SDM 3A 4.6.1',
    given: 'R/W cleared, supervisor write with CR0.WP = 0',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.tell({ kind: 'control-write', processor: 1, register: 'CR0', before: 0n, after: 0n, noFlush: false });
      history.writePte(0, makeEntry(FRAME, USER_RO | D));
      history.flush(0);
      history.use(cached, 'write', { user: false });
      return history;
    },
    expect: [],
  },
  {
    cite: 'SDM 3A 4.10.4.2',
    given: 'U/S cleared, user read',
    history: () => changed(readWrite & ~US),
    expect: ['stale-permission used'],
  },
  {
    cite: 'SDM 3A 4.10.4.2',
    given: 'U/S cleared, supervisor read',
    history: () => changed(readWrite & ~US, 'read', { user: false }),
    expect: [],
  },
  {
    cite: 'SDM 3A 4.10.4.2',
    given: 'XD set, fetch',
    history: () => changed(readWrite | XD, 'fetch'),
    expect: ['stale-permission used'],
  },
  { cite: 'SDM 3A 4.10.4.2', given: 'XD set, read', history: () => changed(readWrite | XD, 'read'), expect: [] },
  {
    cite: 'SDM 3A 4.10.4.2',
    given: 'D cleared, write through an entry cached dirty',
    history: () => changed(readWrite & ~D, 'write'),
    expect: ['lost-accessed-dirty used'],
  },
  { cite: 'SDM 3A 4.10.4.2', given: 'D cleared, read', history: () => changed(readWrite & ~D, 'read'), expect: [] },
  {
    cite: 'SDM 3A 4.8',
    given: 'D clear already when cached: the write walks',
    history: () => changed(readWrite & ~D, 'write', { flags: USER_RW & ~D }),
    expect: [],
  },
  {
    cite: 'SDM 3A 4.8',
    given: 'D cleared, then set again by a walk',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.writePte(0, readWrite & ~D);
      history.flush(0);
      history.writePte(1, readWrite);
      history.use(cached, 'write');
      return history;
    },
    expect: [],
  },
  { cite: 'ERAS 0.3 (2)', given: 'A cleared', history: () => changed(readWrite & ~A, 'write'), expect: [] },
  {
    cite: 'SDM 3A 4.10.4.3',
    given: 'R/W set (upgrade)',
    history: () => changed(readWrite, 'read', { flags: USER_RO }),
    expect: [],
  },
  {
    cite: 'SDM 3A 4.10.4.3',
    given: 'XD cleared (upgrade)',
    history: () => changed(readWrite, 'read', { flags: USER_RW | XD }),
    expect: [],
  },
  {
    cite: 'SDM 3A 4.5.4',
    given: 'an ignored bit and G changed',
    history: () => changed(readWrite | (1n << 9n) | G, 'write'),
    expect: [],
  },
  {
    cite: 'SDM 3A 4.10.2.3',
    given: 'a 2-MByte page split into the same frames',
    history: () => {
      const history = History.ordinary();
      const frame = frameNumber(0x200);
      history.memory.set(history.entry(PD, 2), largePage(frame));
      const cached = history.fill(1);
      history.memory.set(history.entry(PT, 1), makeEntry(frame, USER_RW));
      history.write(0, history.entry(PD, 2), makeEntry(PT, TABLE));
      history.flush(0);
      history.use(cached, 'write');
      return history;
    },
    expect: ['page-size-mix used'],
  },
  {
    cite: 'SDM 3A 4.10.4.2',
    given: 'a 2-MByte page unmapped, one of its pages flushed, another used',
    history: () => {
      const history = History.ordinary();
      history.memory.set(history.entry(PD, 2), largePage(frameNumber(0x200)));
      const cached = history.fill(1);
      history.write(0, history.entry(PD, 2), 0n);
      history.flush(0);
      history.use(cached, 'read', { page: pageNumber(PAGE + 3) });
      return history;
    },
    expect: ['stale-frame used'],
  },
  {
    cite: 'SDM 3A 4.10.2.2',
    given: 'R/W cleared in the PDE above, write',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.write(0, history.entry(PD, 2), makeEntry(PT, TABLE & ~RW));
      history.flush(0);
      history.use(cached, 'write');
      return history;
    },
    expect: ['stale-permission used'],
  },
  {
    cite: 'SDM 3A 4.10.4.1',
    given: 'a removed entry is not used any more',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.writePte(0, unmapped);
      history.remove(cached);
      history.flush(0);
      history.use(cached);
      return history;
    },
    expect: [],
  },
];

const dueRules: readonly Row[] = [
  { cite: 'flush', given: 'returned', history: () => unmappedThen((h) => h.flush(0)), expect: ['stale-frame used'] },
  {
    cite: 'ERAS 0.3 (3)',
    given: 'flush begun but not returned',
    history: () => unmappedThen((h) => h.flushBegin(0)),
    expect: [],
  },
  { cite: 'flush', given: 'nothing at all was promised', history: () => unmappedThen(() => {}), expect: [] },
  {
    cite: 'flush',
    given: 'flush of the page after',
    history: () => unmappedThen((h) => h.flush(0, [range(pageNumber(PAGE + 1))])),
    expect: [],
  },
  {
    cite: 'flush',
    given: 'flush of a range that holds it',
    history: () => unmappedThen((h) => h.flush(0, [range(pageNumber(PAGE - 3), { pages: 9 })])),
    expect: ['stale-frame used'],
  },
  {
    cite: 'flush',
    given: 'flush of another mm',
    history: () => unmappedThen((h) => h.flush(0, [allOf(3)])),
    expect: [],
  },
  {
    cite: 'flush',
    given: 'flush of all of its mm',
    history: () => unmappedThen((h) => h.flush(0, [allOf(MM)])),
    expect: ['stale-frame used'],
  },
  {
    cite: 'flush',
    given: 'flush of everything',
    history: () => unmappedThen((h) => h.flush(0, [allOf(0)])),
    expect: ['stale-frame used'],
  },
  {
    cite: 'flush',
    given: "flush of the kernel's half",
    history: () => unmappedThen((h) => h.flush(0, [allOf(1)])),
    expect: [],
  },
  {
    cite: 'memory order',
    given: "another processor's flush began before the change",
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      const flush = history.flushBegin(1);
      history.writePte(0, unmapped);
      history.flushReturn(1, flush);
      history.use(cached);
      return history;
    },
    expect: [],
  },
  {
    cite: 'program order',
    given: 'its own flush began before the change',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      const flush = history.flushBegin(0);
      history.writePte(0, unmapped);
      history.flushReturn(0, flush);
      history.use(cached);
      return history;
    },
    expect: [],
  },
  {
    cite: 'SDM 3A 9.2.2',
    given: 'its own store left the store buffer only after the flush had returned',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      const issued = history.time;
      history.flush(0);
      history.writePte(0, unmapped, issued);
      history.use(cached);
      return history;
    },
    expect: ['stale-frame used'],
  },
  {
    cite: 'SDM 3A 9.2.2',
    given: 'its own store, executed after the flush began, left the store buffer late',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      const flush = history.flushBegin(0);
      history.step();
      const issued = history.time;
      history.flushReturn(0, flush);
      history.writePte(0, unmapped, issued);
      history.use(cached);
      return history;
    },
    expect: [],
  },
  {
    cite: 'SDM 3A 9.2.2',
    given: "another processor's store was executed before the flush and reached memory after it",
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      const issued = history.time;
      history.flush(1);
      history.writePte(0, unmapped, issued);
      history.use(cached);
      return history;
    },
    expect: [],
  },
  {
    cite: 'batch',
    given: 'added to the batch after the change',
    history: () =>
      unmappedThen((h) => {
        h.batchAdd(0);
        h.flush(0, [allOf(MM)], { batch: true });
      }),
    expect: ['stale-frame used'],
  },
  {
    cite: 'batch',
    given: 'added to the batch before the change',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.batchAdd(0);
      history.writePte(0, unmapped);
      history.flush(0, [allOf(MM)], { batch: true });
      history.use(cached);
      return history;
    },
    expect: [],
  },
  {
    cite: 'batch',
    given: 'added to the batch of another processor',
    history: () =>
      unmappedThen((h) => {
        h.batchAdd(1);
        h.flush(0, [allOf(MM)], { batch: true });
      }),
    expect: [],
  },
  {
    cite: 'promise',
    given: 'the operation returned',
    history: () => unmappedThen((h) => h.promise(0)),
    expect: ['stale-frame used'],
  },
  {
    cite: 'promise',
    given: 'an operation on another range returned',
    history: () => unmappedThen((h) => h.promise(0, range(pageNumber(PAGE + 8)))),
    expect: [],
  },
  {
    cite: 'promise',
    given: 'the operation that changed it returned',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.begin(0, 1, 'munmap');
      history.writePte(0, unmapped);
      history.promise(0, range(PAGE), 1);
      history.use(cached);
      return history;
    },
    expect: ['stale-frame used'],
  },
  {
    cite: 'promise',
    given: 'an operation returned that began after another processor had changed it',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.writePte(1, unmapped);
      history.begin(0, 1, 'mprotect');
      history.promise(0, range(PAGE), 1);
      history.use(cached);
      return history;
    },
    expect: ['stale-frame used'],
  },
  {
    cite: 'promise',
    given: 'an operation returned that began before another processor changed it',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.begin(0, 1, 'mprotect');
      history.writePte(1, unmapped);
      history.promise(0, range(PAGE), 1);
      history.use(cached);
      return history;
    },
    expect: [],
  },
  {
    cite: 'promise',
    given: 'promised before the change',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.promise(0);
      history.writePte(0, unmapped);
      history.use(cached);
      return history;
    },
    expect: [],
  },
  {
    cite: 'frame',
    given: 'the frame was freed',
    history: () => unmappedThen((h) => h.free(FRAME)),
    expect: ['stale-frame frame-freed'],
  },
  {
    cite: 'frame',
    given: 'the frame was freed and allocated',
    history: () =>
      unmappedThen((h) => {
        h.free(FRAME);
        h.allocate(FRAME);
      }),
    expect: ['stale-frame frame-reused'],
  },
  {
    cite: 'frame',
    given: 'flushed, freed and allocated',
    history: () =>
      unmappedThen((h) => {
        h.flush(0);
        h.free(FRAME);
        h.allocate(FRAME);
      }),
    expect: ['stale-frame frame-reused'],
  },
  { cite: 'frame', given: 'another frame was freed', history: () => unmappedThen((h) => h.free(OTHER)), expect: [] },
  {
    cite: 'frame',
    given: 'the frame was freed and allocated before the change',
    history: () => {
      const history = History.ordinary();
      history.free(FRAME);
      history.allocate(FRAME);
      const cached = history.fill(1);
      history.writePte(0, unmapped);
      history.use(cached);
      return history;
    },
    expect: [],
  },
  {
    cite: 'ERAS 0.3 (4), (5)',
    given: 'flush skipped a processor that never uses what it keeps',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.writePte(0, unmapped);
      const flush = history.flushBegin(0);
      history.decide(1, flush, 'skip', 'lazy');
      history.flushReturn(0, flush);
      history.remove(cached);
      return history;
    },
    expect: [],
  },
];

const histories: readonly Row[] = [
  {
    cite: 'restored',
    given: 'unmapped, flushed, and mapped as it was before any use',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.writePte(0, unmapped);
      history.flush(0);
      history.writePte(0, readWrite);
      history.use(cached, 'write');
      return history;
    },
    expect: [],
  },
  {
    cite: 'restored',
    given: 'unmapped, flushed, and mapped to another frame',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.writePte(0, unmapped);
      history.flush(0);
      history.writePte(0, moved);
      history.use(cached, 'write');
      return history;
    },
    expect: ['stale-frame used'],
  },
  {
    cite: 'restored',
    given: 'mapped as it was, then unmapped again with a flush still to return',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.writePte(0, unmapped);
      history.flush(0);
      history.writePte(0, readWrite);
      history.writePte(0, unmapped);
      history.flushBegin(0);
      history.use(cached);
      return history;
    },
    expect: [],
  },
  {
    cite: 'restored',
    given: 'restored through another page table that maps the same frame',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      const table = frameNumber(0x77);
      history.memory.set(history.entry(table, 1), readWrite);
      history.write(0, history.entry(PD, 2), makeEntry(table, TABLE));
      history.flush(0);
      history.use(cached, 'write');
      return history;
    },
    expect: [],
  },
  {
    cite: 'restored',
    given: 'and then unmapped in that other table, which it was not built from',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      const table = frameNumber(0x77);
      history.memory.set(history.entry(table, 1), readWrite);
      history.write(0, history.entry(PD, 2), makeEntry(table, TABLE));
      history.write(0, history.entry(table, 1), unmapped);
      history.flush(0);
      history.use(cached, 'write');
      return history;
    },
    expect: ['stale-frame used'],
  },
  {
    cite: 'legal values',
    given: 'write-protected with a flush, then unmapped without one yet: a write',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.writePte(0, readOnly);
      history.flush(0);
      history.writePte(0, unmapped);
      history.use(cached, 'write');
      return history;
    },
    expect: ['stale-permission used'],
  },
  {
    cite: 'legal values',
    given: 'write-protected with a flush, then unmapped without one yet: a read',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.writePte(0, readOnly);
      history.flush(0);
      history.writePte(0, unmapped);
      history.use(cached, 'read');
      return history;
    },
    expect: [],
  },
  {
    cite: 'legal values',
    given: 'filled between two changes, of which the first is flushed',
    history: () => {
      const history = History.ordinary();
      history.writePte(0, readOnly);
      const cached = history.fill(1);
      history.flush(0);
      history.writePte(0, unmapped);
      history.use(cached);
      return history;
    },
    expect: [],
  },
  {
    cite: 'walk in flight',
    given: 'read before the change, filled after the flush had returned',
    history: () => {
      const history = History.ordinary();
      const walk = history.walkBegin(1);
      const sources = history.walk(1);
      history.writePte(0, unmapped);
      history.flush(0);
      const cached = history.fill(1, { sources });
      history.walkEnd(1, walk);
      history.use(cached);
      return history;
    },
    expect: ['stale-frame used'],
  },
  {
    cite: 'walk in flight',
    given: 'read before the change, filled before the flush returns',
    history: () => {
      const history = History.ordinary();
      const walk = history.walkBegin(1);
      const sources = history.walk(1);
      history.writePte(0, unmapped);
      const cached = history.fill(1, { sources });
      history.walkEnd(1, walk);
      history.flushBegin(0);
      history.use(cached);
      return history;
    },
    expect: [],
  },
  {
    cite: 'paging-structure cache',
    given: 'filled through a stale PDE-cache entry after the flush had returned',
    history: () => {
      const history = History.ordinary();
      const shortcut = history.fillStructure(1, 2);
      const sources = history.walk(1);
      history.write(0, history.entry(PD, 2), unmapped);
      history.flush(0);
      const walk = history.walkBegin(1, { shortcut });
      const cached = history.fill(1, { sources });
      history.walkEnd(1, walk);
      history.use(cached);
      return history;
    },
    expect: ['stale-frame used'],
  },
  {
    cite: 'context',
    given: 'MOV to CR3 with bit 63 put other structures behind its PCID',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.load(1, { pcid: 1, root: frameNumber(0x20) });
      history.use(cached);
      return history;
    },
    expect: ['stale-frame used'],
  },
  {
    cite: 'context',
    given: 'MOV to CR3 with bit 63 loaded another PCID, and then its own again',
    history: () => {
      const history = History.ordinary();
      const cached = history.fill(1);
      history.load(1, { pcid: 2, root: frameNumber(0x20) });
      history.load(1, { pcid: 1, root: ROOT });
      history.use(cached);
      return history;
    },
    expect: [],
  },
  {
    cite: 'kernel half',
    given: 'a global entry outlives the address space that it was filled under',
    history: () => {
      const history = History.ordinary();
      const page = pageNumber(2 ** 52 - 0x1000);
      const root = frameNumber(0x20);
      for (const top of [ROOT, root]) history.table(top, frameNumber(0x21), 4, page);
      history.table(frameNumber(0x21), frameNumber(0x22), 3, page);
      history.table(frameNumber(0x22), frameNumber(0x23), 2, page);
      history.memory.set(history.entry(frameNumber(0x23), 1, page), makeEntry(FRAME, USER_RW));
      const cached = history.fill(1, { page, global: true });
      history.load(1, { pcid: 2, root });
      history.write(0, history.entry(ROOT, 4, page), 0n);
      history.free(ROOT, 'page-table');
      history.flush(0, [allOf(0)]);
      history.use(cached, 'read', { user: false, page });
      return history;
    },
    expect: [],
  },
  {
    cite: 'kernel half',
    given: "a global entry whose page was unmapped by a flush of the kernel's range",
    history: () => {
      const history = History.ordinary();
      const page = pageNumber(2 ** 52 - 0x1000);
      history.table(ROOT, frameNumber(0x21), 4, page);
      history.table(frameNumber(0x21), frameNumber(0x22), 3, page);
      history.table(frameNumber(0x22), frameNumber(0x23), 2, page);
      history.memory.set(history.entry(frameNumber(0x23), 1, page), makeEntry(FRAME, USER_RW));
      const cached = history.fill(1, { page, global: true });
      history.write(0, history.entry(frameNumber(0x23), 1, page), 0n);
      history.flush(0, [range(page, { mm: 1 })]);
      history.use(cached, 'read', { user: false, page });
      return history;
    },
    expect: ['stale-frame used'],
  },
];

for (const [title, rows] of Object.entries({ severities, dueRules, histories })) {
  describe(title, () => {
    it.each(rows.map((row) => [`${row.cite}: ${row.given}`, row] as const))('%s', (_, row) => {
      expect(row.history().verdict()).toEqual(row.expect);
    });
  });
}
