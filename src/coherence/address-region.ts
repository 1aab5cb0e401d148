/** Ranges of flushes and promises in page numbers, made once so that asking costs two comparisons. */
import type { AddressRange } from '../event/event.ts';
import { EVERYTHING_END } from '../event/range-in-words.ts';
import type { TrackedTranslation } from './tracked-translation.ts';

/** Pages [first, limit) of an address space. mm 0 stands for every address space, the kernel's included. */
export interface AddressRegion {
  readonly mm: number;
  readonly first: number;
  readonly limit: number;
}

export const EVERY_MM = 0;

export function regionOf(range: AddressRange): AddressRegion {
  if (range.end === EVERYTHING_END) return { mm: range.mm, first: 0, limit: Number.POSITIVE_INFINITY };
  return { mm: range.mm, first: Number(range.start >> 12n), limit: Number((range.end + 0xfffn) >> 12n) };
}

/**
 * Whether flushing the region concerns the translation: one page of a large page is enough to lose all of it, and one
 * INVLPG to lose a paging-structure-cache entry whose region it is in (SDM 3A 4.10.4.1).
 */
export function concerns(region: AddressRegion, tracked: TrackedTranslation): boolean {
  const { page, pages } = tracked.cached;
  if (region.mm !== EVERY_MM && region.mm !== tracked.mm) return false;
  return page < region.limit && page + pages > region.first;
}
