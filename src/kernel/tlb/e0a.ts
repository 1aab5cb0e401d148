/**
 * E0a, the oldest scheme here: Linux v4.5 to v4.12. No generations, and no record of what CR3 holds: active_mm names the mm
 * that the processor runs or borrows, and keeps that name when leave_mm has given the mm up. That the bit in mm_cpumask is
 * then clear is what tells the way back to load CR3 anew. Every switch flushes; who is in the mask does every flush.
 *
 *     switch: set the bit in mm_cpumask, load CR3 (serializing), walk
 *     flush:  write the entry, a full barrier or a serializing instruction, read mm_cpumask
 *
 * Either the flusher sees the bit, or the walk sees the new entry. The flusher's two barriers, where it does not flush its
 * own TLB, came with 71b3c126e611 (CVE-2016-2069).
 *
 * A lazy processor stays in the mask; the first flush that reaches it makes it leave, and so does one that it begins.
 *
 * Left out: the stack's entry in the top paging structure, CR4 and LDT at a switch, the UV hypercall.
 */
import { PAGE_SHIFT } from '../../arch/address.ts';
import { assert, present } from '../bug.ts';
import { type Cell, READ_ONCE, smp_mb, WRITE_ONCE } from '../cell.ts';
import type { Core } from '../core.ts';
import { cpumask_clear_cpu, cpumask_has, cpumask_of, cpumask_set_cpu, cpumask_test_cpu } from '../cpumask.ts';
import type { Kernel } from '../hardware.ts';
import type { mm_struct } from '../mm_struct.ts';
import { type Era, type FlushRequest, TLB_FLUSH_ALL, type Tlb, type TlbflushUnmapBatch } from './era.ts';
import { __flush_tlb, __flush_tlb_all, __flush_tlb_range, few_pages, pgd_address } from './tlbflush.ts';
import { mmRange, TraceTlb, wholeMm } from './trace_tlb.ts';

interface tlb_state {
  /** The mm that the running task has or borrows; after leave_mm no longer the one that CR3 holds. */
  readonly active_mm: Cell<mm_struct | null>;
  readonly state: Cell<number>;
}

const TLBSTATE_OK = 1;
/** A kernel thread borrows active_mm. Flushes arrive until the first one has made the processor leave. */
const TLBSTATE_LAZY = 2;

/** The whole of `mm` or a part of it; with a null `mm`, whatever is active. */
export interface flush_tlb_info {
  readonly mm: mm_struct | null;
  readonly start: bigint;
  readonly end: bigint;
  /** The flush's number in events. */
  readonly flush: number;
}

export class TlbE0a implements Tlb {
  protected readonly core: Core;
  protected readonly trace: TraceTlb;
  readonly #cpu_tlbstate: readonly tlb_state[];

  constructor(core: Core) {
    this.core = core;
    this.trace = new TraceTlb(core);
    this.#cpu_tlbstate = Array.from({ length: core.hardware.processors }, () => ({
      active_mm: core.mmCell(core.init_mm),
      state: core.cell(0),
    }));
  }

  *switch_mm_irqs_off(cpu: number, prev: mm_struct | null, next: mm_struct): Kernel<void> {
    const { active_mm } = this.cpu_tlbstate(cpu);
    yield* this.set_state(cpu, TLBSTATE_OK);

    if (prev === next) {
      const active = yield* this.active_mm(cpu);
      assert(active === next, `active_mm of processor ${cpu} is ${active.name}, not ${next.name}`);
      // A clear bit says that leave_mm has been here since, and that no flush has arrived any more.
      if (!(yield* cpumask_test_cpu(cpu, next.cpumask))) yield* this.load_cr3(cpu, next);
      return;
    }

    yield* WRITE_ONCE(active_mm, next);
    yield* this.load_cr3(cpu, next);
    if (prev !== null) yield* cpumask_clear_cpu(cpu, prev.cpumask);
  }

  /** In the mask before the first walk of the new tables, so that no flush of them passes this processor by. */
  protected *load_cr3(cpu: number, next: mm_struct): Kernel<void> {
    yield* cpumask_set_cpu(cpu, next.cpumask);
    this.trace.decision(cpu, null, wholeMm(next.ctx_id), 'full', 'every switch flushes');
    yield { kind: 'mov-to-cr3', value: pgd_address(next.pgd) };
    this.trace.switched(cpu, this.trace.loaded(cpu), next.ctx_id, true);
  }

  *enter_lazy_tlb(cpu: number, _mm: mm_struct): Kernel<void> {
    if ((yield* this.state(cpu)) === TLBSTATE_OK) yield* this.set_state(cpu, TLBSTATE_LAZY);
  }

  /** Gives up a borrowed mm, so that no more flushes of it arrive. active_mm goes on naming it. */
  *leave_mm(cpu: number): Kernel<void> {
    const { core } = this;
    const active_mm = yield* this.active_mm(cpu);
    const lazy = (yield* this.state(cpu)) !== TLBSTATE_OK;
    core.warnUnless(lazy, cpu, 'W8', 'leave_mm on a processor that is not lazy');
    if (!(yield* cpumask_test_cpu(cpu, active_mm.cpumask))) return;
    yield* cpumask_clear_cpu(cpu, active_mm.cpumask);
    yield { kind: 'mov-to-cr3', value: pgd_address(core.swapper_pg_dir) };
    this.trace.switched(cpu, active_mm.ctx_id, core.init_mm.ctx_id, true);
  }

  *flush_tlb_mm_range(cpu: number, mm: mm_struct, request: FlushRequest): Kernel<void> {
    const flush = this.core.nextFlush();
    const ranges = [mmRange(mm.ctx_id, request.start, request.end)];
    this.trace.flushBegin(cpu, { flush, reason: request.reason, ranges, freedTables: request.freed_tables });

    const info: flush_tlb_info = { mm, ...range_to_flush(request), flush };

    if ((yield* this.active_mm(cpu)) !== mm) {
      this.trace.leftOut(flush, ranges, ~cpumask_of(cpu), 'not running this mm');
      yield* this.synchronize_with_switch_mm();
    } else if ((yield* this.state(cpu)) !== TLBSTATE_OK) {
      // This kernel thread only borrows the mm.
      this.trace.decision(cpu, flush, mmRange(mm.ctx_id, info.start, info.end), 'full', 'lazy: leaves the mm');
      yield* this.leave_mm(cpu);
      yield* this.synchronize_with_switch_mm();
    } else {
      // Every way through the local flush serializes.
      yield* this.local_flush(cpu, info);
    }

    const others = (yield* READ_ONCE(mm.cpumask)) & ~cpumask_of(cpu);
    this.trace.leftOut(flush, ranges, others | cpumask_of(cpu), 'not in mm_cpumask');
    if (others !== 0n) yield* this.flush_tlb_others(cpu, others, info);
    this.trace.flushReturn(cpu, flush);
  }

  /**
   * This processor's own flushes, in flush_tlb_mm_range and for a batch. Interrupts stay on, as they did: reading CR3 and
   * writing it back can have an IPI in between that makes a lazy processor leave its mm.
   */
  protected *local_flush(cpu: number, f: flush_tlb_info): Kernel<void> {
    const active_mm = yield* this.active_mm(cpu);
    const partial = f.end !== TLB_FLUSH_ALL;
    const range = mmRange(active_mm.ctx_id, f.start, f.end);
    this.trace.decision(cpu, f.flush, range, partial ? 'partial' : 'full', 'every flush is carried out');
    if (partial) yield* __flush_tlb_range(f.start, f.end);
    else yield* __flush_tlb();
  }

  /** On a processor that an IPI reached. Interrupts are off. */
  protected *flush_tlb_func(cpu: number, f: flush_tlb_info): Kernel<void> {
    const active_mm = yield* this.active_mm(cpu);
    if (f.mm !== null && f.mm !== active_mm) {
      this.trace.decision(cpu, f.flush, mmRange(f.mm.ctx_id, f.start, f.end), 'skip', 'not running this mm');
      return;
    }
    if ((yield* this.state(cpu)) === TLBSTATE_OK) {
      yield* this.local_flush(cpu, f);
      return;
    }
    this.trace.decision(cpu, f.flush, mmRange(active_mm.ctx_id, f.start, f.end), 'full', 'lazy: leaves the mm');
    yield* this.leave_mm(cpu);
  }

  /** Returns when every one of them has flushed. */
  protected *flush_tlb_others(cpu: number, cpumask: bigint, info: flush_tlb_info): Kernel<void> {
    yield* this.core.smp_call_function_many(cpu, cpumask, (target) => this.flush_tlb_func(target, info));
  }

  *flush_tlb_all(cpu: number, reason: string): Kernel<void> {
    const flush = this.core.nextFlush();
    const range = wholeMm(this.core.init_mm.ctx_id);
    this.trace.flushBegin(cpu, { flush, reason, ranges: [range] });
    yield* this.core.on_each_cpu(cpu, (target) => this.do_flush_tlb_all(target, flush));
    this.trace.flushReturn(cpu, flush);
  }

  protected *do_flush_tlb_all(cpu: number, flush: number): Kernel<void> {
    this.trace.decision(cpu, flush, wholeMm(this.core.init_mm.ctx_id), 'full', 'flush_tlb_all');
    yield* __flush_tlb_all(this.core.hardware.features);
    if ((yield* this.state(cpu)) === TLBSTATE_LAZY) yield* this.leave_mm(cpu);
  }

  *flush_tlb_kernel_range(cpu: number, start: bigint, end: bigint, reason: string): Kernel<void> {
    const flush = this.core.nextFlush();
    const range = mmRange(this.core.init_mm.ctx_id, start, end);
    this.trace.flushBegin(cpu, { flush, reason, ranges: [range] });
    const few = few_pages(start, end);
    yield* this.core.on_each_cpu(cpu, (target) =>
      few ? this.do_kernel_range_flush(target, start, end, flush) : this.do_flush_tlb_all(target, flush),
    );
    this.trace.flushReturn(cpu, flush);
  }

  /** On every processor, whatever it runs: the kernel's half belongs to every address space. */
  protected *do_kernel_range_flush(cpu: number, start: bigint, end: bigint, flush: number): Kernel<void> {
    this.trace.decision(cpu, flush, mmRange(this.core.init_mm.ctx_id, start, end), 'partial', 'kernel range');
    yield* __flush_tlb_range(start, end);
  }

  /**
   * The entries have been cleared and their pages wait: the processors are noted now and flushed later. Clearing an entry
   * that is in use is a locked exchange, which orders it before the read of mm_cpumask.
   */
  *arch_tlbbatch_add_mm(cpu: number, batch: TlbflushUnmapBatch, mm: mm_struct): Kernel<void> {
    this.trace.batchAdd(cpu, mm);
    batch.cpumask |= yield* READ_ONCE(mm.cpumask);
    if (!batch.mms.includes(mm.ctx_id)) batch.mms.push(mm.ctx_id);
  }

  *arch_tlbbatch_flush(cpu: number, batch: TlbflushUnmapBatch): Kernel<void> {
    const flush = this.core.nextFlush();
    const ranges = batch.mms.map(wholeMm);
    this.trace.flushBegin(cpu, { flush, reason: 'batched unmap', ranges, batch: true });
    const info: flush_tlb_info = { mm: null, start: 0n, end: TLB_FLUSH_ALL, flush };
    this.trace.leftOut(flush, ranges, batch.cpumask, 'not in the batch');
    if (cpumask_has(batch.cpumask, cpu)) {
      yield* this.local_flush(cpu, info);
    }
    const others = batch.cpumask & ~cpumask_of(cpu);
    if (others !== 0n) yield* this.flush_tlb_others(cpu, others, info);
    batch.cpumask = 0n;
    batch.mms = [];
    this.trace.flushReturn(cpu, flush);
  }

  /** A processor that comes up has loaded nothing but swapper_pg_dir and caches nothing. */
  *initialize_tlbstate_and_flush(cpu: number): Kernel<void> {
    const { active_mm, state } = this.cpu_tlbstate(cpu);
    const { init_mm } = this.core;
    yield* WRITE_ONCE(active_mm, init_mm);
    yield* WRITE_ONCE(state, 0);
    yield { kind: 'mov-to-cr3', value: pgd_address(init_mm.pgd) };
    this.trace.switched(cpu, 0, init_mm.ctx_id, true);
  }

  /** Orders the change of the entries before the read of mm_cpumask, where no local flush does it (CVE-2016-2069). */
  protected *synchronize_with_switch_mm(): Kernel<void> {
    yield* smp_mb();
  }

  protected *set_state(cpu: number, value: number): Kernel<void> {
    yield* WRITE_ONCE(this.cpu_tlbstate(cpu).state, value);
    this.trace.lazy(cpu, value === TLBSTATE_LAZY);
  }

  protected *state(cpu: number): Kernel<number> {
    return yield* READ_ONCE(this.cpu_tlbstate(cpu).state);
  }

  protected *active_mm(cpu: number): Kernel<mm_struct> {
    return present(yield* READ_ONCE(this.cpu_tlbstate(cpu).active_mm), 'active_mm');
  }

  protected cpu_tlbstate(cpu: number): tlb_state {
    return present(this.#cpu_tlbstate[cpu], `cpu_tlbstate of processor ${cpu}`);
  }
}

/** All of the mm unless the request names few enough pages, of 4 KBytes each. */
function range_to_flush({ start, end, stride_shift }: FlushRequest): { start: bigint; end: bigint } {
  const partial = stride_shift === PAGE_SHIFT && few_pages(start, end);
  return partial ? { start, end } : { start: 0n, end: TLB_FLUSH_ALL };
}

export const E0a: Era = {
  id: 'E0a',
  kernels: 'v4.5 to v4.12',
  summary: 'active_mm, which says not what CR3 holds but what is run or borrowed; every flush is carried out',
  changes: [],
  usesPcid: false,
  tlb: (core) => new TlbE0a(core),
};
