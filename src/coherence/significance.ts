/**
 * What a difference between a cached translation and the paging structures is worth: the ladder of SDM 3A 4.10.4.2 and
 * 4.10.4.3, which say what software must invalidate, what it may leave, and what may happen if it leaves it.
 *
 *   no harm              equal; or the structures allow more (at most one spurious page fault per address, 4.10.4.3);
 *                        or A is clear (Linux leaves that on purpose); or only bits differ that decide nothing here
 *   lost-accessed-dirty  D is clear in memory and cached as set: a write will not set it again
 *   stale-permission     the cached rights exceed the structures'
 *   page-size-mix        the same frame, through a page of another size (4.10.2.3)
 *   stale-frame          not present, a reserved bit, or another frame
 *   freed-table-walked   a walk read a paging structure that had been freed
 *
 * Left out: protection keys, memory types and the G flag, whose staleness moves no access to another frame.
 */
import type { PageNumber } from '../arch/address.ts';
import type { Access } from '../arch/page-fault.ts';
import type { CachedTranslation, TlbEntry } from '../event/cached-translation.ts';
import type { Reference, Rights } from './reference-walk.ts';

/** In order of harm. */
export const STALENESS = ['lost-accessed-dirty', 'stale-permission', 'page-size-mix', 'stale-frame'] as const;
export type Staleness = (typeof STALENESS)[number];
export type Severity = Staleness | 'freed-table-walked';

/** Of the processor's control registers, what decides an access beside the entry's own rights (SDM 3A 4.6.1). */
export interface AccessControls {
  /** CR0.WP: supervisor writes obey R/W. */
  readonly writeProtect: boolean;
  /** CR4.SMEP: no supervisor fetch from a user-mode address. */
  readonly supervisorFetchesRestricted: boolean;
}

export function frameAt(cached: TlbEntry, page: PageNumber): number {
  return cached.frame + (page - cached.slotPage);
}

/** The worst that the difference can do to any access; null where it can do none. */
export function compare(cached: CachedTranslation, reference: Reference): Staleness | null {
  if (cached.kind !== 'tlb') {
    if (reference.kind === 'page') return 'page-size-mix';
    if (reference.kind === 'fault' || reference.table !== cached.table) return 'stale-frame';
    return exceeds(cached, reference) ? 'stale-permission' : null;
  }
  if (reference.kind !== 'page' || reference.frame !== cached.frame) return 'stale-frame';
  if (reference.pages !== cached.pages) return 'page-size-mix';
  if (exceeds(cached, reference)) return 'stale-permission';
  return cached.dirty && cached.writable && !reference.dirty ? 'lost-accessed-dirty' : null;
}

/** What is wrong with this access through this entry, if the structures are as `reference` says; null if it is right. */
export function harm(
  cached: TlbEntry,
  use: { readonly page: PageNumber; readonly access: Access; readonly controls: AccessControls },
  reference: Reference,
): Staleness | null {
  const { page, access, controls } = use;
  if (reference.kind !== 'page' || reference.frame !== frameAt(cached, page)) return 'stale-frame';
  if (reference.pages !== cached.pages) return 'page-size-mix';
  if (allows(cached, access, controls) && !allows(reference, access, controls)) return 'stale-permission';
  return access.kind === 'write' && cached.dirty && !reference.dirty ? 'lost-accessed-dirty' : null;
}

function exceeds(cached: Rights, reference: Rights): boolean {
  return (
    (cached.writable && !reference.writable) ||
    (cached.user && !reference.user) ||
    (cached.executable && !reference.executable)
  );
}

/** SDM 3A 4.6.1, without protection keys and without SMAP: EFLAGS.AC is no part of an event. */
function allows(rights: Rights, access: Access, controls: AccessControls): boolean {
  if (access.user && !rights.user) return false;
  switch (access.kind) {
    case 'read':
      return true;
    case 'write':
      return rights.writable || (!access.user && !controls.writeProtect);
    case 'fetch':
      return rights.executable && !(controls.supervisorFetchesRestricted && !access.user && rights.user);
  }
}
