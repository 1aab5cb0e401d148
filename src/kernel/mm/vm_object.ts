/**
 * What shared mappings share: an address_space with its page cache, by index in units of the mapping's page size. A file
 * lives for ever and reads as its content, or as zeros, where nobody wrote; shared anonymous memory lives as long as its last mapping.
 */
import type { StateSink } from '../../base/state-sink.ts';
import { assert } from '../bug.ts';
import type { Touch } from '../hardware.ts';
import type { page, PageAllocator } from '../page_alloc.ts';
import type { swap_slot } from './swap.ts';

/** What a file holds, page by page: as many bytes as there are, at most a page. */
export interface FileContent {
  page(index: number): Uint8Array;
}

export interface vm_object {
  readonly name: string;
  readonly kind: 'file' | 'shmem';
  /** 12 or 21. */
  readonly shift: number;
  /** A page that is in memory, or where reclaim has put it. */
  readonly pages: Map<number, page | swap_slot>;
  /** Null: zeros. */
  readonly content: FileContent | null;
  /** VMAs that map it. */
  mappings: number;
}

export class ObjectRegistry {
  readonly #files = new Map<string, vm_object>();
  readonly #pages: PageAllocator;
  readonly #touch: Touch | null;
  #lastShmem = 0;

  constructor(pages: PageAllocator, touch: Touch | null = null) {
    this.#pages = pages;
    this.#touch = touch;
  }

  /** `content` counts where the file is not known yet. */
  file(name: string, shift: number, content: FileContent | null = null): vm_object {
    this.#touch?.('objects', 0, 'write');
    const known = this.#files.get(name);
    if (known !== undefined) {
      assert(known.shift === shift, `file ${name} is mapped with pages of two sizes`);
      return known;
    }
    const object = this.#create({ name, kind: 'file', shift, content });
    this.#files.set(name, object);
    return object;
  }

  shmem(shift: number): vm_object {
    this.#touch?.('objects', 0, 'write');
    return this.#create({ name: `shmem:${++this.#lastShmem}`, kind: 'shmem', shift, content: null });
  }

  /** Of the files; shared anonymous memory is told with the areas that map it. */
  tellState(sink: StateSink): void {
    sink.number(this.#lastShmem);
    for (const object of this.#files.values()) tell_object(sink, object);
  }

  /** Every use of its pages and of its count is told: nothing in memory orders them. */
  #create(facts: Omit<vm_object, 'pages' | 'mappings'>): vm_object {
    const touch = this.#touch;
    const pages: vm_object['pages'] = new Map();
    let mappings = 0;
    return {
      ...facts,
      get pages() {
        touch?.('objects', 0, 'write');
        return pages;
      },
      get mappings() {
        return mappings;
      },
      set mappings(count) {
        touch?.('objects', 0, 'write');
        mappings = count;
      },
    };
  }

  /** A VMA that maps the object is gone, and all its entries are flushed. */
  put(cpu: number, object: vm_object): void {
    assert(object.mappings > 0, `${object.name} has no mapping`);
    if (--object.mappings > 0 || object.kind === 'file') return;
    for (const cached of object.pages.values()) {
      if (in_memory(cached)) cached.object = null;
      this.#pages.put_page(cpu, in_memory(cached) ? cached : cached.page);
    }
    object.pages.clear();
  }
}

export function tell_object(sink: StateSink, { name, shift, pages, mappings }: vm_object): void {
  sink.text(name);
  for (const value of [shift, mappings, pages.size]) sink.number(value);
  for (const [index, cached] of [...pages].sort(([a], [b]) => a - b)) {
    sink.number(index);
    sink.number(in_memory(cached) ? cached.frame : -cached.page.frame);
  }
}

export function in_memory(cached: page | swap_slot): cached is page {
  return 'rmap' in cached;
}
