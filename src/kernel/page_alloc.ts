/**
 * Physical frames: who owns them, how often they are referenced, how often they were handed out. The free list is a
 * stack, so that a frame that was freed too early is in other hands at once. Bookkeeping is plain data, as if under the
 * zone lock. Blocks of 512 frames for 2-MByte pages come from the top of memory and go back to a stack of their own.
 *
 * With `perProcessor` each processor has a stack of its own, as Linux has (pcplists), and takes fresh frames from the zone
 * in batches: then two processors that allocate do not disturb each other. Without, all share one.
 *
 * With `tablesApart` frames that held page tables are kept for page tables as long as there are others (quicklists, until
 * v5.2 on some architectures): whoever watches paging structures need not watch what programs write to such frames later.
 *
 * Left out: zones, orders other than 0, 1 (for the two top tables of page-table isolation) and 9, reclaim on demand.
 */
import { type FrameNumber, frameNumber } from '../arch/address.ts';
import type { StateSink } from '../base/state-sink.ts';
import { assert, present } from './bug.ts';
import type { FrameUse } from '../event/event.ts';
import type { Cell } from './cell.ts';
import type { Hardware, Touch } from './hardware.ts';
import type { swap_entry } from './mm/swap.ts';
import type { user_mm } from './mm/mm_types.ts';
import type { vm_object } from './mm/vm_object.ts';

export const HPAGE_ORDER = 9;
const HPAGE_FRAMES = 2 ** HPAGE_ORDER;
export const PGD_PAIR_ORDER = 1;
export type PageOrder = 0 | typeof PGD_PAIR_ORDER | typeof HPAGE_ORDER;

/** One page-table entry that maps a page: what Linux finds through anon_vma or the file's interval tree. */
export interface rmap_item {
  readonly mm: user_mm;
  address: bigint;
}

/** struct page of an allocated frame, or of the first frame of a block. */
export interface page {
  readonly frame: FrameNumber;
  readonly order: PageOrder;
  readonly use: FrameUse;
  /** ctx_id of the address space that it was allocated for. */
  readonly mm: number;
  refcount: number;
  /** Under the page_table_lock of the item's mm. Its length is the page's mapcount. */
  rmap: rmap_item[];
  /** Anonymous: private to the address spaces that inherited it from each other. */
  anon: boolean;
  /** The page cache it belongs to, and where. */
  object: vm_object | null;
  index: number;
  /** What D bits of entries that are gone have told. */
  dirty: boolean;
  /** MADV_FREE: may be thrown away unless it has been written since. */
  lazyfree: boolean;
  /** The swap entry whose cached content this is. */
  swap: swap_entry | null;
  /** PG_locked: the cell that is not 0 until unlock_page. */
  lock: Cell<number> | null;
}

/** Fresh frames that a processor's list takes at once. */
const BATCH = 16;

/** Free frames: first those used before, the last freed first, then the fresh ones in [next, limit). */
interface FreeList {
  readonly recycled: FrameNumber[];
  next: number;
  limit: number;
}

export class PageAllocator {
  readonly #hardware: Hardware;
  readonly #epochs: Uint32Array;
  readonly #pages = new Map<FrameNumber, page>();
  readonly #lists: readonly FreeList[];
  readonly #batch: number;
  readonly #freeBlocks: FrameNumber[] = [];
  readonly #freePairs: FrameNumber[] = [];
  readonly #freeTables: FrameNumber[] = [];
  readonly #tablesApart: boolean;
  /** Frames in [next, top) have never been used; nor have those in [tail, frames). */
  #next: number;
  #top: number;
  #tail: number;
  #allocated = 0;

  constructor(
    hardware: Hardware,
    firstFrame: number,
    {
      perProcessor = false,
      tablesApart = false,
    }: { readonly perProcessor?: boolean; readonly tablesApart?: boolean } = {},
  ) {
    this.#tablesApart = tablesApart;
    this.#hardware = hardware;
    this.#epochs = new Uint32Array(hardware.frames);
    this.#next = firstFrame;
    this.#top = Math.max(firstFrame, hardware.frames - (hardware.frames % HPAGE_FRAMES));
    this.#tail = this.#top;
    this.#lists = Array.from({ length: perProcessor ? hardware.processors : 1 }, () => ({
      recycled: [],
      next: 0,
      limit: 0,
    }));
    this.#batch = perProcessor ? BATCH : 1;
  }

  /** Frames in use. */
  get allocated(): number {
    return this.#allocated;
  }

  /** Pages in use, in no particular order. */
  get inUse(): Iterable<page> {
    return this.#pages.values();
  }

  /** Epochs count for reports only. */
  tellState(sink: StateSink): void {
    for (const value of [this.#next, this.#top, this.#tail, this.#freeBlocks.length, ...this.#freeBlocks])
      sink.number(value);
    for (const value of [this.#freePairs.length, ...this.#freePairs]) sink.number(value);
    for (const value of [this.#freeTables.length, ...this.#freeTables]) sink.number(value);
    for (const { recycled, next, limit } of this.#lists) {
      for (const value of [next, limit, recycled.length, ...recycled]) sink.number(value);
    }
    for (const frame of [...this.#pages.keys()].sort((a, b) => a - b)) tell_page(sink, this.pfn_to_page(frame));
  }

  /** A page with one reference and whatever content its frames had, or null when memory is exhausted. */
  alloc_pages(use: FrameUse, mm: number, order: PageOrder): page | null {
    const frame = order === 0 ? this.#takeFrame(use) : order === PGD_PAIR_ORDER ? this.#takePair() : this.#takeBlock();
    if (frame === null) return null;
    const taken = new AllocatedPage({ frame, order, use, mm }, this.#hardware.touch ?? null);
    this.#hardware.touch?.('page', frame, 'write');
    this.#pages.set(frame, taken);
    for (const each of framesOf(taken)) {
      const epoch = present(this.#epochs[each], `frame ${each}`) + 1;
      this.#epochs[each] = epoch;
      this.#allocated++;
      this.#hardware.tell({ kind: 'frame-allocate', frame: each, epoch, use, mm });
    }
    return taken;
  }

  /** One page of it, or that there is none at the frame. */
  tellPage(sink: StateSink, frame: FrameNumber): void {
    const found = this.#pages.get(frame);
    if (found === undefined) sink.number(-1);
    else tell_page(sink, found);
  }

  /** The page that this frame is the first of. */
  pfn_to_page(frame: FrameNumber): page {
    this.#hardware.touch?.('page', frame, 'read');
    return present(this.#pages.get(frame), `a page at frame 0x${frame.toString(16)}`);
  }

  get_page(page: page): void {
    assert(page.refcount > 0, `get_page on the free frame 0x${page.frame.toString(16)}`);
    page.refcount++;
  }

  /** Drops a reference; the last one frees the frames. */
  put_page(cpu: number, page: page): void {
    assert(page.refcount > 0, `put_page on the free frame 0x${page.frame.toString(16)}`);
    if (--page.refcount > 0) return;
    assert(page.rmap.length === 0, `frame 0x${page.frame.toString(16)} is free and mapped`);
    this.#pages.delete(page.frame);
    for (const frame of framesOf(page)) {
      this.#allocated--;
      const epoch = present(this.#epochs[frame], `frame ${frame}`);
      this.#hardware.tell({ kind: 'frame-free', frame, epoch, use: page.use, processor: cpu });
    }
    if (page.order === 0 && page.use === 'page-table' && this.#tablesApart) this.#freeTables.push(page.frame);
    else if (page.order === 0) this.#ownList().recycled.push(page.frame);
    else {
      this.#hardware.touch?.('zone', 0, 'write');
      (page.order === PGD_PAIR_ORDER ? this.#freePairs : this.#freeBlocks).push(page.frame);
    }
  }

  #ownList(): FreeList {
    const own = this.#lists.length === 1 ? 0 : (this.#hardware.running?.() ?? 0);
    this.#hardware.touch?.('free list', own, 'write');
    return present(this.#lists[own], `free list ${own}`);
  }

  #takeFrame(use: FrameUse): FrameNumber | null {
    const table = use === 'page-table' ? this.#freeTables.pop() : undefined;
    if (table !== undefined) return table;
    const list = this.#ownList();
    const recycled = list.recycled.pop();
    if (recycled !== undefined) return recycled;
    if (list.next === list.limit) {
      this.#hardware.touch?.('zone', 0, 'write');
      this.#refill(list);
    }
    if (list.next < list.limit) return frameNumber(list.next++);
    const block = this.#freeBlocks.pop();
    if (block === undefined) return this.#steal();
    for (let index = HPAGE_FRAMES - 1; index > 0; index--) list.recycled.push(frameNumber(block + index));
    return block;
  }

  #refill(list: FreeList): void {
    if (this.#next < this.#top) {
      list.next = this.#next;
      this.#next = Math.min(this.#next + this.#batch, this.#top);
      list.limit = this.#next;
    } else if (this.#tail < this.#hardware.frames) {
      list.next = this.#tail;
      this.#tail = Math.min(this.#tail + this.#batch, this.#hardware.frames);
      list.limit = this.#tail;
    }
  }

  /** Memory is short: what other processors keep on their lists is as good. */
  #steal(): FrameNumber | null {
    for (const [owner, list] of this.#lists.entries()) {
      this.#hardware.touch?.('free list', owner, 'write');
      const recycled = list.recycled.pop();
      if (recycled !== undefined) return recycled;
      if (list.next < list.limit) return frameNumber(list.next++);
    }
    return this.#freeTables.pop() ?? null;
  }

  /** Two frames, the first of which has an even number. */
  #takePair(): FrameNumber | null {
    this.#hardware.touch?.('zone', 0, 'write');
    const recycled = this.#freePairs.pop();
    if (recycled !== undefined) return recycled;
    const first = this.#next + (this.#next % 2);
    if (first + 2 > this.#top) return null;
    if (first > this.#next) this.#ownList().recycled.push(frameNumber(this.#next));
    this.#next = first + 2;
    return frameNumber(first);
  }

  #takeBlock(): FrameNumber | null {
    this.#hardware.touch?.('zone', 0, 'write');
    const recycled = this.#freeBlocks.pop();
    if (recycled !== undefined) return recycled;
    if (this.#top - HPAGE_FRAMES < this.#next) return null;
    this.#top -= HPAGE_FRAMES;
    return frameNumber(this.#top);
  }
}

export function tell_page(sink: StateSink, page: page): void {
  const { frame, order, use, mm, refcount, rmap, anon, object, index, dirty, lazyfree, swap, lock } = page;
  sink.text(`${order} ${use} ${anon} ${dirty} ${lazyfree} ${object?.name ?? ''}`);
  for (const value of [frame, mm, refcount, index, swap?.number ?? -1, lock?.address ?? 0, rmap.length])
    sink.number(value);
  for (const item of rmap) {
    sink.number(item.mm.ctx_id);
    sink.quad(item.address);
  }
}

/** Numbers of the frames of a page. */
export function framesOf(page: page): FrameNumber[] {
  return Array.from({ length: 2 ** page.order }, (_, index) => frameNumber(page.frame + index));
}

/** The data of one page, telling of each use: a page is shared between whoever maps it. */
class AllocatedPage implements page {
  readonly frame: FrameNumber;
  readonly order: PageOrder;
  readonly use: FrameUse;
  readonly mm: number;
  readonly #touch: Touch | null;
  #refcount = 1;
  #rmap: rmap_item[] = [];
  #anon = false;
  #object: vm_object | null = null;
  #index = 0;
  #dirty = false;
  #lazyfree = false;
  #swap: swap_entry | null = null;
  #lock: Cell<number> | null = null;

  constructor({ frame, order, use, mm }: Pick<page, 'frame' | 'order' | 'use' | 'mm'>, touch: Touch | null) {
    this.frame = frame;
    this.order = order;
    this.use = use;
    this.mm = mm;
    this.#touch = touch;
  }

  get refcount(): number {
    this.#touch?.('page', this.frame, 'read');
    return this.#refcount;
  }

  set refcount(refcount: number) {
    this.#touch?.('page', this.frame, 'write');
    this.#refcount = refcount;
  }

  /** Whoever has the list may change it. */
  get rmap(): rmap_item[] {
    this.#touch?.('page', this.frame, 'write');
    return this.#rmap;
  }

  set rmap(rmap: rmap_item[]) {
    this.#touch?.('page', this.frame, 'write');
    this.#rmap = rmap;
  }

  get anon(): boolean {
    this.#touch?.('page', this.frame, 'read');
    return this.#anon;
  }

  set anon(anon: boolean) {
    this.#touch?.('page', this.frame, 'write');
    this.#anon = anon;
  }

  get object(): vm_object | null {
    this.#touch?.('page', this.frame, 'read');
    return this.#object;
  }

  set object(object: vm_object | null) {
    this.#touch?.('page', this.frame, 'write');
    this.#object = object;
  }

  get index(): number {
    this.#touch?.('page', this.frame, 'read');
    return this.#index;
  }

  set index(index: number) {
    this.#touch?.('page', this.frame, 'write');
    this.#index = index;
  }

  get dirty(): boolean {
    this.#touch?.('page', this.frame, 'read');
    return this.#dirty;
  }

  set dirty(dirty: boolean) {
    this.#touch?.('page', this.frame, 'write');
    this.#dirty = dirty;
  }

  get lazyfree(): boolean {
    this.#touch?.('page', this.frame, 'read');
    return this.#lazyfree;
  }

  set lazyfree(lazyfree: boolean) {
    this.#touch?.('page', this.frame, 'write');
    this.#lazyfree = lazyfree;
  }

  get swap(): swap_entry | null {
    this.#touch?.('page', this.frame, 'read');
    return this.#swap;
  }

  set swap(swap: swap_entry | null) {
    this.#touch?.('page', this.frame, 'write');
    this.#swap = swap;
  }

  get lock(): Cell<number> | null {
    this.#touch?.('page', this.frame, 'read');
    return this.#lock;
  }

  set lock(lock: Cell<number> | null) {
    this.#touch?.('page', this.frame, 'write');
    this.#lock = lock;
  }
}
