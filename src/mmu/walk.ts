/**
 * A page walk in progress (SDM 3A 4.5.4), one paging-structure entry at a time, from the top structure or from where a
 * paging-structure cache lets it start. The context in which it began - PCID, root, number of levels - stays with it.
 */
import type { FrameNumber, LinearAddress, PageNumber, PagingLevel, PhysicalAddress } from '../arch/address.ts';
import { pageOf } from '../arch/address.ts';
import type { Access, Exception } from '../arch/page-fault.ts';
import type { EntrySource, PagingStructureCacheEntry } from '../event/cached-translation.ts';
import { accessCode } from './access-rights.ts';
import type { AccessCode } from './access-rights.ts';
import type { CachedTlbEntry, Mapping } from './cached-entry.ts';
import type { ControlState } from './control-state.ts';

/** What a step of a walk led to. */
export type WalkProgress = 'more' | 'translated' | 'fault' | 'abandoned';

/**
 * Where a walk starts: at the top structure (null), at what a paging-structure cache tells, or where another walk of the
 * same address and context stands, which goes on besides.
 */
export type WalkOrigin = PagingStructureCacheEntry | Walk | null;

export class Walk {
  readonly number: number;
  readonly address: LinearAddress;
  readonly page: PageNumber;
  readonly access: Access;
  readonly code: AccessCode;
  /** Made for no access: raises no exception, sets no D, asks for no rights. */
  readonly speculative: boolean;
  readonly pcid: number;
  readonly root: FrameNumber;
  /** The paging-structure-cache entry from which it started. */
  readonly shortcut: PagingStructureCacheEntry | null;
  readonly sources: EntrySource[];

  /** 'more' while it is in flight. */
  progress: WalkProgress = 'more';
  /** Level and frame of the structure read next, and the entry that refers to it: null is CR3. */
  level: PagingLevel;
  table: FrameNumber;
  parent: PhysicalAddress | null;
  // Combined over the entries read so far.
  writable: boolean;
  user: boolean;
  executable: boolean;
  /** Of the entry that maps the page, once read. */
  protectionKey = 0;

  /** Once translated: what the walk found, and the TLB entry made of it. */
  mapping: Mapping | null = null;
  entry: CachedTlbEntry | null = null;
  /** Once ended in a fault. */
  exception: Exception | null = null;

  constructor(
    number: number,
    request: { readonly address: LinearAddress; readonly access: Access; readonly speculative: boolean },
    control: ControlState,
    origin: WalkOrigin,
  ) {
    this.number = number;
    this.address = request.address;
    this.page = pageOf(request.address);
    this.access = request.access;
    this.code = accessCode(request.access);
    this.speculative = request.speculative;
    this.pcid = control.pcid;
    this.root = control.root;
    this.shortcut = origin instanceof Walk ? origin.shortcut : origin;
    if (origin === null) {
      this.sources = [];
      this.level = control.levels;
      this.table = control.root;
      this.parent = null;
      this.writable = true;
      this.user = true;
      this.executable = true;
    } else {
      this.sources = [...origin.sources];
      this.level = origin instanceof Walk ? origin.level : ((origin.level - 1) as PagingLevel);
      this.table = origin.table;
      this.parent = origin.sources.at(-1)?.address ?? null;
      this.writable = origin.writable;
      this.user = origin.user;
      this.executable = origin.executable;
    }
  }
}
