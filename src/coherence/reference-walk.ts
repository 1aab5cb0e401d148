/**
 * The detector's own reading of the paging structures (SDM 3A 4.5.4, figures 4-8 to 4-11, with its reserved bits), apart
 * from the MMU's, so that a wrong walker there cannot hide itself here.
 *
 * It walks *values*: at every entry address there may be several values that a processor is allowed to know, and every
 * combination of them is a world that it may live in. Where there is one value each, this is an ordinary walk.
 *
 * Left out: protection keys and memory types (they change no frame and no right of their own), EFER.NXE = 0 (XD is then
 * reserved), and everything before CR0.PG.
 */
import {
  addressInFrame,
  type FrameNumber,
  frameNumber,
  type PageNumber,
  type PagingLevel,
  type PagingLevels,
  type PhysicalAddress,
  pagesPerEntry,
  tableIndex,
} from '../arch/address.ts';
import { entryFrame, PagingEntry } from '../arch/paging-entry.ts';

export interface Rights {
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
}

/** What the structures say of one page: the page itself, the structure at which the walk was to stop, or nothing. */
export type Reference =
  | (Rights & { readonly kind: 'page'; readonly frame: FrameNumber; readonly pages: number; readonly dirty: boolean })
  | (Rights & { readonly kind: 'table'; readonly table: FrameNumber })
  | { readonly kind: 'fault'; readonly level: PagingLevel; readonly why: 'not present' | 'reserved bit set' };

export interface ReferenceWalk {
  readonly root: FrameNumber;
  readonly page: PageNumber;
  readonly levels: PagingLevels;
  /** 2^(MAXPHYADDR - 12): frame numbers from here on have reserved bits set. */
  readonly frameLimit: number;
  /** Level of the entry whose structure is wanted, for a paging-structure-cache entry; 1 to walk to the page. */
  readonly until: PagingLevel;
}

/** Every value that the entry at this address may have; the first is the one in memory. */
export type ValuesAt = (address: PhysicalAddress) => readonly bigint[];

const ALL_RIGHTS: Rights = { writable: true, user: true, executable: true };

/** Visits what each world says, the world of memory first; stops when a visit returns true, and returns whether one did. */
export function someWorld(walk: ReferenceWalk, valuesAt: ValuesAt, visit: (reference: Reference) => boolean): boolean {
  return worldsBelow(walk, { level: walk.levels, table: walk.root, above: ALL_RIGHTS }, valuesAt, visit);
}

/** What memory itself says. `entered` is told each entry address on the way. */
export function referenceWalk(
  walk: ReferenceWalk,
  read: (address: PhysicalAddress) => bigint,
  entered?: (address: PhysicalAddress) => void,
): Reference {
  let table = walk.root;
  let rights = ALL_RIGHTS;
  for (let level: PagingLevel = walk.levels; ; level = (level - 1) as PagingLevel) {
    const address = addressOf(walk, level, table);
    entered?.(address);
    const reference = follow(walk, level, read(address), rights);
    if (reference.kind !== 'table' || level === walk.until) return reference;
    table = reference.table;
    rights = reference;
  }
}

function worldsBelow(
  walk: ReferenceWalk,
  { level, table, above }: { level: PagingLevel; table: FrameNumber; above: Rights },
  valuesAt: ValuesAt,
  visit: (reference: Reference) => boolean,
): boolean {
  for (const entry of valuesAt(addressOf(walk, level, table))) {
    const reference = follow(walk, level, entry, above);
    if (reference.kind !== 'table' || level === walk.until) {
      if (visit(reference)) return true;
    } else {
      const below = { level: (level - 1) as PagingLevel, table: reference.table, above: reference };
      if (worldsBelow(walk, below, valuesAt, visit)) return true;
    }
  }
  return false;
}

function addressOf({ page }: ReferenceWalk, level: PagingLevel, table: FrameNumber): PhysicalAddress {
  return addressInFrame(table, tableIndex(page, level) * 8);
}

const P = Number(PagingEntry.P);
const RW = Number(PagingEntry.RW);
const US = Number(PagingEntry.US);
const D = Number(PagingEntry.D);
const PS = Number(PagingEntry.PS);

/** What one entry says: a page, the next structure, or nothing. */
function follow(walk: ReferenceWalk, level: PagingLevel, entry: bigint, above: Rights): Reference {
  const low = Number(BigInt.asUintN(32, entry));
  if ((low & P) === 0) return { kind: 'fault', level, why: 'not present' };
  const frame = entryFrame(entry);
  const pages = level === 1 || (level <= 3 && (low & PS) !== 0) ? pagesPerEntry(level) : 0;
  if (frame >= walk.frameLimit || hasReservedBit(low, { level, frame, pages })) {
    return { kind: 'fault', level, why: 'reserved bit set' };
  }
  const writable = above.writable && (low & RW) !== 0;
  const user = above.user && (low & US) !== 0;
  const executable = above.executable && entry < PagingEntry.XD;
  if (pages === 0) return { kind: 'table', table: frame, writable, user, executable };
  // Bit 12 of an entry that maps a large page is PAT, not address (SDM 3A table 4-16, 4-18).
  const mapped = frameNumber(frame - (frame % pages) + (walk.page % pages));
  return { kind: 'page', frame: mapped, pages, dirty: (low & D) !== 0, writable, user, executable };
}

/** PS above the PDPTE; and the address bits below the size of a large page, but for PAT in bit 12. */
function hasReservedBit(
  low: number,
  { level, frame, pages }: { level: PagingLevel; frame: FrameNumber; pages: number },
): boolean {
  if (level >= 4) return (low & PS) !== 0;
  return pages > 1 && frame % pages > 1;
}
