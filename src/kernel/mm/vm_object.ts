/**
 * What shared mappings share: an address_space with its page cache, by index in units of the mapping's page size. A file
 * lives for ever and reads as zeros where nobody wrote; shared anonymous memory lives as long as its last mapping.
 */
import { assert } from '../bug.ts';
import type { page, PageAllocator } from '../page_alloc.ts';
import type { swap_slot } from './swap.ts';

export interface vm_object {
  readonly name: string;
  readonly kind: 'file' | 'shmem';
  /** 12 or 21. */
  readonly shift: number;
  /** A page that is in memory, or where reclaim has put it. */
  readonly pages: Map<number, page | swap_slot>;
  /** VMAs that map it. */
  mappings: number;
}

export class ObjectRegistry {
  readonly #files = new Map<string, vm_object>();
  readonly #pages: PageAllocator;
  #lastShmem = 0;

  constructor(pages: PageAllocator) {
    this.#pages = pages;
  }

  file(name: string, shift: number): vm_object {
    const known = this.#files.get(name);
    if (known !== undefined) {
      assert(known.shift === shift, `file ${name} is mapped with pages of two sizes`);
      return known;
    }
    const object: vm_object = { name, kind: 'file', shift, pages: new Map(), mappings: 0 };
    this.#files.set(name, object);
    return object;
  }

  shmem(shift: number): vm_object {
    return { name: `shmem:${++this.#lastShmem}`, kind: 'shmem', shift, pages: new Map(), mappings: 0 };
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

export function in_memory(cached: page | swap_slot): cached is page {
  return 'rmap' in cached;
}
