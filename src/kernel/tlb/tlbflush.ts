/**
 * What the eras share of asm/tlbflush.h: invalidating this processor's own TLB, instruction by instruction. Each of these
 * instructions serializes, and so drains the store buffer and orders page walks (SDM 3A 9.3).
 */
import { addressInFrame, type FrameNumber, linearAddress, PAGE_SHIFT } from '../../arch/address.ts';
import { Cr4, InvpcidType } from '../../arch/control-registers.ts';
import type { HardwareFeatures, Kernel } from '../hardware.ts';
import { TLB_FLUSH_ALL } from './era.ts';

/** Pages, or from E5 strides; above it a flush of all costs less than one INVLPG a page. */
const tlb_single_page_flush_ceiling = 33n;

/** Whether [start, end) has so few pages, of 4 KBytes unless said otherwise, that they are flushed one by one. */
export function few_pages(start: bigint, end: bigint, stride_shift = PAGE_SHIFT): boolean {
  return end !== TLB_FLUSH_ALL && (end - start) >> BigInt(stride_shift) <= tlb_single_page_flush_ceiling;
}

/** CR3 with nothing but the address of the top paging structure: PCID 0 (SDM 3A 4.5.2). */
export function pgd_address(pgd: FrameNumber): bigint {
  return BigInt(addressInFrame(pgd, 0));
}

/** Everything cached for the current PCID but globals; without CR4.PCIDE, everything but globals (SDM 3A 4.10.4.1). */
export function* __flush_tlb(): Kernel<void> {
  const cr3 = yield { kind: 'mov-from-cr3' };
  yield { kind: 'mov-to-cr3', value: cr3 };
}

/** The whole TLB, every PCID and globals included. */
export function* __flush_tlb_all(features: HardwareFeatures): Kernel<void> {
  if (!features.globalPages) yield* __flush_tlb();
  else if (features.invpcid) {
    yield { kind: 'invpcid', type: InvpcidType.allIncludingGlobals, pcid: 0, address: linearAddress(0n) };
  } else {
    const cr4 = yield { kind: 'mov-from-cr4' };
    yield { kind: 'mov-to-cr4', value: cr4 ^ Cr4.PGE };
    yield { kind: 'mov-to-cr4', value: cr4 };
  }
}

/**
 * INVLPG for every page of [start, end), of 4 KBytes unless said otherwise: the current PCID's entries, globals, and its
 * paging-structure caches. One address in a large page is enough (SDM 3A 4.10.4.1).
 */
export function* __flush_tlb_range(start: bigint, end: bigint, stride_shift = PAGE_SHIFT): Kernel<void> {
  for (let address = start; address < end; address += 1n << BigInt(stride_shift)) {
    yield { kind: 'invlpg', address: linearAddress(address) };
  }
}
