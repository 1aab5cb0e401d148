/**
 * Where the things that a litmus test names are: linear pages, paging structures, frames, cells; and what memory holds at
 * the start. Every page has tables of its own in every address space, down to a page table that it shares with the pages
 * beside it; PML4, page-directory-pointer table and page directory are one for all pages of a space.
 */
import {
  addressInFrame,
  type FrameNumber,
  frameNumber,
  type LinearAddress,
  linearAddress,
  pageOf,
  type PagingLevel,
  type PhysicalAddress,
  tableIndex,
} from '../../arch/address.ts';
import { entryFrame, makeEntry, PagingEntry } from '../../arch/paging-entry.ts';
import { present } from '../../base/assert.ts';
import type { CellRef, EntryBit, EntryContent, EntryRef, Flag, LitmusTest } from '../../workload/litmus-ast.ts';
import { type LitmusNames, namesOf } from '../../workload/litmus-names.ts';

const FIRST_PAGE = 0x4000_0000n;
const REGION_BYTES = 0x20_0000n;
const PAGES_IN_LARGE = 512;
const ENTRY_LEVEL = { PML4E: 4, PDPTE: 3, PDE: 2, PTE: 1 } as const;

const { P, RW, US, A, D, PS, G, XD } = PagingEntry;
export const BIT_MASKS = { P, RW, US, A, D, G } as const satisfies Record<EntryBit, bigint>;
/** Above MAXPHYADDR of every part that we model. */
const RESERVED = 1n << 51n;

const FLAG_EFFECTS = {
  ro: { set: 0n, clear: RW },
  kernel: { set: 0n, clear: US },
  xd: { set: XD, clear: 0n },
  global: { set: G, clear: 0n },
  old: { set: 0n, clear: A },
  clean: { set: 0n, clear: D },
  large: { set: PS, clear: 0n },
  reserved: { set: RESERVED, clear: 0n },
} as const satisfies Record<Flag, { set: bigint; clear: bigint }>;

interface SpaceTables {
  readonly pml4: FrameNumber;
  readonly pdpt: FrameNumber;
  readonly directory: FrameNumber;
  /** By region. */
  readonly pageTables: Map<number, FrameNumber>;
}

export class LitmusLayout {
  readonly names: LitmusNames;
  readonly #pages = new Map<string, LinearAddress>();
  readonly #spaces = new Map<string, SpaceTables>();
  /** Tables, frames, cells and large pages. */
  readonly #frames = new Map<string, FrameNumber>();
  #next = 1;

  constructor(test: LitmusTest) {
    this.names = namesOf(test);
    const { pages, neighbours, spaces, tables, frames, cells, large } = this.names;
    let regions = 0;
    for (const page of pages) {
      if (neighbours.has(page)) continue;
      regions++;
      // Pages differ in their index too, so that they select different pieces of a large page.
      this.#pages.set(page, linearAddress(FIRST_PAGE + BigInt(regions) * (REGION_BYTES + 0x1_0000n)));
    }
    let beside = 0;
    for (const [page, neighbour] of neighbours) {
      beside++;
      const first = present(this.#pages.get(neighbour), 'a page that has neighbours');
      this.#pages.set(page, linearAddress(first + BigInt(beside) * 0x1000n));
    }
    for (const space of spaces) this.#spaces.set(space, this.#tablesOf(pages));
    for (const name of [...tables, ...frames, ...cells]) this.#frames.set(name, this.#frame());
    let largeFrame = PAGES_IN_LARGE;
    for (const name of large) {
      this.#frames.set(name, frameNumber(largeFrame));
      largeFrame += PAGES_IN_LARGE;
    }
    if (large.size > 0) this.#next = largeFrame;
  }

  /** Frames of memory that it takes. */
  get memoryFrames(): number {
    return this.#next;
  }

  pageAddress(page: string): LinearAddress {
    return present(this.#pages.get(page), `page ${page}`);
  }

  root(space: string): PhysicalAddress {
    return addressInFrame(this.#space(space).pml4, 0);
  }

  entryAddress(entry: EntryRef): PhysicalAddress {
    const page = pageOf(this.pageAddress(entry.page.page));
    const table = this.#tableOf(entry);
    return addressInFrame(table, tableIndex(page, this.entryLevel(entry)) * 8);
  }

  entryLevel(entry: EntryRef): PagingLevel {
    return entry.kind === 'in-table' ? 1 : ENTRY_LEVEL[entry.kind];
  }

  cellAddress({ name, piece }: CellRef): PhysicalAddress {
    const frame = present(this.#frames.get(name), `frame ${name}`);
    if (piece === null) return addressInFrame(frame, 0);
    return addressInFrame(frameNumber(frame + (pageOf(this.pageAddress(piece)) % PAGES_IN_LARGE)), 0);
  }

  /** Whether `[name]` is accessed through a translation. */
  isPage({ name, piece }: CellRef): boolean {
    return piece === null && this.#pages.has(name);
  }

  content(entry: EntryRef, content: EntryContent): bigint {
    if (content.kind === 'invalid') return 0n;
    const mapsPage = this.entryLevel(entry) === 1 || content.flags.includes('large');
    let value = makeEntry(present(this.#frames.get(content.to), content.to), P | RW | US | A | (mapsPage ? D : 0n));
    for (const flag of content.flags) value = (value | FLAG_EFFECTS[flag].set) & ~FLAG_EFFECTS[flag].clear;
    return value;
  }

  /** Whether an entry is present and refers to what is named. */
  refersTo(value: bigint, name: string): boolean {
    return (value & P) !== 0n && entryFrame(value) === this.#frames.get(name);
  }

  /** An entry in the words of a test. */
  describeEntry(value: bigint): string {
    if ((value & P) === 0n) return 'invalid';
    const name = [...this.#frames].find(([, frame]) => frame === entryFrame(value))?.[0] ?? 'table';
    const bits = Object.entries(BIT_MASKS).flatMap(([bit, mask]) =>
      bit !== 'P' && (value & mask) !== 0n ? [bit] : [],
    );
    return [name, ...bits].join('+');
  }

  /** What memory holds before the test's own lines about it: the structures down to the page tables. */
  *structures(): Generator<{ readonly address: PhysicalAddress; readonly value: bigint }> {
    const refers = (table: FrameNumber): bigint => makeEntry(table, P | RW | US | A);
    for (const { pml4, pdpt, directory, pageTables } of this.#spaces.values()) {
      const first = pageOf(linearAddress(FIRST_PAGE));
      yield { address: addressInFrame(pml4, tableIndex(first, 4) * 8), value: refers(pdpt) };
      yield { address: addressInFrame(pdpt, tableIndex(first, 3) * 8), value: refers(directory) };
      for (const [index, table] of pageTables) {
        yield { address: addressInFrame(directory, index * 8), value: refers(table) };
      }
    }
  }

  #tableOf(entry: EntryRef): FrameNumber {
    if (entry.kind === 'in-table') return present(this.#frames.get(entry.table), `table ${entry.table}`);
    const { pml4, pdpt, directory, pageTables } = this.#space(entry.page.space);
    switch (entry.kind) {
      case 'PML4E':
        return pml4;
      case 'PDPTE':
        return pdpt;
      case 'PDE':
        return directory;
      case 'PTE':
        return present(pageTables.get(tableIndex(pageOf(this.pageAddress(entry.page.page)), 2)), 'a page table');
    }
  }

  #tablesOf(pages: ReadonlySet<string>): SpaceTables {
    const pageTables = new Map<number, FrameNumber>();
    const tables = { pml4: this.#frame(), pdpt: this.#frame(), directory: this.#frame(), pageTables };
    for (const page of pages) {
      const index = tableIndex(pageOf(this.pageAddress(page)), 2);
      if (!pageTables.has(index)) pageTables.set(index, this.#frame());
    }
    return tables;
  }

  #space(name: string): SpaceTables {
    return present(this.#spaces.get(name), `space ${name}`);
  }

  #frame(): FrameNumber {
    return frameNumber(this.#next++);
  }
}
