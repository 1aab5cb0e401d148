/**
 * E9, which was released with two faults, with one or both of them mended. B carries the number, in BUGS.md, of the fault
 * that is left.
 */
import { cpumask_set_cpu, cpumask_test_cpu } from '../../cpumask.ts';
import { READ_ONCE, smp_mb } from '../../cell.ts';
import type { Core } from '../../core.ts';
import type { Kernel } from '../../hardware.ts';
import { LOADED_MM_SWITCHING, pointer_bits } from '../../mm_pointer.ts';
import type { mm_struct } from '../../mm_struct.ts';
import { E9, type flush_tlb_info, TlbE9 } from '../e9.ts';
import type { Era } from '../era.ts';
import { variantOf } from './variant.ts';

interface Mended {
  /** fea4e317f9e7: whoever is switching may be switching to this mm. */
  readonly filter: boolean;
  /** 83b0177a6c48: a full barrier where the bit is set already. */
  readonly barrier: boolean;
}

/** The order of v6.15: loaded_mm is marked before tlb_gen is read. */
class MarkedFirst extends TlbE9 {
  readonly #mended: Mended;

  constructor(core: Core, mended: Mended) {
    super(core);
    this.#mended = mended;
  }

  /** Pairs with the flusher's increment of tlb_gen before it reads loaded_mm: one of the two sees the other. */
  protected override *before_tlb_gen(cpu: number, next: mm_struct): Kernel<void> {
    yield* this.mark_switching(cpu);
    const set = yield* cpumask_test_cpu(cpu, next.cpumask);
    if (!set && next !== this.core.init_mm) yield* cpumask_set_cpu(cpu, next.cpumask);
    else if (this.#mended.barrier) yield* smp_mb();
  }

  /** It has been marked. */
  protected override *before_cr3(): Kernel<void> {}

  /**
   * loaded_mm is read before is_lazy, and written after it: whoever is seen switching is not taken to be lazy still.
   * Loads stay in order here, as stores do.
   */
  protected override *should_flush_tlb(target: number, info: flush_tlb_info): Kernel<boolean> {
    if (!this.#mended.filter) return yield* super.should_flush_tlb(target, info);
    const { loaded_mm } = this.cpu_tlbstate(target);
    const bits = yield* READ_ONCE(pointer_bits(loaded_mm));
    if (yield* this.is_lazy(target)) return false;
    if (info.mm === null || bits === LOADED_MM_SWITCHING) return true;
    return bits === loaded_mm.encode(info.mm) || info.trim_cpumask;
  }
}

export const VARIANTS_OF_E9: readonly Era[] = [
  variantOf(E9, {
    id: 'fixed',
    change: 'marks loaded_mm before reading tlb_gen, with a barrier, and flushes whoever is switching',
    harmless: true,
    tlb: (core) => new MarkedFirst(core, { filter: true, barrier: true }),
  }),
  variantOf(E9, {
    id: 'B1',
    change: 'marks loaded_mm before reading tlb_gen, with a barrier; passes over whoever is switching',
    tlb: (core) => new MarkedFirst(core, { filter: false, barrier: true }),
  }),
  variantOf(E9, {
    id: 'B3',
    change: 'marks loaded_mm before reading tlb_gen, without a barrier; flushes whoever is switching',
    tlb: (core) => new MarkedFirst(core, { filter: true, barrier: false }),
  }),
];
