/**
 * What each operation promises to invalidate, as a predicate over cached translations (SDM 3A 4.10.4.1). Nothing more is
 * removed than is promised here: a processor may do more, and software that relies on more is what we look for.
 */
import type { PageNumber } from '../arch/address.ts';
import { Cr0, Cr4, InvpcidType } from '../arch/control-registers.ts';
import { unreachable } from '../base/assert.ts';
import type { InvlpgbOperand } from '../arch/invlpgb.ts';
import type { CachedTranslation, PagingStructureCacheEntry, TlbEntry } from '../event/cached-translation.ts';
import type { ControlState } from './control-state.ts';

export interface Invalidation {
  /** The PCID whose translations go; null means every PCID's. */
  readonly pcid: number | null;
  /** Global TLB entries: none, those filled under `pcid`, or those of all PCIDs. */
  readonly globals: 'none' | 'own' | 'all';
  /** TLB entries of this page only; null means of every page. */
  readonly page: PageNumber | null;
  /** With `page`: the slots that answer for it, or every slot of the page that maps it, large as that may be. */
  readonly extent: 'slot' | 'page';
  /** Entries of the paging-structure caches: all of `pcid`, or those that would translate `page`. */
  readonly structures: 'all' | 'path';
}

export const EVERYTHING: Invalidation = { pcid: null, globals: 'all', page: null, extent: 'page', structures: 'all' };

export function invalidates(invalidation: Invalidation, cached: CachedTranslation): boolean {
  return cached.kind === 'tlb' ? invalidatesTlb(invalidation, cached) : invalidatesStructure(invalidation, cached);
}

function invalidatesTlb({ pcid, globals, page, extent }: Invalidation, entry: TlbEntry): boolean {
  const ofContext = pcid === null || entry.pcid === pcid;
  if (entry.global ? globals === 'none' || (globals === 'own' && !ofContext) : !ofContext) return false;
  if (page === null) return true;
  return extent === 'slot'
    ? page >= entry.slotPage && page < entry.slotPage + entry.slotPages
    : page >= entry.page && page < entry.page + entry.pages;
}

function invalidatesStructure({ pcid, page, structures }: Invalidation, entry: PagingStructureCacheEntry): boolean {
  if (pcid !== null && entry.pcid !== pcid) return false;
  return structures === 'all' || page === null || (page >= entry.page && page < entry.page + entry.pages);
}

/**
 * The page in the current PCID, global or not, whatever PCID a global entry came from; and every entry of the current
 * PCID in the paging-structure caches, whatever its address - except with AMD's EFER.TCE = 1, when only those go that
 * would translate the page (APM 2 5.5.3). A large page may sit in several slots: all of them go.
 */
export function byInvlpg(control: ControlState, page: PageNumber): Invalidation {
  const keepsGlobals = control.part.errata.invlpgKeepsGlobals && control.pcide;
  return {
    pcid: control.pcid,
    globals: keepsGlobals ? 'none' : 'all',
    page,
    extent: 'page',
    structures: control.tce ? 'path' : 'all',
  };
}

/** One page of INVLPGB, or all: as INVLPG and INVPCID do it for the PCID named (APM 3 INVLPGB, APM 2 5.5.3 of TCE). */
export function byInvlpgb(
  control: ControlState,
  { pcid, includeGlobals }: Pick<InvlpgbOperand, 'pcid' | 'includeGlobals'>,
  page: PageNumber | null,
): Invalidation {
  const structures = control.tce && page !== null ? 'path' : 'all';
  return { pcid, globals: includeGlobals ? 'all' : 'none', page, extent: 'page', structures };
}

export function byInvpcid(type: InvpcidType, pcid: number, page: PageNumber): Invalidation {
  switch (type) {
    case InvpcidType.individualAddress:
      return { pcid, globals: 'none', page, extent: 'page', structures: 'path' };
    case InvpcidType.singleContext:
      return { pcid, globals: 'none', page: null, extent: 'page', structures: 'all' };
    case InvpcidType.allIncludingGlobals:
      return EVERYTHING;
    case InvpcidType.allExceptGlobals:
      return { ...EVERYTHING, globals: 'none' };
    default:
      return unreachable(type);
  }
}

/** The PCID being loaded, globals excepted: with CR4.PCIDE = 0 that is 000H. */
export function byMovToCr3(loadedPcid: number): Invalidation {
  return { pcid: loadedPcid, globals: 'none', page: null, extent: 'page', structures: 'all' };
}

/** PG from 1 to 0: everything. */
export function byMovToCr0(before: bigint, after: bigint): Invalidation | null {
  return (before & ~after & Cr0.PG) !== 0n ? EVERYTHING : null;
}

/**
 * PGE either way and PCIDE from 1 to 0: everything. PAE either way and SMEP from 0 to 1: the current PCID, of which the
 * manual excepts no globals; those of other PCIDs are not promised.
 */
export function byMovToCr4(before: bigint, after: bigint, pcid: number): Invalidation | null {
  const changed = before ^ after;
  if ((changed & Cr4.PGE) !== 0n || (changed & before & Cr4.PCIDE) !== 0n) return EVERYTHING;
  if ((changed & Cr4.PAE) !== 0n || (changed & after & Cr4.SMEP) !== 0n) {
    return { pcid, globals: 'own', page: null, extent: 'page', structures: 'all' };
  }
  return null;
}

/**
 * A page fault invalidates what would translate its address, so that it does not recur unless memory says so: globals of
 * other PCIDs among it, for they too would translate it.
 */
export function byPageFault(control: ControlState, page: PageNumber): Invalidation {
  return { pcid: control.pcid, globals: 'all', page, extent: 'slot', structures: 'path' };
}
