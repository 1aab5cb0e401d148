/** The detector's own reading of the paging structures. */
import { describe, expect, it } from 'vitest';
import {
  addressInFrame,
  frameNumber,
  type PagingLevel,
  type PagingLevels,
  type PhysicalAddress,
  pageNumber,
  tableIndex,
} from '../../src/arch/address.ts';
import { makeEntry, PagingEntry } from '../../src/arch/paging-entry.ts';
import { type Reference, type ReferenceWalk, referenceWalk, someWorld } from '../../src/coherence/reference-walk.ts';
import { TABLE, USER_RW } from './history.ts';

const { P, RW, US, D, PS, XD, PAT_LARGE } = PagingEntry;
const page = pageNumber(0o123_456_701_234);
const FRAME = 0x4_0000;

interface Row {
  readonly cite: string;
  readonly given: string;
  /** Departures from tables that give every right, by level. */
  readonly entries: Partial<Record<PagingLevel, bigint>>;
  readonly levels?: PagingLevels;
  readonly until?: PagingLevel;
  readonly expect: Partial<Reference>;
}

const rights = { writable: true, user: true, executable: true };
const rows: readonly Row[] = [
  {
    cite: '4.5.4',
    given: 'a 4-KByte page',
    entries: {},
    expect: { kind: 'page', frame: frameNumber(FRAME), pages: 1, dirty: true, ...rights },
  },
  {
    cite: '4.5.4',
    given: 'five levels',
    entries: {},
    levels: 5,
    expect: { kind: 'page', frame: frameNumber(FRAME), pages: 1 },
  },
  {
    cite: '4.5.4',
    given: 'a 2-MByte page',
    entries: { 2: makeEntry(frameNumber(FRAME), USER_RW | PS) },
    expect: { kind: 'page', frame: frameNumber(FRAME + (page % 512)), pages: 512 },
  },
  {
    cite: '4.5.4',
    given: 'a 1-GByte page',
    entries: { 3: makeEntry(frameNumber(FRAME), USER_RW | PS) },
    expect: { kind: 'page', frame: frameNumber(FRAME + (page % 512 ** 2)), pages: 512 ** 2 },
  },
  {
    cite: 'table 4-17',
    given: 'PAT in bit 12 of a large page',
    entries: { 2: makeEntry(frameNumber(FRAME), USER_RW | PS | PAT_LARGE) },
    expect: { kind: 'page', frame: frameNumber(FRAME + (page % 512)) },
  },
  {
    cite: '4.6.1',
    given: 'R/W clear in the PML4E',
    entries: { 4: makeEntry(frameNumber(3), P | US) },
    expect: { kind: 'page', writable: false, user: true },
  },
  {
    cite: '4.6.1',
    given: 'U/S clear in the PDE',
    entries: { 2: makeEntry(frameNumber(1), P | RW) },
    expect: { kind: 'page', writable: true, user: false },
  },
  {
    cite: '4.6.1',
    given: 'XD set in the PDPTE',
    entries: { 3: makeEntry(frameNumber(2), TABLE | XD) },
    expect: { kind: 'page', executable: false },
  },
  {
    cite: '4.8',
    given: 'D clear',
    entries: { 1: makeEntry(frameNumber(FRAME), USER_RW & ~D) },
    expect: { kind: 'page', dirty: false },
  },
  {
    cite: '4.5.4',
    given: 'P clear in the PDE',
    entries: { 2: RW },
    expect: { kind: 'fault', level: 2, why: 'not present' },
  },
  {
    cite: '4.5.4',
    given: 'PS set in the PML4E',
    entries: { 4: makeEntry(frameNumber(3), TABLE | PS) },
    expect: { kind: 'fault', level: 4, why: 'reserved bit set' },
  },
  {
    cite: 'table 4-17',
    given: 'a 2-MByte page that is not aligned',
    entries: { 2: makeEntry(frameNumber(FRAME + 2), USER_RW | PS) },
    expect: { kind: 'fault', level: 2, why: 'reserved bit set' },
  },
  {
    cite: 'table 4-19',
    given: 'PAT in bit 7 of a PTE',
    entries: { 1: makeEntry(frameNumber(FRAME), USER_RW | PS) },
    expect: { kind: 'page', pages: 1 },
  },
  {
    cite: '4.1.4',
    given: 'a frame past MAXPHYADDR',
    entries: { 1: makeEntry(frameNumber(2 ** 28), USER_RW) },
    expect: { kind: 'fault', level: 1, why: 'reserved bit set' },
  },
  {
    cite: '4.10.3',
    given: 'as far as the PDE',
    entries: {},
    until: 2,
    expect: { kind: 'table', table: frameNumber(1), ...rights },
  },
  {
    cite: '4.10.3',
    given: 'as far as the PDE, which maps a page',
    entries: { 2: makeEntry(frameNumber(FRAME), USER_RW | PS) },
    until: 2,
    expect: { kind: 'page', pages: 512 },
  },
];

/** Frame n holds the structure of level n. */
function tables({ entries, levels = 4, until = 1 }: Row): {
  walk: ReferenceWalk;
  memory: Map<PhysicalAddress, bigint>;
} {
  const memory = new Map<PhysicalAddress, bigint>();
  for (const level of [1, 2, 3, 4, 5] as const) {
    const next = level === 1 ? makeEntry(frameNumber(FRAME), USER_RW) : makeEntry(frameNumber(level - 1), TABLE);
    memory.set(addressInFrame(frameNumber(level), tableIndex(page, level) * 8), entries[level] ?? next);
  }
  return { walk: { root: frameNumber(levels), page, levels, frameLimit: 2 ** 28, until }, memory };
}

describe('the reference walk', () => {
  it.each(rows.map((row) => [`SDM 3A ${row.cite}: ${row.given}`, row] as const))('%s', (_, row) => {
    const { walk, memory } = tables(row);
    const read = (address: PhysicalAddress): bigint => memory.get(address) ?? 0n;
    expect(referenceWalk(walk, read)).toMatchObject(row.expect);
    const worlds: Reference[] = [];
    expect(
      someWorld(
        walk,
        (address) => [read(address)],
        (reference) => worlds.push(reference) < 0,
      ),
    ).toBe(false);
    expect(worlds).toEqual([referenceWalk(walk, read)]);
  });

  it('visits every combination of the values that entries may have', () => {
    const { walk, memory } = tables({ cite: '', given: '', entries: {}, expect: {} });
    const alternatives = new Map<PhysicalAddress, bigint>([
      [addressInFrame(frameNumber(2), tableIndex(page, 2) * 8), makeEntry(frameNumber(1), P | US)],
      [addressInFrame(frameNumber(1), tableIndex(page, 1) * 8), 0n],
    ]);
    const seen: string[] = [];
    someWorld(
      walk,
      (address) => {
        const other = alternatives.get(address);
        const now = memory.get(address) ?? 0n;
        return other === undefined ? [now] : [now, other];
      },
      (reference) => {
        seen.push(reference.kind === 'page' ? `writable ${reference.writable}` : reference.kind);
        return false;
      },
    );
    expect(seen).toEqual(['writable true', 'fault', 'writable false', 'fault']);
  });
});
