/**
 * Which linear addresses a processor could be translating speculatively when a given paging-structure entry is about to
 * change: those whose walk from the loaded root reads that entry. The ways from an entry up to the root are the ones that
 * walks have taken before, checked against memory as it is now.
 */
import type { FrameNumber, PageNumber, PagingLevel, PagingLevels, PhysicalAddress } from '../arch/address.ts';
import { addressInFrame, frameOf, PAGE_BYTES, PAGE_NUMBER_LIMIT, pagesPerEntry } from '../arch/address.ts';
import { entryFrame, mapsPage, PagingEntry } from '../arch/paging-entry.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import type { ControlState } from './control-state.ts';
import type { TranslationCaches } from './translation-caches.ts';

/** One way in which the loaded root reaches an entry. */
interface Reach {
  readonly level: PagingLevel;
  /** First page of the region that the entry translates this way. */
  readonly page: PageNumber;
}

/** A structure that is shared within one hierarchy is reached in many ways; this many are followed. */
const REACH_LIMIT = 64;

/**
 * A page for each way in which the loaded root reaches an entry that is present and of which nothing is cached that way.
 * For an entry that refers to a structure, one page stands for all below it; a walk to it caches the entry itself.
 */
export function pagesToSpeculate(
  memory: PhysicalMemory,
  control: ControlState,
  { tlb, structures }: Pick<TranslationCaches, 'tlb' | 'structures'>,
  entryAddress: PhysicalAddress,
): PageNumber[] {
  const entry = memory.read64(entryAddress);
  if ((entry & PagingEntry.P) === 0n) return [];
  const uncached = reachesOf(memory, control, entryAddress).filter(({ level, page }) => {
    const cached = mapsPage(entry, level) ? tlb.find(page, control.pcid) : structures.find(page, control.pcid, level);
    return cached === null;
  });
  return uncached.map((reach) => representativePage(memory, reach, entry));
}

function reachesOf(
  memory: PhysicalMemory,
  context: { readonly root: FrameNumber; readonly levels: PagingLevels },
  entryAddress: PhysicalAddress,
): Reach[] {
  const reaches: Reach[] = [];
  const climb = (address: PhysicalAddress, level: PagingLevel, below: number, entryLevel: PagingLevel): void => {
    if (reaches.length >= REACH_LIMIT) return;
    const frame = frameOf(address);
    const page = below + ((address % PAGE_BYTES) / 8) * pagesPerEntry(level);
    if (level === context.levels) {
      if (frame === context.root) reaches.push({ level: entryLevel, page: signExtend(page, context.levels) });
      return;
    }
    for (const { level: known, parent } of memory.pagingReferences(frame)) {
      if (known === level && parent !== null) climb(parent, (level + 1) as PagingLevel, page, entryLevel);
    }
  };
  const levels = new Set(memory.pagingReferences(frameOf(entryAddress)).map(({ level }) => level));
  for (const level of levels) climb(entryAddress, level, 0, level);
  return reaches;
}

/**
 * The address that stands for all those under an entry: the lowest one that memory translates, or else the first of the
 * region. At each level below, only the first present entry is followed.
 */
function representativePage(memory: PhysicalMemory, { level, page }: Reach, entry: bigint): PageNumber {
  let representative: number = page;
  let current = entry;
  for (let below = level; below > 1 && !mapsPage(current, below); below = (below - 1) as PagingLevel) {
    const child = firstPresent(memory, entryFrame(current));
    if (child === null) break;
    representative += child.index * pagesPerEntry((below - 1) as PagingLevel);
    current = child.entry;
  }
  return representative as PageNumber;
}

function firstPresent(memory: PhysicalMemory, table: FrameNumber): { index: number; entry: bigint } | null {
  if (table >= memory.frames) return null;
  for (let index = 0; index < 512; index++) {
    const entry = memory.read64(addressInFrame(table, index * 8));
    if ((entry & PagingEntry.P) !== 0n) return { index, entry };
  }
  return null;
}

function signExtend(page: number, levels: PagingLevels): PageNumber {
  const pages = 512 ** levels;
  return (page < pages / 2 ? page : PAGE_NUMBER_LIMIT - pages + page) as PageNumber;
}
