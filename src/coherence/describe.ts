/** Entries, accesses and reasons in words, for reports. */
import { type PagingLevel, pagesPerEntry } from '../arch/address.ts';
import { ENTRY_NAME, entryFrame, mapsPage, PagingEntry } from '../arch/paging-entry.ts';
import type { CachedTranslation } from '../event/cached-translation.ts';
import { rangeInWords } from '../event/range-in-words.ts';
import type { Operation } from './change.ts';
import type { Obligation } from './obligation.ts';
import type { Severity } from './significance.ts';
import type { Rights } from './reference-walk.ts';

export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

export function entryName(level: PagingLevel | null): string {
  return level === null ? 'entry' : ENTRY_NAME[level];
}

/** What a processor that reads the entry learns from it. */
export function describeEntry(entry: bigint, level: PagingLevel | null): string {
  if ((entry & PagingEntry.P) === 0n) return 'not present';
  const words = [
    level === null || mapsPage(entry, level)
      ? `frame ${hex(entryFrame(entry))}${level === 2 || level === 3 ? ` of a ${pageSize(pagesPerEntry(level))} page` : ''}`
      : `table ${hex(entryFrame(entry))}`,
    rightsInWords({
      writable: (entry & PagingEntry.RW) !== 0n,
      user: (entry & PagingEntry.US) !== 0n,
      executable: (entry & PagingEntry.XD) === 0n,
    }),
  ];
  if ((entry & PagingEntry.A) !== 0n) words.push('accessed');
  if ((level === null || mapsPage(entry, level)) && (entry & PagingEntry.D) !== 0n) words.push('dirty');
  return words.join(', ');
}

export function rightsInWords({ writable, user, executable }: Rights): string {
  const privilege = user ? 'user' : 'supervisor';
  return `${privilege} ${writable ? 'read/write' : 'read-only'}${executable ? '' : ', no execute'}`;
}

/** As the manual writes sizes: `2-MByte`. */
export function pageSize(pages: number): string {
  if (pages >= 512 * 512) return `${pages / (512 * 512)}-GByte`;
  return pages >= 512 ? `${(pages * 4) / 1024}-MByte` : `${pages * 4}-KByte`;
}

export function cacheName(kind: CachedTranslation['kind']): string {
  return kind === 'tlb' ? 'TLB entry' : `${kind.toUpperCase()}-cache entry`;
}

export function describeOperation(operation: Operation | null): string {
  return operation === null ? '' : `, in ${operation.name}`;
}

export function place(processor: number, where: string | null): string {
  return where === null ? `processor ${processor}` : `processor ${processor} (${where})`;
}

/** Who made the change due, and about what. */
export function describeObligation(due: Obligation): readonly string[] {
  switch (due.kind) {
    case 'flush':
      return [
        `step ${due.returned}: ${place(due.processor, due.where)}: flush ${due.flush} returned (${due.reason}${due.batch ? ', batched' : ''})`,
        `begun at step ${due.began} for ${rangeInWords(due.range)}`,
      ];
    case 'promise':
      return [
        `step ${due.time}: ${place(due.processor, due.where)}: promised (${due.why})`,
        `for ${rangeInWords(due.range)}`,
      ];
    case 'frame-free':
      return [`step ${due.time}: processor ${due.processor}: freed frame ${hex(due.frame)}`];
    case 'context-switch':
      return [`at once: nothing cached for PCID ${due.pcid} was of the new structures`];
  }
}

/** What the severity means, as the manual would say it. */
export const SEVERITY_MEANING = {
  'lost-accessed-dirty': 'a write will not set D, which software had cleared',
  'stale-permission': 'the access was no longer allowed',
  'page-size-mix': 'the page is now mapped with another page size',
  'stale-frame': 'the page no longer maps this frame',
  'freed-table-walked': 'the paging structure that was read had been freed',
} as const satisfies Record<Severity, string>;
