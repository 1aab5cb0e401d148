/**
 * The detector's own reading of the paging structures (SDM 3A 4.5.4, figures 4-8 to 4-11; reserved bits 4.5.5), apart
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
import { entryFrame, mapsPage, PagingEntry } from '../arch/paging-entry.ts';

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
  return worldsBelow(walk, walk.levels, walk.root, ALL_RIGHTS, valuesAt, visit);
}

/** What memory itself says. `entered` is told each entry address on the way. */
export function referenceWalk(
  walk: ReferenceWalk,
  read: (address: PhysicalAddress) => bigint,
  entered?: (address: PhysicalAddress) => void,
): Reference {
  let found: Reference = { kind: 'fault', level: walk.levels, why: 'not present' };
  const valuesAt: ValuesAt = (address) => {
    entered?.(address);
    return [read(address)];
  };
  someWorld(walk, valuesAt, (reference) => {
    found = reference;
    return true;
  });
  return found;
}

function worldsBelow(
  walk: ReferenceWalk,
  level: PagingLevel,
  table: FrameNumber,
  above: Rights,
  valuesAt: ValuesAt,
  visit: (reference: Reference) => boolean,
): boolean {
  const address = addressInFrame(table, tableIndex(walk.page, level) * 8);
  for (const entry of valuesAt(address)) {
    if ((entry & PagingEntry.P) === 0n) {
      if (visit({ kind: 'fault', level, why: 'not present' })) return true;
      continue;
    }
    const frame = entryFrame(entry);
    const pages = mapsPage(entry, level) ? pagesPerEntry(level) : 0;
    if (frame >= walk.frameLimit || hasReservedBit(entry, { level, frame, pages })) {
      if (visit({ kind: 'fault', level, why: 'reserved bit set' })) return true;
      continue;
    }
    const rights: Rights = {
      writable: above.writable && (entry & PagingEntry.RW) !== 0n,
      user: above.user && (entry & PagingEntry.US) !== 0n,
      executable: above.executable && (entry & PagingEntry.XD) === 0n,
    };
    if (pages > 0) {
      const { writable, user, executable } = rights;
      const dirty = (entry & PagingEntry.D) !== 0n;
      // Bit 12 of an entry that maps a large page is PAT, not address (SDM 3A table 4-16, 4-18).
      const mapped = frameNumber(frame - (frame % pages) + (walk.page % pages));
      if (visit({ kind: 'page', frame: mapped, pages, dirty, writable, user, executable })) return true;
    } else if (level === walk.until) {
      const { writable, user, executable } = rights;
      if (visit({ kind: 'table', table: frame, writable, user, executable })) return true;
    } else if (worldsBelow(walk, (level - 1) as PagingLevel, frame, rights, valuesAt, visit)) {
      return true;
    }
  }
  return false;
}

/** PS above the PDPTE; and the address bits below the size of a large page, but for PAT in bit 12. */
function hasReservedBit(
  entry: bigint,
  { level, frame, pages }: { level: PagingLevel; frame: FrameNumber; pages: number },
): boolean {
  if (level >= 4) return (entry & PagingEntry.PS) !== 0n;
  return pages > 1 && frame % pages > 1;
}
