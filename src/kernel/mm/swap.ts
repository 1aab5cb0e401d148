/**
 * The swap device: frames that no mapping reaches, so that content moves by whole-frame copies. It saves no memory; it
 * makes frames change hands, which is what it is here for. An entry is referenced by the page-table entries that hold its
 * number (swap_map), and may have its content in memory as well (the swap cache).
 */
import type { StateSink } from '../../base/state-sink.ts';
import { present } from '../bug.ts';
import type { Kernel, Touch } from '../hardware.ts';
import { framesOf, type page, type PageAllocator } from '../page_alloc.ts';

/** Content on the device. */
export interface swap_slot {
  readonly kind: 'slot';
  readonly page: page;
}

export interface swap_entry {
  readonly number: number;
  /** Page-table entries that hold this number. */
  count: number;
  cache: page | null;
  slot: swap_slot | null;
}

export class SwapSpace {
  readonly #pages: PageAllocator;
  readonly #entries = new Map<number, swap_entry>();
  readonly #touch: Touch | null;
  #last = 0;

  constructor(pages: PageAllocator, touch: Touch | null = null) {
    this.#pages = pages;
    this.#touch = touch;
  }

  tellState(sink: StateSink): void {
    sink.number(this.#last);
    for (const { number, count, cache, slot } of this.#entries.values()) {
      for (const value of [number, count, cache?.frame ?? 0, slot?.page.frame ?? 0]) sink.number(value);
    }
  }

  entry(number: number): swap_entry {
    this.#touch?.('swap', 0, 'write');
    return present(this.#entries.get(number), `swap entry ${number}`);
  }

  /** Swap entries in use. */
  get size(): number {
    return this.#entries.size;
  }

  /** Puts a page into the swap cache, which takes a reference. */
  add_to_swap(page: page): swap_entry {
    const entry = this.#create(page);
    this.#entries.set(entry.number, entry);
    this.#pages.get_page(page);
    page.swap = entry;
    return entry;
  }

  /** Every use of the entry is told: nothing in memory orders them. */
  #create(cached: page): swap_entry {
    const touched = (): void => this.#touch?.('swap', 0, 'write');
    touched();
    const number = ++this.#last;
    let [count, cache, slot]: [number, page | null, swap_slot | null] = [0, cached, null];
    return {
      number,
      get count() {
        touched();
        return count;
      },
      set count(entries) {
        touched();
        count = entries;
      },
      get cache() {
        touched();
        return cache;
      },
      set cache(page) {
        touched();
        cache = page;
      },
      get slot() {
        touched();
        return slot;
      },
      set slot(content) {
        touched();
        slot = content;
      },
    };
  }

  delete_from_swap_cache(cpu: number, page: page): void {
    const entry = present(page.swap, 'a page in the swap cache');
    entry.cache = null;
    page.swap = null;
    this.#pages.put_page(cpu, page);
  }

  swap_duplicate(entry: swap_entry): void {
    entry.count++;
  }

  /** One page-table entry less holds the number; with the last, content and cached page go. */
  swap_free(cpu: number, entry: swap_entry): void {
    if (--entry.count > 0) return;
    this.#entries.delete(entry.number);
    if (entry.slot !== null) this.#pages.put_page(cpu, entry.slot.page);
    if (entry.cache !== null) this.delete_from_swap_cache(cpu, entry.cache);
  }

  /** Drops an entry that nothing refers to: its page could not be unmapped everywhere. */
  abandon(cpu: number, entry: swap_entry): void {
    if (entry.count === 0) {
      entry.count = 1;
      this.swap_free(cpu, entry);
    }
  }

  /** Writes a page that nobody can write any more to the device. Null: the device is full. */
  *write(page: page): Kernel<swap_slot | null> {
    const slot = this.#pages.alloc_pages('kernel', page.mm, 0);
    if (slot === null) return null;
    yield* copy_page(page, slot);
    return { kind: 'slot', page: slot };
  }
}

/** Copies content frame by frame. Nobody else writes either. */
export function* copy_page(from: page, to: page): Kernel<void> {
  const targets = framesOf(to);
  for (const [index, frame] of framesOf(from).entries()) {
    yield { kind: 'copy-frame', from: frame, to: present(targets[index], 'as many frames as in the source') };
  }
}

export function* clear_page(page: page): Kernel<void> {
  for (const frame of framesOf(page)) yield { kind: 'zero-frame', frame };
}
