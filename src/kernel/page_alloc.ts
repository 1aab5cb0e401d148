/**
 * Physical frames: who owns them, how often they are referenced, how often they were handed out. The free list is a
 * stack, so that a frame that was freed too early is in other hands at once. Bookkeeping is plain data, as if under the
 * zone lock. Blocks of 512 frames for 2-MByte pages come from the top of memory and go back to a stack of their own.
 *
 * Left out: zones, orders other than 0 and 9, per-CPU lists, reclaim on demand.
 */
import { type FrameNumber, frameNumber } from '../arch/address.ts';
import { assert, present } from './bug.ts';
import type { FrameUse } from '../event/event.ts';
import type { Cell } from './cell.ts';
import type { Hardware } from './hardware.ts';
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

export class PageAllocator {
  readonly #hardware: Hardware;
  readonly #epochs: Uint32Array;
  readonly #pages = new Map<FrameNumber, page>();
  readonly #free: FrameNumber[] = [];
  readonly #freeBlocks: FrameNumber[] = [];
  /** Frames in [next, top) have never been used; nor have those in [tail, frames). */
  #next: number;
  #top: number;
  #tail: number;
  #allocated = 0;

  constructor(hardware: Hardware, firstFrame: number) {
    this.#hardware = hardware;
    this.#epochs = new Uint32Array(hardware.frames);
    this.#next = firstFrame;
    this.#top = Math.max(firstFrame, hardware.frames - (hardware.frames % HPAGE_FRAMES));
    this.#tail = this.#top;
  }

  /** Frames in use. */
  get allocated(): number {
    return this.#allocated;
  }

  /** Pages in use, in no particular order. */
  get inUse(): Iterable<page> {
    return this.#pages.values();
  }

  /** A page with one reference and whatever content its frames had, or null when memory is exhausted. */
  alloc_pages(use: FrameUse, mm: number, order: PageOrder): page | null {
    const frame = order === 0 ? this.#takeFrame() : this.#takeBlock();
    if (frame === null) return null;
    const taken: page = {
      frame,
      order,
      use,
      mm,
      refcount: 1,
      rmap: [],
      anon: false,
      object: null,
      index: 0,
      dirty: false,
      lazyfree: false,
      swap: null,
      lock: null,
    };
    this.#pages.set(frame, taken);
    for (const each of framesOf(taken)) {
      const epoch = present(this.#epochs[each], `frame ${each}`) + 1;
      this.#epochs[each] = epoch;
      this.#allocated++;
      this.#hardware.tell({ kind: 'frame-allocate', frame: each, epoch, use, mm });
    }
    return taken;
  }

  /** The page that this frame is the first of. */
  pfn_to_page(frame: FrameNumber): page {
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
    (page.order === 0 ? this.#free : this.#freeBlocks).push(page.frame);
  }

  #takeFrame(): FrameNumber | null {
    const recycled = this.#free.pop();
    if (recycled !== undefined) return recycled;
    if (this.#next < this.#top) return frameNumber(this.#next++);
    if (this.#tail < this.#hardware.frames) return frameNumber(this.#tail++);
    const block = this.#freeBlocks.pop();
    if (block === undefined) return null;
    for (let index = HPAGE_FRAMES - 1; index > 0; index--) this.#free.push(frameNumber(block + index));
    return block;
  }

  #takeBlock(): FrameNumber | null {
    const recycled = this.#freeBlocks.pop();
    if (recycled !== undefined) return recycled;
    if (this.#top - HPAGE_FRAMES < this.#next) return null;
    this.#top -= HPAGE_FRAMES;
    return frameNumber(this.#top);
  }
}

/** Numbers of the frames of a page. */
export function framesOf(page: page): FrameNumber[] {
  return Array.from({ length: 2 ** page.order }, (_, index) => frameNumber(page.frame + index));
}
