/**
 * Kernel mappings. The entries of swapper_pg_dir that lead to them are filled in before the first address space is made,
 * and are the same in every top table, so nothing but the flush has to reach the other address spaces. vfree flushes
 * before it frees. Tables stay, as in Linux.
 */
import type { StateSink } from '../../base/state-sink.ts';
import { linearAddress, type PagingLevels, pageOf, tableIndex } from '../../arch/address.ts';
import { EINVAL, ENOMEM } from '../errno.ts';
import { spin_lock, spin_unlock } from '../cell.ts';
import type { Kernel } from '../hardware.ts';
import type { page } from '../page_alloc.ts';
import type { MmContext } from './context.ts';
import { PAGE_SIZE, pte_alloc, pte_offset, ptep_get_and_clear, set_pte } from './pgtable.ts';
import { mk_pte, page_kernel } from './pte.ts';
import { clear_page } from './swap.ts';

export function vmalloc_start(levels: PagingLevels): bigint {
  return levels === 4 ? 0xffff_c900_0000_0000n : 0xffa0_0000_0000_0000n;
}

/** One entry of the top table: what is filled in before the first address space. */
export function vmalloc_pgd_index(levels: PagingLevels): number {
  return tableIndex(pageOf(linearAddress(vmalloc_start(levels))), levels);
}

interface vm_struct {
  readonly address: bigint;
  readonly pages: readonly page[];
}

const GUARD = PAGE_SIZE;

export class Vmalloc {
  readonly #context: MmContext;
  /** Sorted by address; as if under vmap_area_lock. */
  readonly #areas: vm_struct[] = [];

  constructor(context: MmContext) {
    this.#context = context;
  }

  tellState(sink: StateSink): void {
    for (const { address, pages } of this.#areas) {
      sink.quad(address);
      for (const { frame } of pages) sink.number(frame);
    }
  }

  /** Result: the address of `count` zeroed pages with a guard page behind them, or -ENOMEM. */
  *vmalloc(cpu: number, count: number): Kernel<bigint> {
    const { core, isolated, nx } = this.#context;
    const pages = yield* this.#allocate(cpu, count);
    if (pages === null) return BigInt(-ENOMEM);
    const area = this.#reserve(pages);
    // Nothing of the kernel is global under isolation, or it would be there in user mode.
    const global = core.hardware.features.globalPages && !isolated;
    const prot = page_kernel({ global, nx });
    for (const [index, page] of pages.entries()) {
      const address = area.address + BigInt(index) * PAGE_SIZE;
      const ptep = yield* pte_alloc(this.#context, cpu, core.init_mm, address, 1);
      if (ptep === null) {
        yield* this.vfree(cpu, area.address);
        return BigInt(-ENOMEM);
      }
      yield* set_pte(ptep, mk_pte(page.frame, prot));
    }
    return area.address;
  }

  /** Result: 0, or -EINVAL if nothing was allocated there. */
  *vfree(cpu: number, address: bigint): Kernel<number> {
    const { core, flush, variant, operations, pages } = this.#context;
    core.hardware.touch?.('vmalloc', 0, 'write');
    const index = this.#areas.findIndex((area) => area.address === address);
    const area = this.#areas[index];
    if (area === undefined) return -EINVAL;
    const end = address + BigInt(area.pages.length) * PAGE_SIZE;
    const free = (): void => {
      for (const page of area.pages) pages.put_page(cpu, page);
    };
    if (variant.flushBeforeClear) yield* flush.flush_tlb_kernel_range(cpu, address, end, 'vfree');
    yield* this.#unmap(address, end);
    if (variant.freeBeforeFlush) free();
    if (!variant.flushBeforeClear) yield* flush.flush_tlb_kernel_range(cpu, address, end, 'vfree');
    if (!variant.freeBeforeFlush) free();
    operations.promise(cpu, { mm: core.init_mm.ctx_id, start: address, end, why: 'vfree' });
    core.hardware.touch?.('vmalloc', 0, 'write');
    this.#areas.splice(this.#areas.indexOf(area), 1);
    return 0;
  }

  *#unmap(start: bigint, end: bigint): Kernel<void> {
    const { init_mm } = this.#context.core;
    yield* spin_lock(init_mm.page_table_lock);
    for (let address = start; address < end; address += PAGE_SIZE) {
      const ptep = yield* pte_offset(this.#context, init_mm, address, 1);
      if (ptep !== null) yield* ptep_get_and_clear(ptep);
    }
    yield* spin_unlock(init_mm.page_table_lock);
  }

  *#allocate(cpu: number, count: number): Kernel<page[] | null> {
    const { pages, core } = this.#context;
    const allocated: page[] = [];
    for (let index = 0; index < count; index++) {
      const page = pages.alloc_pages('kernel', core.init_mm.ctx_id, 0);
      if (page === null) {
        for (const each of allocated) pages.put_page(cpu, each);
        return null;
      }
      yield* clear_page(page);
      allocated.push(page);
    }
    return allocated;
  }

  #reserve(pages: readonly page[]): vm_struct {
    this.#context.core.hardware.touch?.('vmalloc', 0, 'write');
    const length = BigInt(pages.length) * PAGE_SIZE + GUARD;
    let address = vmalloc_start(this.#context.levels);
    let index = 0;
    for (const area of this.#areas) {
      if (area.address - address >= length) break;
      address = area.address + BigInt(area.pages.length) * PAGE_SIZE + GUARD;
      index++;
    }
    const area = { address, pages };
    this.#areas.splice(index, 0, area);
    return area;
  }
}
