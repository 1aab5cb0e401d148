/**
 * E10, one processor flushes all: Linux v6.15 to v6.17. Where there is INVLPGB, a busy address space is given a global ASID:
 * the same PCID on every processor, which its flushes name and which they reach without an IPI. Translations under a global
 * ASID are never behind, so nothing is recorded of them, and loading one never flushes:
 *
 *     flush:  write the entry, increment tlb_gen, INVLPGB for the PCID, TLBSYNC, on one processor throughout (W18)
 *
 * An mm comes to its global ASID while it runs. Until no processor runs it under an ASID of its own any more, its flushes do
 * both: INVLPGB, and an IPI to whoever is left behind, which takes it over. asid_transition says so; it is set before
 * global_asid is published. A processor in the middle of a switch is waited for.
 *
 * For who is flushed by IPI, loaded_mm is marked LOADED_MM_SWITCHING before tlb_gen is read, and whoever is switching is
 * flushed: E10's first window is closed (fea4e317f9e7). The second is not. Where the bit in mm_cpumask is set already no
 * locked operation is left between that store and the reading of tlb_gen, and the store can still wait in the store buffer
 * while a flush passes the processor by (83b0177a6c48, CVE-2025-40174: E11).
 *
 * The kernel considers a global ASID for an mm when the low bits of a pid and of the clock agree, and trims mm_cpumask once
 * a second. Here is no clock but the mm's own: tlb_gen, which each of its flushes advances.
 *
 * Left out: linear-address masking, CR4, LDT and branch predictors at a switch, NMIs, and secondary TLBs.
 *
 * The invariant: for every slot i, the TLB holds no user translation tagged with i's PCID that is older than generation
 * ctxs[i].tlb_gen of the mm whose id is ctxs[i].ctx_id.
 */
import { type FrameNumber, PAGE_SHIFT } from '../../arch/address.ts';
import { Cr3, Cr4 } from '../../arch/control-registers.ts';
import { ENTRY_FRAME_MASK } from '../../arch/paging-entry.ts';
import type { StateSink } from '../../base/state-sink.ts';
import { present } from '../bug.ts';
import type { AddressRange } from '../../event/event.ts';
import { atomic64_inc_return, type Cell, READ_ONCE, smp_mb, WRITE_ONCE } from '../cell.ts';
import type { Core } from '../core.ts';
import {
  cpumask_clear_cpu,
  cpumask_has,
  cpumask_of,
  cpumask_set_cpu,
  cpumask_test_cpu,
  for_each_cpu,
} from '../cpumask.ts';
import type { Kernel } from '../hardware.ts';
import { LOADED_MM_SWITCHING, pointer_bits } from '../mm_pointer.ts';
import type { mm_struct } from '../mm_struct.ts';
import { type GlobalAsidRange, GlobalAsids } from './global_asid.ts';
import {
  __tlbsync,
  invlpgb_flush_addr_range_nosync,
  invlpgb_flush_all,
  invlpgb_flush_all_nonglobals,
  invlpgb_flush_single_pcid_nosync,
  invlpgb_flush_user_range_nosync,
  PMD_SHIFT,
} from './invlpgb.ts';
import { type Era, type FlushRequest, TLB_FLUSH_ALL, type Tlb, type TlbflushUnmapBatch } from './era.ts';
import { PageTableIsolation } from './pti.ts';
import { __flush_tlb_all, few_pages, pgd_address } from './tlbflush.ts';
import { mmRange, TraceTlb, wholeMm } from './trace_tlb.ts';

/** A slot: the translations of the mm with this id, none older than this generation. ctx_id 0: empty. */
interface tlb_context {
  readonly ctx_id: Cell<number>;
  readonly tlb_gen: Cell<number>;
}

interface tlb_state {
  /** What CR3 holds, whenever interrupts are on; LOADED_MM_SWITCHING while that is uncertain. */
  readonly loaded_mm: Cell<mm_struct | null>;
  /** The slot that CR3's PCID belongs to. */
  readonly loaded_mm_asid: Cell<number>;
  /** Where the next mm without a slot goes. */
  readonly next_asid: Cell<number>;
  /** A kernel thread borrows loaded_mm. Read by whoever flushes it. */
  readonly is_lazy: Cell<number>;
  readonly ctxs: readonly tlb_context[];
}

const TLB_NR_DYN_ASIDS = 6;
/** Eleven bits of PCID, for the twelfth tells user from kernel; less PCID 0 and one for the count from 0. */
const MAX_ASID_AVAILABLE = (1 << 11) - 2;

/** When an mm is given a global ASID. */
export interface Promotion {
  /** More processors than this must be running the mm. */
  readonly threshold: number;
  /** Considered once in so many generations of the mm: in place of a clock. */
  readonly period: number;
}

const PROMOTION: Promotion = { threshold: 3, period: 32 };
/** As soon as two processors run the mm. */
export const EAGER: Promotion = { threshold: 1, period: 1 };

/** The ASIDs that are the same on every processor. */
export const GLOBAL_ASIDS: GlobalAsidRange = { first: TLB_NR_DYN_ASIDS, limit: MAX_ASID_AVAILABLE };

/** Generations of an mm, in place of a second. */
const TRIM_PERIOD = 16;

/** The generation of a request that names none: no mm ever flushes at it. */
export const TLB_GENERATION_INVALID = 0;

/** All there is of whatever is loaded; no tables are freed. */
const EVERY_MM = {
  mm: null,
  start: 0n,
  end: TLB_FLUSH_ALL,
  stride_shift: PAGE_SHIFT,
  freed_tables: false,
  trim_cpumask: false,
};

/** Where an mm goes. */
export interface NewAsid {
  readonly asid: number;
  readonly need_flush: boolean;
  /** For reports. */
  readonly why: string;
}

/** What the end of a switch needs. */
interface Load {
  readonly real_prev: mm_struct;
  readonly next: mm_struct;
  /** Of `next`, read since this processor can be seen. */
  readonly next_tlb_gen: number;
  readonly new_asid: NewAsid;
}

/**
 * Three kinds. A whole mm: `end` is TLB_FLUSH_ALL, `new_tlb_gen` the generation to catch up to. A part of an mm: all that
 * changed between generations new_tlb_gen - 1 and new_tlb_gen lies in [start, end). Every mm: `mm` is null, `end`
 * TLB_FLUSH_ALL, `new_tlb_gen` TLB_GENERATION_INVALID.
 */
export interface flush_tlb_info {
  readonly mm: mm_struct | null;
  readonly start: bigint;
  readonly end: bigint;
  readonly new_tlb_gen: number;
  /** Of the pages in [start, end). */
  readonly stride_shift: number;
  /** Page tables go, too: paging-structure caches must not lead to them any more, not even a lazy processor's. */
  readonly freed_tables: boolean;
  readonly initiating_cpu: number;
  /** Who does not run the mm shall leave its mm_cpumask. */
  readonly trim_cpumask: boolean;
  /** The flush's number in events. */
  readonly flush: number;
}

/** A request on its way, and what its flush is about in events. */
interface Sent {
  readonly info: flush_tlb_info;
  readonly ranges: readonly AddressRange[];
}

export class TlbE10 implements Tlb {
  protected readonly core: Core;
  protected readonly trace: TraceTlb;
  /**
   * PCIDs only with global pages: their toggle, CR4.PGE, is what reaches every PCID without INVPCID. And only where INVLPG
   * then still invalidates global translations, for on it flush_tlb_kernel_range relies.
   */
  protected readonly pcid: boolean;
  /**
   * How many pages an INVLPGB may name; null: there is none, or no PCID for it to name. Nor with page-table isolation, whose
   * mask of PCIDs is too short for global ASIDs (94a17f2dc90b).
   */
  protected readonly invlpgb_count_max: number | null;
  protected readonly global_asids: GlobalAsids;
  /** What is a huge page now may be a table when the flush comes. */
  readonly flushTlbRangeFreesTables = true;
  readonly #promotion: Promotion;
  /** What the user's page tables and PCIDs ask for. */
  readonly isolation: PageTableIsolation;
  readonly #cpu_tlbstate: readonly tlb_state[];
  /** Each processor has one flush_tlb_info, in use or not: W11. */
  readonly #flush_tlb_info_idx: number[];

  constructor(core: Core, promotion = PROMOTION, global_asids = new GlobalAsids(core, GLOBAL_ASIDS)) {
    this.core = core;
    this.trace = new TraceTlb(core);
    const { pcid, globalPages, invlpgKeepsGlobals = false } = core.hardware.features;
    this.pcid = pcid && globalPages && !invlpgKeepsGlobals;
    this.isolation = new PageTableIsolation(core, this.trace, this.pcid);
    const broadcasts = this.pcid && !this.isolation.enabled;
    this.invlpgb_count_max = broadcasts ? (core.hardware.features.invlpgbCountMax ?? null) : null;
    this.#promotion = promotion;
    this.global_asids = global_asids;
    this.#cpu_tlbstate = Array.from({ length: core.hardware.processors }, () => ({
      loaded_mm: core.mmCell(core.init_mm),
      loaded_mm_asid: core.cell(0),
      next_asid: core.cell(1),
      is_lazy: core.cell(0),
      ctxs: Array.from({ length: TLB_NR_DYN_ASIDS }, (_, asid) => ({
        ctx_id: core.cell(asid === 0 ? core.init_mm.ctx_id : 0),
        tlb_gen: core.cell(0),
      })),
    }));
    this.#flush_tlb_info_idx = this.#cpu_tlbstate.map(() => 0);
  }

  *switch_mm_irqs_off(cpu: number, _unused: mm_struct | null, next: mm_struct): Kernel<void> {
    const { core } = this;
    const { loaded_mm_asid } = this.cpu_tlbstate(cpu);
    core.warnUnless(core.irqs_disabled(cpu), cpu, 'W1', 'switch_mm_irqs_off with interrupts on');
    const real_prev = yield* this.loaded_mm(cpu);
    const prev_asid = yield* READ_ONCE(loaded_mm_asid);

    const cr3 = yield { kind: 'mov-from-cr3' };
    const right = cr3 === this.build_cr3(cpu, real_prev.pgd, prev_asid);
    core.warnUnless(right, cpu, 'W2', `CR3 is not that of the loaded ${real_prev.name} in slot ${prev_asid}`);
    // Whatever went wrong, nothing of it shall stay in the TLB.
    if (!right) yield* __flush_tlb_all(core.hardware.features);

    const was_lazy = yield* this.is_lazy(cpu);
    if (was_lazy) yield* this.set_lazy(cpu, false);
    const was_set = yield* cpumask_test_cpu(cpu, real_prev.cpumask);
    core.warnUnless(was_set || real_prev === core.init_mm, cpu, 'W6', `not in mm_cpumask of ${real_prev.name}`);

    if (real_prev === next) {
      if (!is_global_asid(prev_asid)) {
        const ctx_id = yield* READ_ONCE(this.ctxs(cpu, prev_asid).ctx_id);
        const own = ctx_id === next.ctx_id;
        core.warnUnless(own, cpu, 'W3', `ctxs[${prev_asid}] is of mm ${ctx_id}, not ${next.ctx_id}`);
      }
      if (!was_set && next !== core.init_mm) yield* cpumask_set_cpu(cpu, next.cpumask);
      if (yield* this.mm_needs_global_asid(cpu, next, prev_asid)) {
        const next_tlb_gen = yield* READ_ONCE(next.tlb_gen);
        const new_asid = yield* this.choose_new_asid(cpu, next, next_tlb_gen);
        yield* this.load_new_mm_cr3(cpu, { real_prev, next, next_tlb_gen, new_asid });
      } else if (was_lazy && !is_global_asid(prev_asid)) yield* this.catch_up(cpu, next, prev_asid);
      return;
    }

    yield* WRITE_ONCE(pointer_bits(this.cpu_tlbstate(cpu).loaded_mm), LOADED_MM_SWITCHING);
    yield* this.start_receiving_flushes(cpu, next);
    const next_tlb_gen = yield* READ_ONCE(next.tlb_gen);
    const new_asid = yield* this.choose_new_asid(cpu, next, next_tlb_gen);
    yield* this.load_new_mm_cr3(cpu, { real_prev, next, next_tlb_gen, new_asid });
  }

  /** From here on this processor is sent flushes of `next`. init_mm is never flushed this way. */
  protected *start_receiving_flushes(cpu: number, next: mm_struct): Kernel<void> {
    if (next === this.core.init_mm || (yield* cpumask_test_cpu(cpu, next.cpumask))) return;
    yield* cpumask_set_cpu(cpu, next.cpumask);
  }

  /** Back from lazy mode, to the mm that the processor never left: flushes may have passed it by. */
  protected *catch_up(cpu: number, mm: mm_struct, asid: number): Kernel<void> {
    yield* smp_mb();
    const next_tlb_gen = yield* READ_ONCE(mm.tlb_gen);
    const local_tlb_gen = yield* READ_ONCE(this.ctxs(cpu, asid).tlb_gen);
    const why = `no longer lazy, generation ${local_tlb_gen} of ${next_tlb_gen}`;
    if (local_tlb_gen === next_tlb_gen) {
      this.trace.decision(cpu, null, wholeMm(mm.ctx_id), 'skip', why);
      return;
    }
    const new_asid = { asid, need_flush: true, why };
    yield* this.load_new_mm_cr3(cpu, { real_prev: mm, next: mm, next_tlb_gen, new_asid });
  }

  protected *load_new_mm_cr3(cpu: number, { real_prev, next, next_tlb_gen, new_asid }: Load): Kernel<void> {
    const { loaded_mm, loaded_mm_asid } = this.cpu_tlbstate(cpu);
    const { asid, need_flush, why } = new_asid;
    if (need_flush) {
      this.core.warnUnless(!is_global_asid(asid), cpu, 'W14', `a flush of global ASID ${asid} by loading it`);
      const context = this.ctxs(cpu, asid);
      yield* WRITE_ONCE(context.ctx_id, next.ctx_id);
      yield* WRITE_ONCE(context.tlb_gen, next_tlb_gen);
      this.trace.decision(cpu, null, wholeMm(next.ctx_id), 'full', why);
      yield* this.isolation.invalidate_user_asid(cpu, asid);
      yield { kind: 'mov-to-cr3', value: this.build_cr3(cpu, next.pgd, asid) };
      this.trace.slot(cpu, asid, this.kern_pcid(asid), next.ctx_id, next_tlb_gen);
    } else {
      this.trace.decision(cpu, null, wholeMm(next.ctx_id), 'skip', why);
      yield { kind: 'mov-to-cr3', value: this.build_cr3_noflush(cpu, next.pgd, asid) };
    }
    this.trace.switched(cpu, real_prev.ctx_id, next.ctx_id, need_flush);

    // CR3 first: what loaded_mm says is true from the moment it says it.
    yield* WRITE_ONCE(loaded_mm, next);
    yield* WRITE_ONCE(loaded_mm_asid, asid);
  }

  /** The global ASID, always up to date; or the slot that holds `next`, or the next one in turn, whose former mm loses it. */
  protected *choose_new_asid(cpu: number, next: mm_struct, next_tlb_gen: number): Kernel<NewAsid> {
    if (!this.pcid) return { asid: 0, need_flush: true, why: 'no PCIDs: every switch flushes' };

    const global_asid = yield* this.mm_global_asid(cpu, next);
    if (global_asid !== 0) return { asid: global_asid, need_flush: false, why: `global ASID ${global_asid}` };

    if (yield* this.isolation.invalidate_other(cpu)) yield* this.clear_asid_other(cpu);

    for (let asid = 0; asid < TLB_NR_DYN_ASIDS; asid++) {
      const { ctx_id, tlb_gen } = this.ctxs(cpu, asid);
      if ((yield* READ_ONCE(ctx_id)) !== next.ctx_id) continue;
      const local_tlb_gen = yield* READ_ONCE(tlb_gen);
      const why = `slot ${asid}, generation ${local_tlb_gen} of ${next_tlb_gen}`;
      return { asid, need_flush: local_tlb_gen < next_tlb_gen, why };
    }

    const { next_asid } = this.cpu_tlbstate(cpu);
    const asid = (yield* READ_ONCE(next_asid)) % TLB_NR_DYN_ASIDS;
    yield* WRITE_ONCE(next_asid, asid + 1);
    return { asid, need_flush: true, why: `slot ${asid}, new to it` };
  }

  /** The slots that are not loaded hold kernel translations that are stale: whoever goes to one again flushes. */
  protected *clear_asid_other(cpu: number): Kernel<void> {
    this.core.warnUnless(this.isolation.enabled, cpu, 'W17', 'clear_asid_other without page-table isolation');
    const loaded = yield* READ_ONCE(this.cpu_tlbstate(cpu).loaded_mm_asid);
    for (let asid = 0; asid < TLB_NR_DYN_ASIDS; asid++) {
      if (asid === loaded) continue;
      yield* WRITE_ONCE(this.ctxs(cpu, asid).ctx_id, 0);
      this.trace.slot(cpu, asid, this.kern_pcid(asid), 0, 0);
    }
    yield* this.isolation.others_are_invalid(cpu);
  }

  *enter_lazy_tlb(cpu: number, _mm: mm_struct): Kernel<void> {
    if ((yield* this.loaded_mm(cpu)) === this.core.init_mm) return;
    yield* this.set_lazy(cpu, true);
  }

  /** Gives up a borrowed mm, so that no more flushes of it arrive. */
  *leave_mm(cpu: number): Kernel<void> {
    const { core } = this;
    if ((yield* this.loaded_mm(cpu)) === core.init_mm) return;
    const lazy = yield* this.is_lazy(cpu);
    core.warnUnless(lazy, cpu, 'W8', 'leave_mm on a processor that is not lazy');
    yield* this.switch_mm(cpu, core.init_mm);
  }

  protected *switch_mm(cpu: number, next: mm_struct): Kernel<void> {
    const enabled = yield* this.core.local_irq_save(cpu);
    yield* this.switch_mm_irqs_off(cpu, null, next);
    yield* this.core.local_irq_restore(cpu, enabled);
  }

  *flush_tlb_mm_range(cpu: number, mm: mm_struct, request: FlushRequest): Kernel<void> {
    const flush = this.core.nextFlush();
    const ranges = [mmRange(mm.ctx_id, request.start, request.end)];
    this.trace.flushBegin(cpu, { flush, reason: request.reason, ranges, freedTables: request.freed_tables });

    // Pairs with the switch: the entries were written before it, and mm_cpumask is read after it.
    const new_tlb_gen = yield* this.inc_mm_tlb_gen(cpu, mm);
    const requested = { mm, ...range_to_flush(request), new_tlb_gen, initiating_cpu: cpu, trim_cpumask: false, flush };
    const info = this.get_flush_tlb_info(cpu, requested);

    const global_asid = yield* this.mm_global_asid(cpu, mm);
    if (global_asid !== 0) yield* this.broadcast_tlb_flush(cpu, global_asid, { info, ranges });
    else yield* this.interrupt_tlb_flush(cpu, mm, { info, ranges });
    this.put_flush_tlb_info(cpu);
    this.trace.flushReturn(cpu, flush);
  }

  /** Without a global ASID. An mm that keeps many processors busy may be given one for the next time. */
  protected *interrupt_tlb_flush(cpu: number, mm: mm_struct, { info, ranges }: Sent): Kernel<void> {
    const { flush, new_tlb_gen } = info;
    const cpumask = yield* READ_ONCE(mm.cpumask);
    if ((cpumask & ~cpumask_of(cpu)) !== 0n) {
      this.trace.leftOut(flush, ranges, cpumask, 'not in mm_cpumask');
      const trim_cpumask = yield* this.should_trim_cpumask(mm, new_tlb_gen);
      yield* this.flush_tlb_multi(cpu, cpumask, { info: { ...info, trim_cpumask }, ranges });
      yield* this.consider_global_asid(cpu, mm, new_tlb_gen);
      return;
    }
    this.trace.leftOut(flush, ranges, cpumask_of(cpu), 'not in mm_cpumask');
    if ((yield* this.loaded_mm(cpu)) === mm) yield* this.flush_locally(cpu, info);
    else this.trace.leftOut(flush, ranges, ~cpumask_of(cpu), 'not running this mm');
  }

  /** inc_mm_tlb_gen has brought the entries to memory. Whoever runs the mm under another ASID is taken over meanwhile. */
  protected *broadcast_tlb_flush(cpu: number, global_asid: number, { info, ranges }: Sent): Kernel<void> {
    const { start, end, stride_shift } = info;
    const pcid = this.kern_pcid(global_asid);
    const all = end === TLB_FLUSH_ALL;
    this.trace.everywhere(info.flush, ranges, all ? 'full' : 'partial', 'INVLPGB');
    if (all) yield* invlpgb_flush_single_pcid_nosync(pcid);
    else {
      const shift = stride_shift === PMD_SHIFT ? PMD_SHIFT : PAGE_SHIFT;
      yield* invlpgb_flush_user_range_nosync(pcid, { start, end, shift, countMax: this.invlpgb_count_max ?? 1 });
    }
    yield* this.finish_asid_transition(cpu, global_asid, { info, ranges });
    yield* this.tlbsync();
  }

  protected *tlbsync(): Kernel<void> {
    yield* __tlbsync();
  }

  /** Sends whoever still runs the mm under an ASID of its own to the global one; once there is nobody, that is over. */
  protected *finish_asid_transition(cpu: number, global_asid: number, sent: Sent): Kernel<void> {
    const mm = present(sent.info.mm, 'the mm of a broadcast');
    if ((yield* READ_ONCE(mm.asid_transition)) === 0) return;
    for (const other of for_each_cpu(yield* READ_ONCE(mm.cpumask))) {
      const { loaded_mm, loaded_mm_asid } = this.cpu_tlbstate(other);
      // It may be switching to this mm, with the ASID that it had before.
      yield { kind: 'wait', address: loaded_mm.address, until: (bits) => bits !== LOADED_MM_SWITCHING };
      if ((yield* READ_ONCE(pointer_bits(loaded_mm))) !== loaded_mm.encode(mm)) continue;
      if ((yield* READ_ONCE(loaded_mm_asid)) === global_asid) continue;
      yield* this.flush_tlb_multi(cpu, yield* READ_ONCE(mm.cpumask), sent);
      return;
    }
    yield* WRITE_ONCE(mm.asid_transition, 0);
  }

  /** Now and then, where enough processors run the mm at once: they share the numbers with all other such mms. */
  protected *consider_global_asid(cpu: number, mm: mm_struct, now: number): Kernel<void> {
    const { threshold, period } = this.#promotion;
    if (this.invlpgb_count_max === null || now % period !== 0) return;
    if (yield* this.mm_active_cpus_exceeds(mm, threshold)) yield* this.global_asids.use_global_asid(cpu, mm);
  }

  protected *mm_active_cpus_exceeds(mm: mm_struct, threshold: number): Kernel<boolean> {
    let count = 0;
    for (const cpu of for_each_cpu(yield* READ_ONCE(mm.cpumask))) {
      const { loaded_mm } = this.cpu_tlbstate(cpu);
      if ((yield* READ_ONCE(pointer_bits(loaded_mm))) !== loaded_mm.encode(mm)) continue;
      if (yield* this.is_lazy(cpu)) continue;
      if (++count > threshold) return true;
    }
    return false;
  }

  /** 0 for none. */
  protected *mm_global_asid(cpu: number, mm: mm_struct): Kernel<number> {
    if (this.invlpgb_count_max === null) return 0;
    const asid = yield* READ_ONCE(mm.global_asid);
    this.core.warnUnless(asid === 0 || is_global_asid(asid), cpu, 'W14', `${asid} as a global ASID`);
    return asid;
  }

  /** Whether this processor runs the mm under an ASID that is not, or no longer, the one to run it under. */
  protected *mm_needs_global_asid(cpu: number, mm: mm_struct, asid: number): Kernel<boolean> {
    const global_asid = yield* this.mm_global_asid(cpu, mm);
    return global_asid !== 0 && asid !== global_asid;
  }

  tellState(sink: StateSink): void {
    this.global_asids.tellState(sink);
  }

  *destroy_context(cpu: number, mm: mm_struct): Kernel<void> {
    if (this.invlpgb_count_max !== null) yield* this.global_asids.mm_free_global_asid(cpu, mm);
  }

  /** Once a period, but for an mm's first. Neither locked nor ordered: two initiators that both trim do no harm. */
  protected *should_trim_cpumask({ next_trim_cpumask }: mm_struct, now: number): Kernel<boolean> {
    if (now <= Math.max(yield* READ_ONCE(next_trim_cpumask), TRIM_PERIOD)) return false;
    yield* WRITE_ONCE(next_trim_cpumask, now + TRIM_PERIOD);
    return true;
  }

  /** Nobody else is concerned. */
  protected *flush_locally(cpu: number, info: flush_tlb_info): Kernel<void> {
    this.core.warnUnless(!this.core.irqs_disabled(cpu), cpu, 'W1', 'a flush begins with interrupts off');
    yield* this.core.local_irq_disable(cpu);
    yield* this.flush_tlb_func(cpu, info);
    yield* this.core.local_irq_enable(cpu);
  }

  /**
   * Brings this processor up to date with the loaded mm, on behalf of one request, its own or, in the handler of an IPI,
   * another's. Interrupts are off.
   *
   * mm.tlb_gen is read before the flush: whatever is filled afterwards comes from tables at least that new.
   */
  protected *flush_tlb_func(cpu: number, f: flush_tlb_info): Kernel<void> {
    const { core } = this;
    const loaded_mm = yield* this.loaded_mm(cpu);
    const range = mmRange((f.mm ?? loaded_mm).ctx_id, f.start, f.end);
    core.warnUnless(core.irqs_disabled(cpu), cpu, 'W1', 'flush_tlb_func with interrupts on');
    if (f.mm !== null && f.mm !== loaded_mm) {
      // The bit has outlived the mm's stay. With interrupts off, no switch of this processor can be setting it.
      yield* cpumask_clear_cpu(cpu, f.mm.cpumask);
      this.trace.decision(cpu, f.flush, range, 'skip', 'not running this mm');
      return;
    }
    if (loaded_mm === core.init_mm) {
      this.trace.decision(cpu, f.flush, range, 'skip', 'init_mm has no user translations');
      return;
    }

    const running_asid = yield* READ_ONCE(this.cpu_tlbstate(cpu).loaded_mm_asid);
    if (yield* this.mm_needs_global_asid(cpu, loaded_mm, running_asid)) {
      yield* this.switch_mm_irqs_off(cpu, null, loaded_mm);
    }
    const loaded_mm_asid = yield* READ_ONCE(this.cpu_tlbstate(cpu).loaded_mm_asid);
    if (is_global_asid(loaded_mm_asid)) {
      this.trace.decision(cpu, f.flush, range, 'skip', 'global ASID: INVLPGB keeps it up to date');
      return;
    }
    const { ctx_id, tlb_gen } = this.ctxs(cpu, loaded_mm_asid);
    const local_tlb_gen = yield* READ_ONCE(tlb_gen);
    const id = yield* READ_ONCE(ctx_id);
    const slot = `ctxs[${loaded_mm_asid}]`;
    core.warnUnless(id === loaded_mm.ctx_id, cpu, 'W3', `${slot} is of mm ${id}, not ${loaded_mm.ctx_id}`);

    if (yield* this.is_lazy(cpu)) {
      // Rids the paging-structure caches of the tables, and the next flush has nothing to do here.
      this.trace.decision(cpu, f.flush, range, 'full', 'lazy: leaves the mm');
      yield* this.switch_mm_irqs_off(cpu, null, core.init_mm);
      return;
    }

    if (this.is_already_reached(f, local_tlb_gen)) {
      this.trace.decision(cpu, f.flush, range, 'skip', `generation already ${local_tlb_gen}`);
      return;
    }

    const mm_tlb_gen = yield* READ_ONCE(loaded_mm.tlb_gen);
    if (local_tlb_gen === mm_tlb_gen) {
      this.trace.decision(cpu, f.flush, range, 'skip', `generation already ${local_tlb_gen}`);
      return;
    }

    core.warnUnless(local_tlb_gen <= mm_tlb_gen, cpu, 'W4', `recorded ${local_tlb_gen}, mm at ${mm_tlb_gen}`);
    core.warnUnless(f.new_tlb_gen <= mm_tlb_gen, cpu, 'W5', `asked for ${f.new_tlb_gen}, mm at ${mm_tlb_gen}`);

    // One ahead, or the range says nothing of the generations between; the newest, or another flush is coming anyway.
    const next_in_line = f.new_tlb_gen === local_tlb_gen + 1 && f.new_tlb_gen === mm_tlb_gen;
    const partial = f.end !== TLB_FLUSH_ALL && next_in_line;
    const named = f.new_tlb_gen !== TLB_GENERATION_INVALID && f.mm !== null;
    core.warnUnless(!partial || named, cpu, 'W13', 'a part of no mm or of no generation');
    const why = `generation ${local_tlb_gen} to ${mm_tlb_gen}`;
    this.trace.decision(cpu, f.flush, range, partial ? 'partial' : 'full', why);
    if (partial) yield* this.isolation.flush_user_range(cpu, loaded_mm_asid, f, f.stride_shift);
    else yield* this.isolation.flush_tlb(cpu, loaded_mm_asid);
    yield* WRITE_ONCE(tlb_gen, mm_tlb_gen);
    this.trace.slot(cpu, loaded_mm_asid, this.kern_pcid(loaded_mm_asid), loaded_mm.ctx_id, mm_tlb_gen);
  }

  protected is_already_reached(f: flush_tlb_info, local_tlb_gen: number): boolean {
    return f.new_tlb_gen !== TLB_GENERATION_INVALID && f.new_tlb_gen <= local_tlb_gen;
  }

  /**
   * Returns when everyone who must has flushed: all of `cpumask` if tables are freed or the mm is on its way to a global
   * ASID, otherwise who seems to need it.
   */
  protected *flush_tlb_multi(cpu: number, cpumask: bigint, { info, ranges }: Sent): Kernel<void> {
    this.core.warnUnless(!this.core.irqs_disabled(cpu), cpu, 'W1', 'a flush begins with interrupts off');
    let targets = cpumask;
    if (!info.freed_tables && !(yield* mm_in_asid_transition(info.mm))) {
      for (const target of for_each_cpu(cpumask)) {
        if (!(yield* this.should_flush_tlb(target, info))) targets &= ~cpumask_of(target);
      }
      this.trace.leftOut(info.flush, ranges, ~cpumask | targets, 'no tables freed, nor running this mm');
    }
    yield* this.core.on_each_cpu_mask(cpu, targets, (target) => this.flush_tlb_func(target, info));
  }

  /**
   * What another processor has loaded may be gone by now: its address is compared and not followed. loaded_mm is read before
   * is_lazy, and written after it: whoever is seen switching is not taken to be lazy still. Loads stay in order, as stores
   * do (SDM 3A 9.2.2).
   */
  protected *should_flush_tlb(target: number, info: flush_tlb_info): Kernel<boolean> {
    const { loaded_mm } = this.cpu_tlbstate(target);
    const bits = yield* READ_ONCE(pointer_bits(loaded_mm));
    if (yield* this.is_lazy(target)) return false;
    if (info.mm === null || bits === LOADED_MM_SWITCHING) return true;
    return bits === loaded_mm.encode(info.mm) || info.trim_cpumask;
  }

  /** The processor's one flush_tlb_info is filled in, and nobody else may use it before it is put back. */
  protected get_flush_tlb_info(cpu: number, info: flush_tlb_info): flush_tlb_info {
    const idx = this.#users_of_info(cpu, 1);
    this.core.warnUnless(idx === 1, cpu, 'W11', 'flush_tlb_info is in use already');
    return info;
  }

  protected put_flush_tlb_info(cpu: number): void {
    this.#users_of_info(cpu, -1);
  }

  #users_of_info(cpu: number, change: number): number {
    const users = present(this.#flush_tlb_info_idx[cpu], `flush_tlb_info_idx of processor ${cpu}`) + change;
    this.#flush_tlb_info_idx[cpu] = users;
    return users;
  }

  *flush_tlb_all(cpu: number, reason: string): Kernel<void> {
    const flush = this.core.nextFlush();
    const range = wholeMm(this.core.init_mm.ctx_id);
    this.trace.flushBegin(cpu, { flush, reason, ranges: [range] });
    yield* this.kernel_tlb_flush_all(cpu, flush, range);
    this.trace.flushReturn(cpu, flush);
  }

  protected *kernel_tlb_flush_all(cpu: number, flush: number, range: AddressRange): Kernel<void> {
    if (this.invlpgb_count_max === null) {
      yield* this.core.on_each_cpu(cpu, (target) => this.do_flush_tlb_all(target, flush));
      return;
    }
    this.trace.everywhere(flush, [range], 'full', 'INVLPGB of everything');
    yield* invlpgb_flush_all();
  }

  protected *do_flush_tlb_all(cpu: number, flush: number): Kernel<void> {
    this.trace.decision(cpu, flush, wholeMm(this.core.init_mm.ctx_id), 'full', 'flush_tlb_all');
    yield* __flush_tlb_all(this.core.hardware.features);
  }

  *flush_tlb_kernel_range(cpu: number, start: bigint, end: bigint, reason: string): Kernel<void> {
    const flush = this.core.nextFlush();
    const range = mmRange(this.core.init_mm.ctx_id, start, end);
    this.trace.flushBegin(cpu, { flush, reason, ranges: [range] });
    if (few_pages(start, end)) yield* this.kernel_tlb_flush_range(cpu, flush, range);
    else yield* this.kernel_tlb_flush_all(cpu, flush, range);
    this.trace.flushReturn(cpu, flush);
  }

  protected *kernel_tlb_flush_range(cpu: number, flush: number, range: AddressRange): Kernel<void> {
    const { start, end } = range;
    const countMax = this.invlpgb_count_max;
    if (countMax === null) {
      yield* this.core.on_each_cpu(cpu, (target) => this.do_kernel_range_flush(target, start, end, flush));
      return;
    }
    this.trace.everywhere(flush, [range], 'partial', 'INVLPGB of a kernel range');
    yield* invlpgb_flush_addr_range_nosync({ start, end, shift: PAGE_SHIFT, countMax });
    yield* this.tlbsync();
  }

  /** On every processor, whatever it runs: the kernel's half belongs to every address space. */
  protected *do_kernel_range_flush(cpu: number, start: bigint, end: bigint, flush: number): Kernel<void> {
    this.trace.decision(cpu, flush, mmRange(this.core.init_mm.ctx_id, start, end), 'partial', 'kernel range');
    const { loaded_mm_asid } = this.cpu_tlbstate(cpu);
    yield* this.isolation.flush_kernel_range(cpu, loaded_mm_asid, { start, end });
  }

  /** The entries have been cleared and their pages wait: the mm takes a generation now, the processors are flushed later. */
  *arch_tlbbatch_add_mm(cpu: number, batch: TlbflushUnmapBatch, mm: mm_struct): Kernel<void> {
    this.trace.batchAdd(cpu, mm);
    yield* this.inc_mm_tlb_gen(cpu, mm);
    batch.cpumask |= yield* READ_ONCE(mm.cpumask);
    if (!batch.mms.includes(mm.ctx_id)) batch.mms.push(mm.ctx_id);
  }

  *arch_tlbbatch_flush(cpu: number, batch: TlbflushUnmapBatch): Kernel<void> {
    const flush = this.core.nextFlush();
    const ranges = batch.mms.map(wholeMm);
    this.trace.flushBegin(cpu, { flush, reason: 'batched unmap', ranges, batch: true });
    const info = this.get_flush_tlb_info(cpu, {
      ...EVERY_MM,
      new_tlb_gen: TLB_GENERATION_INVALID,
      initiating_cpu: cpu,
      flush,
    });
    if (this.invlpgb_count_max === null) this.trace.leftOut(flush, ranges, batch.cpumask, 'not in the batch');
    if (this.invlpgb_count_max !== null && batch.mms.length > 0) {
      this.trace.everywhere(flush, ranges, 'full', 'INVLPGB of all but globals');
      yield* invlpgb_flush_all_nonglobals();
    } else if ((batch.cpumask & ~cpumask_of(cpu)) !== 0n) {
      yield* this.flush_tlb_multi(cpu, batch.cpumask, { info, ranges });
    } else if (cpumask_has(batch.cpumask, cpu)) {
      yield* this.flush_locally(cpu, info);
    }
    this.put_flush_tlb_info(cpu);
    batch.cpumask = 0n;
    batch.mms = [];
    this.trace.flushReturn(cpu, flush);
  }

  /**
   * A processor that comes up, at boot or by hotplug: it runs loaded_mm's tables under PCID 0, may hold anything under the
   * other PCIDs, and has missed every flush since it went down. Only an empty slot is safe, and slot 0 freshly flushed.
   */
  *initialize_tlbstate_and_flush(cpu: number): Kernel<void> {
    const { core } = this;
    const { loaded_mm_asid, next_asid } = this.cpu_tlbstate(cpu);
    const loaded_mm = yield* this.loaded_mm(cpu);
    const tlb_gen = yield* READ_ONCE(core.init_mm.tlb_gen);

    // Each processor for itself: CR4.PCIDE can be set only in IA-32e mode, with CR3[11:0] = 0 (SDM 3A 4.10.1).
    const cr4 = yield { kind: 'mov-from-cr4' };
    if (this.pcid && (cr4 & Cr4.PCIDE) === 0n) yield { kind: 'mov-to-cr4', value: cr4 | Cr4.PCIDE };

    const cr3 = yield { kind: 'mov-from-cr3' };
    const here = (cr3 & ENTRY_FRAME_MASK) === pgd_address(loaded_mm.pgd);
    core.warnUnless(here, cpu, 'W10', `CR3 does not hold the tables of the loaded ${loaded_mm.name}`);
    core.warnUnless(this.pcid || (cr4 & Cr4.PCIDE) === 0n, cpu, 'W10', 'CR4.PCIDE is set without PCIDs');

    yield { kind: 'mov-to-cr3', value: this.build_cr3(cpu, loaded_mm.pgd, 0) };
    this.trace.switched(cpu, 0, loaded_mm.ctx_id, true);
    yield* WRITE_ONCE(loaded_mm_asid, 0);
    yield* WRITE_ONCE(next_asid, 1);
    yield* WRITE_ONCE(this.ctxs(cpu, 0).ctx_id, loaded_mm.ctx_id);
    yield* WRITE_ONCE(this.ctxs(cpu, 0).tlb_gen, tlb_gen);
    this.trace.slot(cpu, 0, this.kern_pcid(0), loaded_mm.ctx_id, tlb_gen);
    for (let asid = 1; asid < TLB_NR_DYN_ASIDS; asid++) {
      yield* WRITE_ONCE(this.ctxs(cpu, asid).ctx_id, 0);
      if (this.pcid) this.trace.slot(cpu, asid, this.kern_pcid(asid), 0, 0);
    }
  }

  /** Follows the change of the page tables, comes before mm_cpumask is read. */
  protected *inc_mm_tlb_gen(cpu: number, mm: mm_struct): Kernel<number> {
    const generation = yield* atomic64_inc_return(mm.tlb_gen);
    this.trace.generation(cpu, mm, generation);
    return generation;
  }

  /** PCID 0 is left to code that knows nothing of PCIDs. */
  protected kern_pcid(asid: number): number {
    return this.pcid ? asid + 1 : 0;
  }

  protected build_cr3(cpu: number, pgd: FrameNumber, asid: number): bigint {
    this.core.warnUnless(asid <= (this.pcid ? MAX_ASID_AVAILABLE : 0), cpu, 'W9', `asid ${asid}`);
    return pgd_address(pgd) | BigInt(this.kern_pcid(asid));
  }

  protected build_cr3_noflush(cpu: number, pgd: FrameNumber, asid: number): bigint {
    this.core.warnUnless(this.pcid, cpu, 'W9', 'NOFLUSH without PCIDs');
    return this.build_cr3(cpu, pgd, asid) | Cr3.NO_FLUSH;
  }

  protected *set_lazy(cpu: number, lazy: boolean): Kernel<void> {
    yield* WRITE_ONCE(this.cpu_tlbstate(cpu).is_lazy, lazy ? 1 : 0);
    this.trace.lazy(cpu, lazy);
  }

  /** Of this processor or, at a distance, of another. */
  protected *is_lazy(cpu: number): Kernel<boolean> {
    return (yield* READ_ONCE(this.cpu_tlbstate(cpu).is_lazy)) !== 0;
  }

  protected ctxs(cpu: number, asid: number): tlb_context {
    return present(this.cpu_tlbstate(cpu).ctxs[asid], `ctxs[${asid}]`);
  }

  protected *loaded_mm(cpu: number): Kernel<mm_struct> {
    return present(yield* READ_ONCE(this.cpu_tlbstate(cpu).loaded_mm), 'loaded_mm');
  }

  protected cpu_tlbstate(cpu: number): tlb_state {
    return present(this.#cpu_tlbstate[cpu], `cpu_tlbstate of processor ${cpu}`);
  }
}

function is_global_asid(asid: number): boolean {
  return asid >= TLB_NR_DYN_ASIDS;
}

function* mm_in_asid_transition(mm: mm_struct | null): Kernel<boolean> {
  return mm !== null && (yield* READ_ONCE(mm.asid_transition)) !== 0;
}

/** All of the mm unless the request names few enough pages, of its own size. */
function range_to_flush(
  request: FlushRequest,
): Pick<flush_tlb_info, 'start' | 'end' | 'stride_shift' | 'freed_tables'> {
  const { start, end, stride_shift, freed_tables } = request;
  const partial = few_pages(start, end, stride_shift);
  return { ...(partial ? { start, end } : { start: 0n, end: TLB_FLUSH_ALL }), stride_shift, freed_tables };
}

export const E10: Era = {
  id: 'E10',
  kernels: 'v6.15 to v6.17',
  summary: 'INVLPGB flushes a global ASID on all processors at once; a switch still lacks a barrier',
  changes: [
    'Where there is INVLPGB, an mm that is busy on four processors gets a global ASID, and its flushes are one broadcast and a TLBSYNC instead of IPIs.',
    'Flushes of kernel mappings and of batches are broadcasts.',
    'loaded_mm is marked before tlb_gen is read, and whoever is switching is flushed.',
    'A range that is flushed counts as one whose tables may go, so that lazy processors are flushed too (3ef938c35035).',
    'Still no barrier between that mark and the reading of tlb_gen.',
  ],
  usesPcid: true,
  tlb: (core) => new TlbE10(core),
};
