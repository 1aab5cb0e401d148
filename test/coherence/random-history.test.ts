/**
 * Random histories of one page, judged by the detector as they happen and by brute force from scratch: every use must
 * come out the same, violation or not, and as severe.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pageNumber } from '../../src/arch/address.ts';
import { makeEntry, PagingEntry } from '../../src/arch/paging-entry.ts';
import type { EntrySource, TlbEntry } from '../../src/event/cached-translation.ts';
import type { AddressRange } from '../../src/event/event.ts';
import { allOf, FRAME, History, MM, OTHER, PAGE, PD, PT, range, TABLE, USER_RO, USER_RW } from './history.ts';
import { type Cached, judge, type Log, type Moment } from './oracle.ts';

const { D, A, XD, RW } = PagingEntry;
const SEED = Number(process.env['COHERENCE_SEED'] ?? 20_170_624);
const RUNS = Number(process.env['COHERENCE_RUNS'] ?? 3000);

const pteValues = [
  0n,
  makeEntry(FRAME, USER_RW),
  makeEntry(FRAME, USER_RW & ~D),
  makeEntry(FRAME, USER_RW & ~A),
  makeEntry(FRAME, USER_RO),
  makeEntry(FRAME, USER_RW | XD),
  makeEntry(OTHER, USER_RW),
];
const pdeValues = [0n, makeEntry(PT, TABLE), makeEntry(PT, TABLE & ~RW), makeEntry(PT, TABLE | XD)];
const ranges: readonly { over: AddressRange; concerns: boolean }[] = [
  { over: range(PAGE), concerns: true },
  { over: range(pageNumber(PAGE - 2), { pages: 4 }), concerns: true },
  { over: allOf(MM), concerns: true },
  { over: allOf(0), concerns: true },
  { over: range(pageNumber(PAGE + 1)), concerns: false },
  { over: allOf(3), concerns: false },
];

const processor = fc.integer({ min: 0, max: 1 });
const slot = fc.integer({ min: 0, max: 2 });
const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      processor,
      entry: fc.constant('pte' as const),
      value: fc.constantFrom(...pteValues),
      delay: fc.constantFrom(0, 0, 0, 1, 3, 6),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      processor,
      entry: fc.constant('pde' as const),
      value: fc.constantFrom(...pdeValues),
      delay: fc.constantFrom(0, 0, 2),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const), processor, slot }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('fill' as const), processor, slot }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), slot }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('flush-begin' as const),
      processor,
      range: fc.constantFrom(...ranges),
      batch: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('flush-return' as const), which: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('batch-add' as const), processor }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('promise' as const), processor, range: fc.constantFrom(...ranges) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('free' as const), frame: fc.constantFrom(FRAME, OTHER) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('use' as const),
      slot,
      kind: fc.constantFrom('read' as const, 'write' as const, 'fetch' as const),
    }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

interface InFlight {
  readonly processor: number;
  readonly walk: number;
  readonly sources: EntrySource[];
}

/** Plays the commands to a detector and to the oracle's log; compares every use. Returns how many were violations. */
function play(commands: readonly Command[]): { uses: number; harms: number[] } {
  const history = History.ordinary();
  const log: Log = { writes: [], promises: [], frees: [] };
  const address = { pde: history.entry(PD, 2), pte: history.entry(PT, 1) };
  const initial = { pde: history.memory.get(address.pde) ?? 0n, pte: history.memory.get(address.pte) ?? 0n };
  const slots: ({ translation: TlbEntry; cached: Cached } | undefined)[] = [];
  const flights: (InFlight | undefined)[] = [];
  const open: { flush: number; processor: number; concerns: boolean; moment: Moment | null }[] = [];
  const lastAdd: (Moment | undefined)[] = [];
  const harms: number[] = [];
  let uses = 0;
  let index = 0;
  const here = (by: number): Moment => ({ processor: by, index, time: history.time });

  for (const told of commands) {
    index++;
    switch (told.do) {
      case 'write': {
        const before = history.memory.get(address[told.entry]) ?? 0n;
        if (before === told.value) break;
        const issued = Math.max(0, history.time + 1 - told.delay);
        history.write(told.processor, address[told.entry], told.value, issued);
        log.writes.push({ ...here(told.processor), entry: told.entry, before, after: told.value, issued });
        break;
      }
      case 'read': {
        const sources = history.walk(told.processor);
        if (sources.some(({ entry }) => (entry & 1n) === 0n)) break;
        const walk = history.walkBegin(told.processor);
        flights[told.slot] = { processor: told.processor, walk, sources };
        break;
      }
      case 'fill': {
        const flight = flights[told.slot];
        flights[told.slot] = undefined;
        const sources = flight?.sources ?? history.walk(told.processor);
        if (sources.some(({ entry }) => (entry & 1n) === 0n)) break;
        const old = slots[told.slot];
        if (old !== undefined) history.remove(old.translation);
        const translation = history.fill(flight?.processor ?? told.processor, { sources });
        if (flight !== undefined) history.walkEnd(flight.processor, flight.walk);
        const [, , pde, pte] = sources;
        slots[told.slot] = { translation, cached: { pde: pde?.entry ?? 0n, pte: pte?.entry ?? 0n, filled: index } };
        break;
      }
      case 'remove': {
        const old = slots[told.slot];
        slots[told.slot] = undefined;
        if (old !== undefined) history.remove(old.translation);
        break;
      }
      case 'flush-begin': {
        const flush = history.flushBegin(told.processor, [told.range.over], { batch: told.batch });
        // A batch of one mm promises nothing about a range of another, nor about the wildcard.
        const moment = told.batch
          ? told.range.over.mm === MM
            ? (lastAdd[told.processor] ?? null)
            : null
          : here(told.processor);
        open.push({ flush, processor: told.processor, concerns: told.range.concerns, moment });
        break;
      }
      case 'flush-return': {
        const [flush] = open.splice(told.which % Math.max(open.length, 1), 1);
        if (flush === undefined) break;
        history.flushReturn(flush.processor, flush.flush);
        if (flush.concerns && flush.moment !== null) log.promises.push({ moment: flush.moment, made: index });
        break;
      }
      case 'batch-add':
        history.batchAdd(told.processor);
        lastAdd[told.processor] = here(told.processor);
        break;
      case 'promise':
        history.promise(told.processor, told.range.over);
        if (told.range.concerns) log.promises.push({ moment: here(told.processor), made: index });
        break;
      case 'free':
        history.free(told.frame);
        log.frees.push({ frame: BigInt(told.frame), moment: here(0) });
        break;
      case 'use': {
        const used = slots[told.slot];
        if (used === undefined) break;
        if (told.kind === 'write' && !used.translation.writable) break;
        if (told.kind === 'fetch' && !used.translation.executable) break;
        const before = history.detector.report();
        history.use(used.translation, told.kind);
        const after = history.detector.report();
        const expected = judge(log, initial, used.cached, told.kind);
        uses++;
        if (expected > 0) harms.push(expected);
        expect(after.violatingUses - before.violatingUses).toBe(expected > 0 ? 1 : 0);
        if (expected > 0) {
          const name = ['', 'lost-accessed-dirty', 'stale-permission', 'stale-frame'][expected];
          const counted = (report: typeof after) =>
            report.violations.filter(({ severity }) => severity === name).reduce((sum, { count }) => sum + count, 0);
          expect(counted(after) - counted(before)).toBe(1);
        }
        break;
      }
    }
  }
  expect(history.detector.report().limits).toEqual({
    forgottenChanges: 0,
    forgottenPromises: 0,
    unexplainedTranslations: 0,
    violationsNotKept: 0,
    findingsNotKept: 0,
  });
  return { uses, harms };
}

describe('random histories', () => {
  it(`agree with brute force (seed ${SEED}, ${RUNS} runs)`, () => {
    const seen = { uses: 0, harms: [0, 0, 0, 0] };
    fc.assert(
      fc.property(fc.array(command, { minLength: 10, maxLength: 60 }), (commands) => {
        const { uses, harms } = play(commands);
        seen.uses += uses;
        for (const harm of harms) seen.harms[harm] = (seen.harms[harm] ?? 0) + 1;
      }),
      { seed: SEED, numRuns: RUNS },
    );
    // Not vacuous: every severity came up, and most uses were legal.
    expect(Math.min(...seen.harms.slice(1))).toBeGreaterThan(10);
    expect(seen.uses).toBeGreaterThan(2 * seen.harms.reduce((sum, count) => sum + count, 0));
  });
});
