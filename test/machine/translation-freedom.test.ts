/** What a processor may do about translations, listed and taken one step at a time (SDM 3A 4.10.2.3, 4.10.3.2). */
import { beforeEach, describe, expect, it } from 'vitest';
import { addressInFrame, frameNumber, linearAddress, type PhysicalAddress } from '../../src/arch/address.ts';
import type { Access } from '../../src/arch/page-fault.ts';
import { makeEntry, PagingEntry } from '../../src/arch/paging-entry.ts';
import { EventStream } from '../../src/event/stream.ts';
import { partFor, policyForSearch } from '../../src/machine/hardware-choice.ts';
import { Machine } from '../../src/machine/machine.ts';
import * as operations from '../../src/machine/operations.ts';
import { initialSwitches } from '../../src/machine/switches.ts';
import { TranslationFreedom } from '../../src/machine/translation-freedom.ts';

const { P, RW, US, A, D } = PagingEntry;
const X = linearAddress(0n);
const READ: Access = { kind: 'read', user: false };
const WRITE: Access = { kind: 'write', user: false };
/** One table of each level, and frames 5 and 6 for the page. */
const [PML4, PDPT, DIRECTORY, TABLE, FIRST, SECOND] = [1, 2, 3, 4, 5, 6] as const;

const entryAt = (table: number): PhysicalAddress => addressInFrame(frameNumber(table), 0);
const physical = (frame: number): PhysicalAddress => addressInFrame(frameNumber(frame), 0);

let machine: Machine;
let freedom: TranslationFreedom;

function build(pagingStructureCaches: boolean, leafFlags: bigint = A | D): void {
  const switches = {
    ...initialSwitches(),
    smap: false,
    speculation: false,
    'paging-structure-caches': pagingStructureCaches,
  };
  const options = { processors: 1, frames: 16, switches, part: partFor(switches), policy: policyForSearch(switches) };
  machine = new Machine(options, new EventStream());
  const refer = (table: number, to: number, flags: bigint): void =>
    machine.memory.write64(entryAt(table), makeEntry(frameNumber(to), P | RW | US | flags));
  refer(PML4, PDPT, A);
  refer(PDPT, DIRECTORY, A);
  refer(DIRECTORY, TABLE, A);
  refer(TABLE, FIRST, leafFlags);
  machine.enterLongMode(0, entryAt(PML4));
  freedom = new TranslationFreedom(machine);
}

function map(frame: number, flags: bigint = A | D): void {
  machine.memory.write64(entryAt(TABLE), makeEntry(frameNumber(frame), P | RW | US | flags));
}

/** Takes the only walk step there is until there is none; the entries that were read. */
function walkToTheEnd(): (PhysicalAddress | null)[] {
  const read: (PhysicalAddress | null)[] = [];
  for (;;) {
    const [step, ...others] = freedom.walkSteps(0, X);
    if (step === undefined) return read;
    expect(others).toEqual([]);
    read.push(step.reads);
    freedom.takeWalkStep(step);
  }
}

const places = (access: Access) => freedom.answers(0, X, access).map((answer) => answer.physical);

for (const pagingStructureCaches of [true, false]) {
  describe(`with${pagingStructureCaches ? '' : 'out'} paging-structure caches`, () => {
    beforeEach(() => build(pagingStructureCaches));

    it('a walk reads one entry a step, and is news only once', () => {
      expect(places(READ)).toEqual([]);
      expect(walkToTheEnd()).toEqual([PML4, PDPT, DIRECTORY, TABLE].map(entryAt));
      expect(places(READ)).toEqual([physical(FIRST)]);
    });

    it('an access may use the old translation and the new one, until INVLPG', () => {
      walkToTheEnd();
      map(SECOND);
      expect(walkToTheEnd()).toEqual([entryAt(TABLE)]);
      expect(places(READ)).toEqual([physical(FIRST), physical(SECOND)]);
      operations.invlpg(machine.processor(0), X);
      expect(places(READ)).toEqual([]);
      walkToTheEnd();
      expect(places(READ)).toEqual([physical(SECOND)]);
    });

    it('an entry that is not present is never news, and a fault for whoever reads it', () => {
      map(FIRST, 0n);
      machine.memory.write64(entryAt(TABLE), 0n);
      expect(walkToTheEnd()).toEqual([PML4, PDPT, DIRECTORY].map(entryAt));
      const [answer, ...others] = freedom.answers(0, X, READ);
      expect(others).toEqual([]);
      expect(answer).toMatchObject({ kind: 'walked', reads: entryAt(TABLE), physical: null });
      if (answer === undefined) return;
      expect(freedom.translate(0, X, READ, answer)).toMatchObject({ kind: 'fault', exception: { errorCode: 0 } });
    });

    it('an eviction takes away one thing that an access could use', () => {
      walkToTheEnd();
      const tlb = freedom.evictions(0).filter(({ cached }) => cached.startsWith('tlb'));
      expect(tlb).toHaveLength(1);
      for (const step of tlb) freedom.evict(step);
      expect(places(READ)).toEqual([]);
    });
  });
}

it('a serializing instruction ends a walk under way, and leaves what is cached', () => {
  for (const pagingStructureCaches of [true, false]) {
    build(pagingStructureCaches);
    for (let read = 0; read < 3; read++) for (const step of freedom.walkSteps(0, X)) freedom.takeWalkStep(step);
    operations.fence(machine.processor(0));
    expect(freedom.walkSteps(0, X)).toMatchObject([{ reads: entryAt(TABLE) }]);
    operations.serialize(machine.processor(0));
    expect(freedom.walkSteps(0, X)).toMatchObject([{ reads: entryAt(pagingStructureCaches ? TABLE : PML4) }]);
  }
});

it('a write whose D is clear is answered by a walk that sets it, even while a translation is cached', () => {
  build(true, A);
  walkToTheEnd();
  expect(places(READ)).toEqual([physical(FIRST)]);
  const [answer, ...others] = freedom.answers(0, X, WRITE);
  expect(others).toEqual([]);
  expect(answer).toMatchObject({ kind: 'walked', reads: entryAt(TABLE), updates: true, physical: physical(FIRST) });
  if (answer === undefined) return;
  freedom.translate(0, X, WRITE, answer);
  expect(machine.memory.read64(entryAt(TABLE)) & D).toBe(D);
  expect(freedom.answers(0, X, WRITE)).toMatchObject([{ kind: 'cached' }]);
});

it('entries that never change need no step of their own', () => {
  build(true);
  freedom = new TranslationFreedom(machine, { mayChange: (address) => address === entryAt(DIRECTORY) });
  expect(walkToTheEnd()).toEqual([entryAt(DIRECTORY)]);
  expect(places(READ)).toEqual([physical(FIRST)]);
  expect(freedom.deciding(0, X)).toEqual([entryAt(DIRECTORY)]);
});
