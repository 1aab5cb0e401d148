/**
 * E1, the seed: Linux v4.14-rc1 at b0579ade7cd8. Each mm counts the changes to its page tables that need a flush
 * (tlb_gen); each processor records up to which of them its TLB is free of older translations (ctxs[0].tlb_gen). A flush
 * that finds the processor up to date does nothing, one that is exactly one generation ahead may flush its own range, and
 * any other flushes all.
 *
 * The invariant: the TLB holds no user translation of the mm whose id is ctxs[0].ctx_id that is older than generation
 * ctxs[0].tlb_gen of it. Recording a generation too low costs a flush; one too high is a stale translation.
 *
 * Left out: the stack's entry in the top paging structure, CR4 and LDT at a switch, the UV hypercall.
 */
import { PAGE_SHIFT } from '../../arch/address.ts';
import { present } from '../bug.ts';
import { atomic64_inc_return, type Cell, READ_ONCE, WRITE_ONCE } from '../cell.ts';
import type { Core } from '../core.ts';
import { cpumask_clear_cpu, cpumask_has, cpumask_of, cpumask_set_cpu, cpumask_test_cpu } from '../cpumask.ts';
import type { Kernel } from '../hardware.ts';
import type { mm_struct } from '../mm_struct.ts';
import { type Era, type FlushRequest, TLB_FLUSH_ALL, type Tlb, type TlbflushUnmapBatch } from './era.ts';
import { __flush_tlb, __flush_tlb_all, __flush_tlb_range, few_pages, pgd_address } from './tlbflush.ts';
import { mmRange, TraceTlb, wholeMm } from './trace_tlb.ts';

/** The user translations in the TLB are those of the mm with this id, none older than this generation. */
interface tlb_context {
  readonly ctx_id: Cell<number>;
  readonly tlb_gen: Cell<number>;
}

interface tlb_state {
  /** What CR3 holds, whenever interrupts are on. */
  readonly loaded_mm: Cell<mm_struct | null>;
  readonly state: Cell<number>;
  readonly ctxs: readonly [tlb_context];
}

const TLBSTATE_OK = 1;
/** A kernel thread borrows loaded_mm. Flushes still arrive; the first one makes the processor leave. */
const TLBSTATE_LAZY = 2;

/** Without PCIDs every translation is tagged 0. */
const PCID = 0;

/**
 * Three kinds. A whole mm: `end` is TLB_FLUSH_ALL, `new_tlb_gen` the generation to catch up to. A part of an mm: all that
 * changed between generations new_tlb_gen - 1 and new_tlb_gen lies in [start, end). Every mm: `mm` is null, `end`
 * TLB_FLUSH_ALL, `new_tlb_gen` 0.
 */
export interface flush_tlb_info {
  readonly mm: mm_struct | null;
  readonly start: bigint;
  readonly end: bigint;
  readonly new_tlb_gen: number;
  /** The flush's number in events. */
  readonly flush: number;
}

/** How a flush was carried out, and for whom. */
export interface Flushed {
  readonly f: flush_tlb_info;
  readonly partial: boolean;
}

export class TlbE1 implements Tlb {
  protected readonly core: Core;
  protected readonly trace: TraceTlb;
  readonly #cpu_tlbstate: readonly tlb_state[];

  constructor(core: Core) {
    this.core = core;
    this.trace = new TraceTlb(core);
    this.#cpu_tlbstate = Array.from({ length: core.hardware.processors }, () => ({
      loaded_mm: core.mmCell(core.init_mm),
      state: core.cell(0),
      ctxs: [{ ctx_id: core.cell(core.init_mm.ctx_id), tlb_gen: core.cell(0) }],
    }));
  }

  *switch_mm_irqs_off(cpu: number, _prev: mm_struct | null, next: mm_struct): Kernel<void> {
    const { core } = this;
    const { loaded_mm, state, ctxs } = this.cpu_tlbstate(cpu);
    core.warnUnless(core.irqs_disabled(cpu), cpu, 'W1', 'switch_mm_irqs_off with interrupts on');
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
    yield* WRITE_ONCE(ctxs[0].ctx_id, next.ctx_id);
    // Sampled before this processor can be seen in mm_cpumask: too low at worst, for the MOV to CR3 below always flushes.
    const next_tlb_gen = yield* READ_ONCE(next.tlb_gen);
    yield* WRITE_ONCE(ctxs[0].tlb_gen, next_tlb_gen);

    const set = yield* cpumask_test_cpu(cpu, next.cpumask);
    core.warnUnless(!set, cpu, 'W7', `in mm_cpumask of ${next.name} before switching to it`);
    yield* cpumask_set_cpu(cpu, next.cpumask);

    this.trace.decision(cpu, null, wholeMm(next.ctx_id), 'full', 'every switch flushes');
    yield { kind: 'mov-to-cr3', value: pgd_address(next.pgd) };
    this.trace.slot(cpu, 0, PCID, next.ctx_id, next_tlb_gen);
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

    // Pairs with the switch: the entries were written before it, and mm_cpumask is read after it.
    const new_tlb_gen = yield* this.inc_mm_tlb_gen(cpu, mm);
    const info: flush_tlb_info = { mm, ...range_to_flush(request), new_tlb_gen, flush };

    if ((yield* this.loaded_mm(cpu)) === mm) {
      this.core.warnUnless(!this.core.irqs_disabled(cpu), cpu, 'W1', 'flush_tlb_mm_range with interrupts off');
      yield* this.core.local_irq_disable(cpu);
      yield* this.flush_tlb_func_common(cpu, info);
      yield* this.core.local_irq_enable(cpu);
    } else {
      this.trace.leftOut(flush, ranges, ~cpumask_of(cpu), 'not running this mm');
    }

    const others = (yield* this.mm_cpumask(cpu, mm)) & ~cpumask_of(cpu);
    this.trace.leftOut(flush, ranges, others | cpumask_of(cpu), 'not in mm_cpumask');
    if (others !== 0n) yield* this.flush_tlb_others(cpu, others, info);
    this.trace.flushReturn(cpu, flush);
  }

  /**
   * Brings this processor up to date with the loaded mm, on behalf of one request. Interrupts are off.
   *
   * mm.tlb_gen is read before the flush: whatever is filled afterwards comes from tables at least that new.
   */
  protected *flush_tlb_func_common(cpu: number, f: flush_tlb_info): Kernel<void> {
    const { core } = this;
    const { state, ctxs } = this.cpu_tlbstate(cpu);
    const loaded_mm = yield* this.loaded_mm(cpu);
    const mm_tlb_gen = yield* READ_ONCE(loaded_mm.tlb_gen);
    const local_tlb_gen = yield* READ_ONCE(ctxs[0].tlb_gen);
    const range = mmRange(loaded_mm.ctx_id, f.start, f.end);

    core.warnUnless(core.irqs_disabled(cpu), cpu, 'W1', 'flush_tlb_func_common with interrupts on');
    const ctx_id = yield* READ_ONCE(ctxs[0].ctx_id);
    core.warnUnless(ctx_id === loaded_mm.ctx_id, cpu, 'W3', `ctxs[0] is of mm ${ctx_id}, not of ${loaded_mm.ctx_id}`);

    if ((yield* READ_ONCE(state)) !== TLBSTATE_OK) {
      this.trace.decision(cpu, f.flush, range, 'full', 'lazy: leaves the mm');
      yield* this.leave_mm(cpu);
      return;
    }

    if (this.is_up_to_date(local_tlb_gen, mm_tlb_gen)) {
      this.trace.decision(cpu, f.flush, range, 'skip', `generation already ${local_tlb_gen}`);
      return;
    }

    core.warnUnless(local_tlb_gen <= mm_tlb_gen, cpu, 'W4', `recorded ${local_tlb_gen}, mm at ${mm_tlb_gen}`);
    core.warnUnless(f.new_tlb_gen <= mm_tlb_gen, cpu, 'W5', `asked for ${f.new_tlb_gen}, mm at ${mm_tlb_gen}`);

    const partial = this.may_flush_partially(f, local_tlb_gen, mm_tlb_gen);
    const why = `generation ${local_tlb_gen} to ${mm_tlb_gen}`;
    this.trace.decision(cpu, f.flush, range, partial ? 'partial' : 'full', why);
    if (partial) yield* __flush_tlb_range(f.start, f.end);
    else yield* __flush_tlb();
    yield* this.record_tlb_gen(cpu, loaded_mm, mm_tlb_gen, { f, partial });
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

  /** The entries have been cleared and their pages wait: the mm takes a generation now, the processors are flushed later. */
  *arch_tlbbatch_add_mm(cpu: number, batch: TlbflushUnmapBatch, mm: mm_struct): Kernel<void> {
    this.trace.batchAdd(cpu, mm);
    yield* this.inc_mm_tlb_gen(cpu, mm);
    batch.cpumask |= yield* this.mm_cpumask(cpu, mm);
    if (!batch.mms.includes(mm.ctx_id)) batch.mms.push(mm.ctx_id);
  }

  *arch_tlbbatch_flush(cpu: number, batch: TlbflushUnmapBatch): Kernel<void> {
    const flush = this.core.nextFlush();
    const ranges = batch.mms.map(wholeMm);
    this.trace.flushBegin(cpu, { flush, reason: 'batched unmap', ranges, batch: true });
    // Generation 0 is never one ahead of anything, so every target that is behind flushes all.
    const info: flush_tlb_info = { mm: null, start: 0n, end: TLB_FLUSH_ALL, new_tlb_gen: 0, flush };
    this.trace.leftOut(flush, ranges, batch.cpumask, 'not in the batch');
    if (cpumask_has(batch.cpumask, cpu)) {
      this.core.warnUnless(!this.core.irqs_disabled(cpu), cpu, 'W1', 'arch_tlbbatch_flush with interrupts off');
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
    const { loaded_mm, state, ctxs } = this.cpu_tlbstate(cpu);
    const { init_mm } = this.core;
    yield* WRITE_ONCE(loaded_mm, init_mm);
    yield* WRITE_ONCE(state, 0);
    yield* WRITE_ONCE(ctxs[0].ctx_id, init_mm.ctx_id);
    const tlb_gen = yield* READ_ONCE(init_mm.tlb_gen);
    yield* WRITE_ONCE(ctxs[0].tlb_gen, tlb_gen);
    yield { kind: 'mov-to-cr3', value: pgd_address(init_mm.pgd) };
    this.trace.slot(cpu, 0, PCID, init_mm.ctx_id, tlb_gen);
    this.trace.switched(cpu, 0, init_mm.ctx_id, true);
  }

  /** Follows the change of the page tables, comes before mm_cpumask is read. */
  protected *inc_mm_tlb_gen(cpu: number, mm: mm_struct): Kernel<number> {
    const generation = yield* atomic64_inc_return(mm.tlb_gen);
    this.trace.generation(cpu, mm, generation);
    return generation;
  }

  protected *mm_cpumask(_cpu: number, mm: mm_struct): Kernel<bigint> {
    return yield* READ_ONCE(mm.cpumask);
  }

  protected is_up_to_date(local_tlb_gen: number, mm_tlb_gen: number): boolean {
    return local_tlb_gen === mm_tlb_gen;
  }

  /**
   * `new_tlb_gen` one ahead is correctness: were it two ahead, the range would say nothing of the generation between. With
   * generation 2 a full flush and 3 a partial one, handled in reverse order, the processor would claim 3 with 2 undone.
   * `new_tlb_gen` the newest is thrift: otherwise another flush is on its way, and a full one now settles both.
   */
  protected may_flush_partially(f: flush_tlb_info, local_tlb_gen: number, mm_tlb_gen: number): boolean {
    return f.end !== TLB_FLUSH_ALL && f.new_tlb_gen === local_tlb_gen + 1 && f.new_tlb_gen === mm_tlb_gen;
  }

  /** `mm_tlb_gen` was read before the flush. */
  protected *record_tlb_gen(cpu: number, loaded_mm: mm_struct, mm_tlb_gen: number, _flushed: Flushed): Kernel<void> {
    yield* WRITE_ONCE(this.cpu_tlbstate(cpu).ctxs[0].tlb_gen, mm_tlb_gen);
    this.trace.slot(cpu, 0, PCID, loaded_mm.ctx_id, mm_tlb_gen);
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

export const E1: Era = {
  id: 'E1',
  kernels: 'v4.14-rc1 (b0579ade7cd8)',
  summary: 'the seed: generations, and a flush that is full, partial or not needed',
  changes: [
    'Every mm has a tlb_gen, which each flush of it advances, and every processor records how far it has come.',
    'A flush that finds the generation reached already is skipped; one that is next in line may flush a part, any other flushes all.',
    'A request carries its generation, so that requests may be handled in any order.',
  ],
  usesPcid: false,
  tlb: (core) => new TlbE1(core),
};
