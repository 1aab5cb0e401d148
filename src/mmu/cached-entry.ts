/** The entries that a processor keeps, as it keeps them: the shared shape of `event/cached-translation.ts`, made here. */
import type { FrameNumber, PageNumber } from '../arch/address.ts';
import { frameNumber, regionStart } from '../arch/address.ts';
import type { CombinedRights, EntrySource, TlbEntry } from '../event/cached-translation.ts';

/** What a finished walk found: the page that maps a linear address, and everything that a TLB entry for it holds. */
export interface Mapping extends CombinedRights {
  readonly processor: number;
  readonly pcid: number;
  readonly root: FrameNumber;
  readonly page: PageNumber;
  readonly pages: number;
  /** Frame of the first page. */
  readonly frame: FrameNumber;
  readonly global: boolean;
  readonly dirty: boolean;
  readonly protectionKey: number;
  readonly memoryTypeIndex: number;
  readonly sources: readonly EntrySource[];
}

/** Which pages one slot of a TLB answers for. */
export interface Slot {
  readonly page: PageNumber;
  readonly pages: number;
}

/** The slot of this size that holds a page. */
export function slotOf(page: PageNumber, pages: number): Slot {
  return { page: regionStart(page, pages), pages };
}

/** A TLB entry. `onWatch` is told at once when somebody starts to watch it: no shortcut may serve it any more. */
export class CachedTlbEntry implements TlbEntry {
  readonly kind = 'tlb';
  readonly serial: number;
  readonly processor: number;
  readonly pcid: number;
  readonly root: FrameNumber;
  readonly page: PageNumber;
  readonly pages: number;
  readonly sources: readonly EntrySource[];
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
  readonly global: boolean;
  readonly slotPage: PageNumber;
  readonly slotPages: number;
  readonly frame: FrameNumber;
  readonly dirty: boolean;
  readonly protectionKey: number;
  readonly memoryTypeIndex: number;
  #watched = false;
  readonly #onWatch: (entry: CachedTlbEntry) => void;

  constructor(mapping: Mapping, slot: Slot, serial: number, onWatch: (entry: CachedTlbEntry) => void) {
    this.serial = serial;
    this.processor = mapping.processor;
    this.pcid = mapping.pcid;
    this.root = mapping.root;
    this.page = mapping.page;
    this.pages = mapping.pages;
    this.sources = mapping.sources;
    this.writable = mapping.writable;
    this.user = mapping.user;
    this.executable = mapping.executable;
    this.global = mapping.global;
    this.slotPage = slot.page;
    this.slotPages = slot.pages;
    this.frame = frameNumber(mapping.frame + (slot.page - mapping.page));
    this.dirty = mapping.dirty;
    this.protectionKey = mapping.protectionKey;
    this.memoryTypeIndex = mapping.memoryTypeIndex;
    this.#onWatch = onWatch;
  }

  get watched(): boolean {
    return this.#watched;
  }

  set watched(value: boolean) {
    this.#watched = value;
    if (value) this.#onWatch(this);
  }

  /** Whether the slot answers for this page. */
  covers(page: PageNumber): boolean {
    return page >= this.slotPage && page < this.slotPage + this.slotPages;
  }

  frameOf(page: PageNumber): FrameNumber {
    return frameNumber(this.frame + (page - this.slotPage));
  }
}
