/**
 * E0b, before the seed: Linux v4.13. No generations: whoever is in mm_cpumask does every flush it is sent, and every
 * switch flushes. What keeps a processor from missing one is a pair of orders:
 *
 *     switch: set the bit in mm_cpumask, load CR3 (serializing), walk
 *     flush:  write the entry, a full barrier or a serializing instruction, read mm_cpumask
 *
 * Either the flusher sees the bit, or the walk sees the new entry.
 *
 * Left out: the stack's entry in the top paging structure, CR4 and LDT at a switch, the UV hypercall.
 */
import { PAGE_SHIFT } from '../../arch/address.ts';
import { present } from '../bug.ts';
import { type Cell, READ_ONCE, smp_mb, WRITE_ONCE } from '../cell.ts';
import type { Core } from '../core.ts';
import { cpumask_clear_cpu, cpumask_has, cpumask_of, cpumask_set_cpu, cpumask_test_cpu } from '../cpumask.ts';
import type { Kernel } from '../hardware.ts';
import type { mm_struct } from '../mm_struct.ts';
import { type Era, type FlushRequest, TLB_FLUSH_ALL, type Tlb, type TlbflushUnmapBatch } from './era.ts';
import { __flush_tlb, __flush_tlb_all, __flush_tlb_range, few_pages, pgd_address } from './tlbflush.ts';
import { mmRange, TraceTlb, wholeMm } from './trace_tlb.ts';

interface tlb_state {
  /** What CR3 holds, whenever interrupts are on. */
  readonly loaded_mm: Cell<mm_struct | null>;
  readonly state: Cell<number>;
}

const TLBSTATE_OK = 1;
/** A kernel thread borrows loaded_mm. Flushes still arrive; the first one makes the processor leave. */
const TLBSTATE_LAZY = 2;

/** The whole of `mm` or a part of it; with a null `mm`, whatever is loaded. */
export interface flush_tlb_info {
  readonly mm: mm_struct | null;
  readonly start: bigint;
  readonly end: bigint;
  /** The flush's number in events. */
  readonly flush: number;
}

export class TlbE0b implements Tlb {
  protected readonly core: Core;
  protected readonly trace: TraceTlb;
  readonly #cpu_tlbstate: readonly tlb_state[];

  constructor(core: Core) {
    this.core = core;
    this.trace = new TraceTlb(core);
    this.#cpu_tlbstate = Array.from({ length: core.hardware.processors }, () => ({
      loaded_mm: core.mmCell(core.init_mm),
      state: core.cell(0),
    }));
  }

  *switch_mm_irqs_off(cpu: number, _prev: mm_struct | null, next: mm_struct): Kernel<void> {
    const { core } = this;
    const { loaded_mm, state } = this.cpu_tlbstate(cpu);
    const real_prev = yield* this.loaded_mm(cpu);
    yield* this.set_state(cpu, state, TLBSTATE_OK);

    if (real_prev === next) {
      // From lazy to active. The processor has been receiving flushes all along, so nothing can be stale.
      const set = yield* cpumask_test_cpu(cpu, next.cpumask);
      core.warnUnless(set || next === core.init_mm, cpu, 'W6', `not in mm_cpumask of the loaded ${next.name}`);
      if (!set) yield* cpumask_set_cpu(cpu, next.cpumask);
      return;
    }

    yield* WRITE_ONCE(loaded_mm, next);
    const set = yield* cpumask_test_cpu(cpu, next.cpumask);
    core.warnUnless(!set, cpu, 'W7', `in mm_cpumask of ${next.name} before switching to it`);
    yield* cpumask_set_cpu(cpu, next.cpumask);

    this.trace.decision(cpu, null, wholeMm(next.ctx_id), 'full', 'every switch flushes');
    yield { kind: 'mov-to-cr3', value: pgd_address(next.pgd) };
    this.trace.switched(cpu, real_prev.ctx_id, next.ctx_id, true);

    const was_set = yield* cpumask_test_cpu(cpu, real_prev.cpumask);
    core.warnUnless(was_set || real_prev === core.init_mm, cpu, 'W6', `not in mm_cpumask of the old ${real_prev.name}`);
    yield* cpumask_clear_cpu(cpu, real_prev.cpumask);
  }

  *enter_lazy_tlb(cpu: number, _mm: mm_struct): Kernel<void> {
    const { state } = this.cpu_tlbstate(cpu);
    if ((yield* READ_ONCE(state)) === TLBSTATE_OK) yield* this.set_state(cpu, state, TLBSTATE_LAZY);
  }

  /** Gives up a borrowed mm, so that no more flushes of it arrive. */
  *leave_mm(cpu: number): Kernel<void> {
    const { core } = this;
    const { state } = this.cpu_tlbstate(cpu);
    if ((yield* this.loaded_mm(cpu)) === core.init_mm) return;
    const lazy = (yield* READ_ONCE(state)) !== TLBSTATE_OK;
    core.warnUnless(lazy, cpu, 'W8', 'leave_mm on a processor that is not lazy');
    const enabled = yield* core.local_irq_save(cpu);
    yield* this.switch_mm_irqs_off(cpu, null, core.init_mm);
    yield* core.local_irq_restore(cpu, enabled);
  }

  *flush_tlb_mm_range(cpu: number, mm: mm_struct, request: FlushRequest): Kernel<void> {
    const flush = this.core.nextFlush();
    const ranges = [mmRange(mm.ctx_id, request.start, request.end)];
    this.trace.flushBegin(cpu, { flush, reason: request.reason, ranges, freedTables: request.freed_tables });

    const info: flush_tlb_info = { mm, ...range_to_flush(request), flush };

    if ((yield* this.loaded_mm(cpu)) === mm) {
      // Every way through the local flush serializes.
      yield* this.core.local_irq_disable(cpu);
      yield* this.flush_tlb_func_common(cpu, info);
      yield* this.core.local_irq_enable(cpu);
    } else {
      this.trace.leftOut(flush, ranges, ~cpumask_of(cpu), 'not running this mm');
      yield* this.synchronize_with_switch_mm();
    }

    const others = (yield* this.mm_cpumask(cpu, mm)) & ~cpumask_of(cpu);
    this.trace.leftOut(flush, ranges, others | cpumask_of(cpu), 'not in mm_cpumask');
    if (others !== 0n) yield* this.flush_tlb_others(cpu, others, info);
    this.trace.flushReturn(cpu, flush);
  }

  /** Carries out one request on this processor. Interrupts are off. */
  protected *flush_tlb_func_common(cpu: number, f: flush_tlb_info): Kernel<void> {
    const loaded_mm = yield* this.loaded_mm(cpu);
    const range = mmRange(loaded_mm.ctx_id, f.start, f.end);

    if ((yield* READ_ONCE(this.cpu_tlbstate(cpu).state)) !== TLBSTATE_OK) {
      this.trace.decision(cpu, f.flush, range, 'full', 'lazy: leaves the mm');
      yield* this.leave_mm(cpu);
      return;
    }

    const partial = f.end !== TLB_FLUSH_ALL;
    this.trace.decision(cpu, f.flush, range, partial ? 'partial' : 'full', 'every flush is carried out');
    if (partial) yield* __flush_tlb_range(f.start, f.end);
    else yield* __flush_tlb();
  }

  /** On a processor that an IPI reached. */
  protected *flush_tlb_func_remote(cpu: number, f: flush_tlb_info): Kernel<void> {
    if (f.mm !== null && f.mm !== (yield* this.loaded_mm(cpu))) {
      this.trace.decision(cpu, f.flush, mmRange(f.mm.ctx_id, f.start, f.end), 'skip', 'not running this mm');
      return;
    }
    yield* this.flush_tlb_func_common(cpu, f);
  }

  /** Returns when every one of them has flushed. */
  protected *flush_tlb_others(cpu: number, cpumask: bigint, info: flush_tlb_info): Kernel<void> {
    yield* this.core.smp_call_function_many(cpu, cpumask, (target) => this.flush_tlb_func_remote(target, info));
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
    if ((yield* READ_ONCE(this.cpu_tlbstate(cpu).state)) === TLBSTATE_LAZY) yield* this.leave_mm(cpu);
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
    batch.cpumask |= yield* this.mm_cpumask(cpu, mm);
    if (!batch.mms.includes(mm.ctx_id)) batch.mms.push(mm.ctx_id);
  }

  *arch_tlbbatch_flush(cpu: number, batch: TlbflushUnmapBatch): Kernel<void> {
    const flush = this.core.nextFlush();
    const ranges = batch.mms.map(wholeMm);
    this.trace.flushBegin(cpu, { flush, reason: 'batched unmap', ranges, batch: true });
    const info: flush_tlb_info = { mm: null, start: 0n, end: TLB_FLUSH_ALL, flush };
    this.trace.leftOut(flush, ranges, batch.cpumask, 'not in the batch');
    if (cpumask_has(batch.cpumask, cpu)) {
      yield* this.core.local_irq_disable(cpu);
      yield* this.flush_tlb_func_common(cpu, info);
      yield* this.core.local_irq_enable(cpu);
    }
    const others = batch.cpumask & ~cpumask_of(cpu);
    if (others !== 0n) yield* this.flush_tlb_others(cpu, others, info);
    batch.cpumask = 0n;
    batch.mms = [];
    this.trace.flushReturn(cpu, flush);
  }

  /** A processor that comes up has loaded nothing but swapper_pg_dir and caches nothing. */
  *initialize_tlbstate_and_flush(cpu: number): Kernel<void> {
    const { loaded_mm, state } = this.cpu_tlbstate(cpu);
    const { init_mm } = this.core;
    yield* WRITE_ONCE(loaded_mm, init_mm);
    yield* WRITE_ONCE(state, 0);
    yield { kind: 'mov-to-cr3', value: pgd_address(init_mm.pgd) };
    this.trace.switched(cpu, 0, init_mm.ctx_id, true);
  }

  /** Orders the change of the entries before the read of mm_cpumask, where no local flush does it (CVE-2016-2069). */
  protected *synchronize_with_switch_mm(): Kernel<void> {
    yield* smp_mb();
  }

  protected *mm_cpumask(_cpu: number, mm: mm_struct): Kernel<bigint> {
    return yield* READ_ONCE(mm.cpumask);
  }

  protected *set_state(cpu: number, state: Cell<number>, value: number): Kernel<void> {
    yield* WRITE_ONCE(state, value);
    this.trace.lazy(cpu, value === TLBSTATE_LAZY);
  }

  protected *loaded_mm(cpu: number): Kernel<mm_struct> {
    return present(yield* READ_ONCE(this.cpu_tlbstate(cpu).loaded_mm), 'loaded_mm');
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

export const E0b: Era = {
  id: 'E0b',
  kernels: 'v4.13',
  summary: 'before generations: loaded_mm says what CR3 holds, every flush is carried out',
  changes: [
    'loaded_mm takes the place of active_mm: what CR3 holds is written down, and leaving a borrowed mm is a switch to init_mm.',
    'A processor that left an mm while lazy needs no test of mm_cpumask on its way back: loaded_mm tells.',
  ],
  usesPcid: false,
  tlb: (core) => new TlbE0b(core),
};
