/**
 * A new address space: its top table holds the kernel's entries, so that kernel mappings are the same everywhere. With
 * page-table isolation the user's top table comes behind it, and holds none of them.
 */
import { addressInFrame } from '../../arch/address.ts';
import type { Kernel } from '../hardware.ts';
import { framesOf, PGD_PAIR_ORDER } from '../page_alloc.ts';
import type { MmContext } from './context.ts';
import type { user_mm } from './mm_types.ts';

/** A top table is allocated before its address space has a number. */
const NO_MM = 0;

/** Null when memory is exhausted. */
export function* mm_alloc(context: MmContext, name: string): Kernel<user_mm | null> {
  const pgd = context.pages.alloc_pages('page-table', NO_MM, context.isolated ? PGD_PAIR_ORDER : 0);
  if (pgd === null) return null;
  for (const frame of framesOf(pgd)) yield { kind: 'zero-frame', frame };
  for (const index of context.kernel_pgd_entries) {
    const entry = yield { kind: 'load', address: addressInFrame(context.core.swapper_pg_dir, index * 8) };
    yield { kind: 'store', address: addressInFrame(pgd.frame, index * 8), value: entry };
  }
  const mm = context.mms.mm_init(name, pgd.frame);
  for (const root of framesOf(pgd)) {
    context.core.hardware.tell({ kind: 'address-space', mm: mm.ctx_id, root, name });
  }
  return mm;
}

/** mmdrop's last act: nobody runs on the top table, or borrows it, any more. */
export function pgd_free(context: MmContext, cpu: number, mm: user_mm): void {
  context.core.hardware.tell({ kind: 'address-space-end', mm: mm.ctx_id });
  context.mms.remove(mm);
  context.pages.put_page(cpu, context.pages.pfn_to_page(mm.pgd));
}
