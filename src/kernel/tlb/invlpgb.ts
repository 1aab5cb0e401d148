/**
 * What E10 and E11 share of asm/tlb.h: one processor invalidates on all. The functions named nosync only send; __tlbsync
 * waits, and must run on the processor that sent (W18), for it waits for nothing else.
 *
 * INVLPGB orders no stores: whoever calls has brought the change of the page tables to memory before.
 */
import { linearAddress, type PAGE_SHIFT } from '../../arch/address.ts';
import type { Kernel } from '../hardware.ts';

export const PMD_SHIFT = 21;

interface PagesToFlush {
  readonly start: bigint;
  readonly end: bigint;
  /** 12, or 21: the stride of INVLPGB knows no other. */
  readonly shift: typeof PAGE_SHIFT | typeof PMD_SHIFT;
  /** How many one instruction may name. */
  readonly countMax: number;
}

/** Translations of one PCID for [start, end); globals stay. */
export function invlpgb_flush_user_range_nosync(pcid: number, pages: PagesToFlush): Kernel<void> {
  return invlpgb_range_nosync(pcid, pages, false);
}

/** Translations of [start, end) in every PCID, globals included: of the kernel's half. */
export function invlpgb_flush_addr_range_nosync(pages: PagesToFlush): Kernel<void> {
  return invlpgb_range_nosync(null, pages, true);
}

function* invlpgb_range_nosync(
  pcid: number | null,
  { start, end, shift, countMax }: PagesToFlush,
  includeGlobals: boolean,
): Kernel<void> {
  for (let address = start; address < end; ) {
    const left = Number((end - address) >> BigInt(shift));
    const count = Math.min(Math.max(left, 1), countMax);
    const pages = { start: linearAddress(address), count, strideShift: shift };
    yield { kind: 'invlpgb', operand: { pcid, pages, includeGlobals } };
    address += BigInt(count) << BigInt(shift);
  }
}

export function* invlpgb_flush_single_pcid_nosync(pcid: number): Kernel<void> {
  yield { kind: 'invlpgb', operand: { pcid, pages: null, includeGlobals: false } };
}

/** Everything of every PCID, globals too. */
export function* invlpgb_flush_all(): Kernel<void> {
  yield { kind: 'invlpgb', operand: { pcid: null, pages: null, includeGlobals: true } };
  yield* __tlbsync();
}

export function* invlpgb_flush_all_nonglobals(): Kernel<void> {
  yield { kind: 'invlpgb', operand: { pcid: null, pages: null, includeGlobals: false } };
  yield* __tlbsync();
}

export function* __tlbsync(): Kernel<void> {
  yield { kind: 'tlbsync' };
}
