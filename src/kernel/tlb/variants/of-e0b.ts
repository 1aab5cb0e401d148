/** E0b with one thing changed. B9 carries the number of BUGS.md. */
import type { Kernel } from '../../hardware.ts';
import { E0b, TlbE0b } from '../e0b.ts';
import type { Era } from '../era.ts';
import { variantOf } from './variant.ts';

/** CVE-2016-2069: the change may still wait in the store buffer when mm_cpumask is read. */
class WithoutBarrier extends TlbE0b {
  protected override *synchronize_with_switch_mm(): Kernel<void> {}
}

export const VARIANTS_OF_E0B: readonly Era[] = [
  variantOf(E0b, {
    id: 'B9',
    change: "takes entries of another's mm away by plain stores, with no barrier before the read of mm_cpumask",
    tlb: (core) => new WithoutBarrier(core),
    mm: { plainClear: true },
  }),
];
