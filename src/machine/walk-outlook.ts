/**
 * Where a walk would come to if it went on now, without taking it: which entry decides, and how it ends. For searches,
 * which must know the steps that there are before they take one.
 *
 * Entries that never change need no step of their own: reading them commutes with everything. So one step reads such
 * entries, one entry that may change, and such entries again.
 */
import {
  addressInFrame,
  type FrameNumber,
  frameNumber,
  type PageNumber,
  type PagingLevel,
  pagesPerEntry,
  type PhysicalAddress,
  tableIndex,
} from '../arch/address.ts';
import type { Access } from '../arch/page-fault.ts';
import { entryFrame, entryProtectionKey, mapsPage, PagingEntry } from '../arch/paging-entry.ts';
import type { EntrySource } from '../event/cached-translation.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { ALLOWED, accessCode, isWrite, rightsFault } from '../mmu/access-rights.ts';
import type { ControlState } from '../mmu/control-state.ts';

/** What a walk knows at some point. */
export interface WalkPosition {
  readonly level: PagingLevel;
  readonly table: FrameNumber;
  readonly sources: readonly EntrySource[];
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
}

export interface WalkOutlook {
  /** `passed`: more entries are to be read. `invalid`: no translation. `denied`: one that forbids the access. */
  readonly end: 'passed' | 'invalid' | 'denied' | 'translated';
  /** Entries to read until then. */
  readonly entries: number;
  /** The one of them that may change; null if none does. */
  readonly reads: PhysicalAddress | null;
  /** Whether A or D of it would be set. */
  readonly updates: boolean;
  /** Whether a write would have to set D. */
  readonly setsDirty: boolean;
  /** Of a translation: whether D is set in it after a walk without an access. */
  readonly dirty: boolean;
  readonly global: boolean;
  /** The frame of the page, once translated. */
  readonly frame: FrameNumber | null;
  /** Everything that the walk knows then of entries that may change. */
  readonly sources: readonly EntrySource[];
}

/** `access`: null for a walk that no access asks for. */
export function lookAhead(
  memory: PhysicalMemory,
  control: ControlState,
  mayChange: (address: PhysicalAddress) => boolean,
  { page, position, access }: { page: PageNumber; position: WalkPosition; access: Access | null },
): WalkOutlook {
  const sources = [...position.sources];
  let { level, table, writable, user, executable } = position;
  let reads: PhysicalAddress | null = null;
  let updates = false;
  for (let entries = 0; ; entries++) {
    const address = addressInFrame(table, tableIndex(page, level) * 8);
    const changes = table < memory.frames && mayChange(address);
    const outlook = { entries, reads, updates, setsDirty: false, dirty: false, global: false, frame: null, sources };
    if (changes && reads !== null) return { ...outlook, end: 'passed' };
    if (changes) reads = address;
    const entry = table < memory.frames ? memory.read64(address) : 0n;
    const read = { ...outlook, entries: entries + 1, reads };
    if ((entry & PagingEntry.P) === 0n || control.reserved.areSetIn(entry, level)) {
      // A walk for nothing stops before what would end it in vain: it may know something that is news until then.
      return access === null && reads !== null && !changes
        ? { ...outlook, end: 'passed' }
        : { ...read, end: 'invalid' };
    }
    updates ||= (entry & PagingEntry.A) === 0n;
    writable &&= (entry & PagingEntry.RW) !== 0n;
    user &&= (entry & PagingEntry.US) !== 0n;
    executable &&= (entry & PagingEntry.XD) === 0n;
    if (!mapsPage(entry, level)) {
      sources.push({ level, address, entry: entry | PagingEntry.A });
      table = entryFrame(entry);
      level = (level - 1) as PagingLevel;
      continue;
    }
    const code = access === null ? null : accessCode(access);
    const rights = { writable, user, executable, protectionKey: entryProtectionKey(entry) };
    if (code !== null && rightsFault(rights, code, control) !== ALLOWED) return { ...read, end: 'denied' };
    const dirty = (entry & PagingEntry.D) !== 0n;
    const setsDirty = code !== null && isWrite(code) && !dirty;
    sources.push({ level, address, entry: entry | PagingEntry.A });
    const global = control.pge && (entry & PagingEntry.G) !== 0n;
    const pages = pagesPerEntry(level);
    const frame = frameNumber(entryFrame(entry) - (entryFrame(entry) % pages) + (page % pages));
    return { ...read, end: 'translated', updates: updates || setsDirty, setsDirty, dirty, global, frame };
  }
}
