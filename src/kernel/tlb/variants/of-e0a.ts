/** E0a with one thing changed. B carries the number of BUGS.md: faults of kernels up to v4.12, some of them older than E0a. */
import type { Kernel } from '../../hardware.ts';
import { E0a, TlbE0a } from '../e0a.ts';
import type { Era } from '../era.ts';
import { variantOf } from './variant.ts';

/** CVE-2016-2069: the change may still wait in the store buffer when mm_cpumask is read. */
class WithoutBarrier extends TlbE0a {
  protected override *synchronize_with_switch_mm(): Kernel<void> {}
}

export const VARIANTS_OF_E0A: readonly Era[] = [
  variantOf(E0a, {
    id: 'plain',
    change: "takes entries of another's mm away by plain stores",
    harmless: true,
    mm: { plainClear: true },
  }),
  variantOf(E0a, {
    id: 'B9',
    change: "takes entries of another's mm away by plain stores, with no barrier before the read of mm_cpumask",
    tlb: (core) => new WithoutBarrier(core),
    mm: { plainClear: true },
  }),
  variantOf(E0a, {
    id: 'B30',
    change: 'a gatherer flushes only what it has cleared itself, whoever else gathers',
    mm: { ignoreNestedGather: true },
  }),
  variantOf(E0a, {
    id: 'B32',
    change: 'does not look for a batched flush still owed',
    mm: { ignoreBatchedPending: true },
  }),
  variantOf(E0a, {
    id: 'B35',
    change: 'takes an inaccessible entry to be in no TLB, although its flush may be to come',
    mm: { ignoreFlushPending: true },
  }),
];
