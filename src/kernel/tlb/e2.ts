/**
 * E2, fully lazy: Linux v4.14-rc1 to rc4, from 94b1b03b519b. A lazy processor is one whose bit in the mm_cpumask of
 * loaded_mm is clear: no flush reaches it, and on its way back it compares generations. Hence the order of the switch:
 *
 *     switch: set the bit in mm_cpumask, read tlb_gen
 *     flush:  increment tlb_gen, read mm_cpumask
 *
 * Both first steps are locked: either the flusher sends an IPI, or the switch sees the new generation.
 *
 * The invariant of the seed stands. What this era gets wrong: a lazy processor keeps CR3 and its paging-structure caches,
 * nobody tells it when page tables are freed, and it may still walk them speculatively (mended in E3, b956575bed91).
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
  readonly ctxs: readonly [tlb_context];
}

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

export class TlbE2 implements Tlb {
  protected readonly core: Core;
  protected readonly trace: TraceTlb;
  readonly #cpu_tlbstate: readonly tlb_state[];

  constructor(core: Core) {
    this.core = core;
    this.trace = new TraceTlb(core);
    this.#cpu_tlbstate = Array.from({ length: core.hardware.processors }, () => ({
      loaded_mm: core.mmCell(core.init_mm),
      ctxs: [{ ctx_id: core.cell(core.init_mm.ctx_id), tlb_gen: core.cell(0) }],
    }));
  }

  *switch_mm_irqs_off(cpu: number, _prev: mm_struct | null, next: mm_struct): Kernel<void> {
    const { core } = this;
    const { loaded_mm, ctxs } = this.cpu_tlbstate(cpu);
    core.warnUnless(core.irqs_disabled(cpu), cpu, 'W1', 'switch_mm_irqs_off with interrupts on');
    const real_prev = yield* this.loaded_mm(cpu);
    const cr3 = yield { kind: 'mov-from-cr3' };
    core.warnUnless(cr3 === pgd_address(real_prev.pgd), cpu, 'W2', `CR3 is not that of the loaded ${real_prev.name}`);

    if (real_prev === next) {
      if (yield* cpumask_test_cpu(cpu, next.cpumask)) return;
      yield* cpumask_set_cpu(cpu, next.cpumask);
      const next_tlb_gen = yield* READ_ONCE(next.tlb_gen);
      const local_tlb_gen = yield* READ_ONCE(ctxs[0].tlb_gen);
      const behind = local_tlb_gen < next_tlb_gen;
      const why = `no longer lazy, generation ${local_tlb_gen} of ${next_tlb_gen}`;
      this.trace.decision(cpu, null, wholeMm(next.ctx_id), behind ? 'full' : 'skip', why);
      if (behind) {
        yield* WRITE_ONCE(ctxs[0].tlb_gen, next_tlb_gen);
        yield { kind: 'mov-to-cr3', value: pgd_address(next.pgd) };
        this.trace.slot(cpu, 0, PCID, next.ctx_id, next_tlb_gen);
      }
      this.trace.lazy(cpu, false);
      return;
    }

    // Clear already if the processor was lazy. From here to the MOV to CR3 it still walks the old tables, unseen.
    if (yield* cpumask_test_cpu(cpu, real_prev.cpumask)) yield* cpumask_clear_cpu(cpu, real_prev.cpumask);

    const set = yield* cpumask_test_cpu(cpu, next.cpumask);
    core.warnUnless(!set, cpu, 'W7', `in mm_cpumask of ${next.name} before switching to it`);
    yield* cpumask_set_cpu(cpu, next.cpumask);
    const next_tlb_gen = yield* READ_ONCE(next.tlb_gen);

    yield* WRITE_ONCE(ctxs[0].ctx_id, next.ctx_id);
    yield* WRITE_ONCE(ctxs[0].tlb_gen, next_tlb_gen);
    yield* WRITE_ONCE(loaded_mm, next);

    this.trace.decision(cpu, null, wholeMm(next.ctx_id), 'full', 'every switch flushes');
    yield { kind: 'mov-to-cr3', value: pgd_address(next.pgd) };
    this.trace.slot(cpu, 0, PCID, next.ctx_id, next_tlb_gen);
    this.trace.switched(cpu, real_prev.ctx_id, next.ctx_id, true);
    this.trace.lazy(cpu, false);
  }

  *enter_lazy_tlb(cpu: number, mm: mm_struct): Kernel<void> {
    if (!(yield* cpumask_test_cpu(cpu, mm.cpumask))) return;
    yield* cpumask_clear_cpu(cpu, mm.cpumask);
    this.trace.lazy(cpu, true);
  }

  /** Gives up a borrowed mm. */
  *leave_mm(cpu: number): Kernel<void> {
    const { core } = this;
    const loaded_mm = yield* this.loaded_mm(cpu);
    if (loaded_mm === core.init_mm) return;
    const lazy = !(yield* cpumask_test_cpu(cpu, loaded_mm.cpumask));
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
    const { ctxs } = this.cpu_tlbstate(cpu);
    const loaded_mm = yield* this.loaded_mm(cpu);
    const mm_tlb_gen = yield* READ_ONCE(loaded_mm.tlb_gen);
    const local_tlb_gen = yield* READ_ONCE(ctxs[0].tlb_gen);
    const range = mmRange(loaded_mm.ctx_id, f.start, f.end);

    core.warnUnless(core.irqs_disabled(cpu), cpu, 'W1', 'flush_tlb_func_common with interrupts on');
    const ctx_id = yield* READ_ONCE(ctxs[0].ctx_id);
    core.warnUnless(ctx_id === loaded_mm.ctx_id, cpu, 'W3', `ctxs[0] is of mm ${ctx_id}, not of ${loaded_mm.ctx_id}`);

    if (!(yield* cpumask_test_cpu(cpu, loaded_mm.cpumask))) {
      this.trace.decision(cpu, f.flush, range, 'skip', 'lazy: compares generations when it returns');
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
    const { loaded_mm, ctxs } = this.cpu_tlbstate(cpu);
    const { init_mm } = this.core;
    yield* WRITE_ONCE(loaded_mm, init_mm);
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

export const E2: Era = {
  id: 'E2',
  kernels: 'v4.14-rc1 to rc4 (94b1b03b519b)',
  summary: 'lazy processors get no flushes and compare generations when they return',
  changes: [
    'Lazy means not being in mm_cpumask: a kernel thread that borrows an mm is sent no flush at all, and compares generations on its way back.',
    'A switch sets its bit before it reads tlb_gen: what makes switching without a flush possible.',
    'Lazy processors are not told of freed page tables, which their paging-structure caches may still lead to (mended in v4.14).',
  ],
  usesPcid: false,
  tlb: (core) => new TlbE2(core),
};
