/**
 * What the detector knows of one cached translation, for as long as it is cached.
 *
 * A translation *agrees* with the paging structures when the difference can do no harm (significance.ts). From the last
 * moment of agreement on it collects the changes it has missed; when memory comes to agree with it again, all is
 * forgiven: it could have been filled at that moment.
 */
import type { PageNumber } from '../arch/address.ts';
import type { CachedTranslation } from '../event/cached-translation.ts';
import type { HardwareEvent } from '../event/event.ts';
import type { Change } from './change.ts';
import type { EntryNode } from './entry-index.ts';
import type { FlushDecision } from './flush-matrix.ts';
import type { Obligation } from './obligation.ts';
import type { Staleness } from './significance.ts';

/** A change that a translation has missed, and what made it due, once something has. */
export interface MissedChange {
  readonly change: Change;
  due: Obligation | null;
}

export interface TrackedTranslation {
  readonly cached: CachedTranslation;
  /** Address space: 1 for the kernel's half of the linear addresses, 0 where the root is nobody's. */
  readonly mm: number;
  readonly filledAt: number;
  readonly filledWhere: string | null;
  /** The last read of the walk that filled it. */
  readonly filledBy: Extract<HardwareEvent, { kind: 'walk-read' }> | null;
  /** The entries it is re-judged for: its sources, and those that memory now leads to instead. */
  readonly nodes: EntryNode[];
  /** Null while it agrees with memory; then `missed` is empty. */
  staleness: Staleness | null;
  missed: MissedChange[];
  /** More changes were missed than are remembered, none of them due: no verdict is given any more. */
  overflowed: boolean;
  /** The last decision not to flush that was taken while this was stale. */
  skipped: FlushDecision | null;
}

/** First page of the upper half of the canonical linear addresses. */
const KERNEL_HALF = 2 ** 51;

export function inKernelHalf(page: PageNumber): boolean {
  return page >= KERNEL_HALF;
}

export function isGlobal(cached: CachedTranslation): boolean {
  return cached.kind === 'tlb' && cached.global;
}
