/** E4 with one thing changed: each forgets the user's half of a PCID. M carries the number of ERAS.md. */
import { linearAddress } from '../../../arch/address.ts';
import type { Kernel } from '../../hardware.ts';
import { E4, TlbE4 } from '../e4.ts';
import type { Era } from '../era.ts';
import { PageTableIsolation } from '../pti.ts';
import { __flush_tlb } from '../tlbflush.ts';
import { variantOf } from './variant.ts';

class FullWithoutUserHalf extends PageTableIsolation {
  override *flush_tlb(): Kernel<void> {
    yield* __flush_tlb();
  }
}

class PageWithoutUserHalf extends PageTableIsolation {
  protected override *flush_tlb_one_user(_cpu: number, _asid: number, address: bigint): Kernel<void> {
    yield { kind: 'invlpg', address: linearAddress(address) };
  }
}

export const VARIANTS_OF_E4: readonly Era[] = [
  variantOf(E4, {
    id: 'M5',
    change: "leaves the user's PCID out of a full flush",
    tlb: (core) => new TlbE4(core, FullWithoutUserHalf),
  }),
  variantOf(E4, {
    id: 'M15',
    change: "leaves the user's PCID out of the flush of a page",
    tlb: (core) => new TlbE4(core, PageWithoutUserHalf),
  }),
];
