/**
 * Global ASIDs, which E10 and E11 share: an address space that is active on many processors gets one ASID for all of them,
 * so that INVLPGB can name its PCID. They lie above the ASIDs that each processor hands out for itself.
 *
 * One that is given back still has translations in every TLB. It goes to no other address space before the numbers have run
 * out and everything has been flushed everywhere.
 *
 * What is here is plain data under global_asid_lock; what is read without it are cells of the mm. asid_transition is set
 * before global_asid is published, so that whoever sees the one sees the other.
 */
import type { StateSink } from '../../base/state-sink.ts';
import { assert } from '../bug.ts';
import { type Cell, READ_ONCE, spin_lock, spin_unlock, WRITE_ONCE } from '../cell.ts';
import type { Core } from '../core.ts';
import type { Kernel } from '../hardware.ts';
import type { mm_struct } from '../mm_struct.ts';
import { invlpgb_flush_all_nonglobals } from './invlpgb.ts';

export interface GlobalAsidRange {
  /** Below it, ASIDs belong to single processors. */
  readonly first: number;
  /** One more than the last. */
  readonly limit: number;
}

export class GlobalAsids {
  readonly #core: Core;
  readonly #range: GlobalAsidRange;
  readonly #global_asid_lock: Cell<number>;
  readonly #used = new Set<number>();
  readonly #freed = new Set<number>();
  /** Past the end: the first allocation begins with a flush. */
  #last_global_asid: number;
  #global_asid_available: number;

  constructor(core: Core, range: GlobalAsidRange) {
    this.#core = core;
    this.#range = range;
    this.#global_asid_lock = core.cell(0);
    this.#last_global_asid = range.limit;
    this.#global_asid_available = range.limit - range.first - 1;
  }

  tellState(sink: StateSink): void {
    for (const set of [this.#used, this.#freed]) {
      sink.number(set.size);
      for (const asid of [...set].sort((a, b) => a - b)) sink.number(asid);
    }
    sink.number(this.#last_global_asid);
    sink.number(this.#global_asid_available);
  }

  /** Gives the mm a global ASID, unless it has one or there is none left. */
  *use_global_asid(cpu: number, mm: mm_struct): Kernel<void> {
    const enabled = yield* this.#lock(cpu);
    if ((yield* READ_ONCE(mm.global_asid)) === 0 && this.#global_asid_available > 0) {
      const asid = yield* this.#allocate_global_asid();
      yield* this.mm_assign_global_asid(mm, asid);
    }
    yield* this.#unlock(cpu, enabled);
  }

  protected *mm_assign_global_asid(mm: mm_struct, asid: number): Kernel<void> {
    yield* WRITE_ONCE(mm.asid_transition, 1);
    yield* WRITE_ONCE(mm.global_asid, asid);
  }

  /** The mm is gone, its translations are not. */
  *mm_free_global_asid(cpu: number, mm: mm_struct): Kernel<void> {
    const asid = yield* READ_ONCE(mm.global_asid);
    if (asid === 0) return;
    const enabled = yield* this.#lock(cpu);
    this.#freed.add(asid);
    yield* WRITE_ONCE(mm.global_asid, 0);
    this.#global_asid_available++;
    yield* this.#unlock(cpu, enabled);
  }

  /**
   * The next number that is free above the last one handed out; past the last, those freed meanwhile come back. As released:
   * where everything above the last one handed out is in use, though numbers below are free, the search ends at `limit`,
   * and the test that should refuse that asks whether none is available, which its caller has made sure of. So `limit`
   * itself is handed out, and may be again before its first mm has gone.
   */
  *#allocate_global_asid(): Kernel<number> {
    if (this.#last_global_asid >= this.#range.limit - 1) yield* this.reset_global_asid_space();
    let asid = this.#last_global_asid;
    while (asid < this.#range.limit && this.#used.has(asid)) asid++;
    assert(asid < this.#range.limit || this.#global_asid_available > 0, 'no global ASID is available');
    this.#used.add(asid);
    this.#last_global_asid = asid;
    this.#global_asid_available--;
    return asid;
  }

  /** Once everything is flushed, those that were freed are as good as new. */
  protected *reset_global_asid_space(): Kernel<void> {
    yield* invlpgb_flush_all_nonglobals();
    for (const asid of this.#freed) this.#used.delete(asid);
    this.#freed.clear();
    this.#last_global_asid = this.#range.first;
  }

  *#lock(cpu: number): Kernel<boolean> {
    const enabled = yield* this.#core.local_irq_save(cpu);
    yield* spin_lock(this.#global_asid_lock);
    return enabled;
  }

  *#unlock(cpu: number, enabled: boolean): Kernel<void> {
    yield* spin_unlock(this.#global_asid_lock);
    yield* this.#core.local_irq_restore(cpu, enabled);
  }
}
