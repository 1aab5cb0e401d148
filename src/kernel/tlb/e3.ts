/**
 * E3, PCIDs: Linux v4.14. Each processor keeps the translations of up to six address spaces, each in a slot ("asid") with
 * a PCID of its own and the generation that its translations have reached. Switching to an mm whose slot is up to date
 * loads CR3 without flushing, so the generation must be read after this processor can be seen in mm_cpumask:
 *
 *     switch: set the bit in mm_cpumask, read tlb_gen
 *     flush:  increment tlb_gen, read mm_cpumask
 *
 * Both first steps are locked: either the flusher sends an IPI, or the switch sees the new generation.
 *
 * The invariant: for every slot i, the TLB holds no user translation tagged with i's PCID that is older than generation
 * ctxs[i].tlb_gen of the mm whose id is ctxs[i].ctx_id.
 *
 * A lazy processor leaves for init_mm at once where PCIDs make that cheap; without them the first flush makes it leave.
 *
 * Left out: the stack's entry in the top paging structure, CR4 and LDT at a switch, the UV hypercall.
 */
import { type FrameNumber, PAGE_SHIFT } from '../../arch/address.ts';
import { Cr3, Cr4 } from '../../arch/control-registers.ts';
import { ENTRY_FRAME_MASK } from '../../arch/paging-entry.ts';
import { present } from '../bug.ts';
import type { AddressRange } from '../../event/event.ts';
import { atomic64_inc_return, type Cell, READ_ONCE, WRITE_ONCE } from '../cell.ts';
import type { Core } from '../core.ts';
import { cpumask_clear_cpu, cpumask_has, cpumask_of, cpumask_set_cpu, cpumask_test_cpu } from '../cpumask.ts';
import type { Kernel } from '../hardware.ts';
import type { mm_struct } from '../mm_struct.ts';
import { type Era, type FlushRequest, TLB_FLUSH_ALL, type Tlb, type TlbflushUnmapBatch } from './era.ts';
import { __flush_tlb, __flush_tlb_all, __flush_tlb_range, few_pages, pgd_address } from './tlbflush.ts';
import { mmRange, TraceTlb, wholeMm } from './trace_tlb.ts';

/** A slot: the translations of the mm with this id, none older than this generation. ctx_id 0: empty. */
interface tlb_context {
  readonly ctx_id: Cell<number>;
  readonly tlb_gen: Cell<number>;
}

interface tlb_state {
  /** What CR3 holds, whenever interrupts are on. */
  readonly loaded_mm: Cell<mm_struct | null>;
  /** The slot that CR3's PCID belongs to. */
  readonly loaded_mm_asid: Cell<number>;
  /** Where the next mm without a slot goes. */
  readonly next_asid: Cell<number>;
  /** A kernel thread borrows loaded_mm. */
  readonly is_lazy: Cell<number>;
  readonly ctxs: readonly tlb_context[];
}

const TLB_NR_DYN_ASIDS = 6;
/** Twelve bits of PCID, less PCID 0 and one for the count from 0. */
const MAX_ASID_AVAILABLE = (1 << 12) - 2;

/** Where an mm goes. */
export interface NewAsid {
  readonly asid: number;
  readonly need_flush: boolean;
  /** For reports. */
  readonly why: string;
}

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

/** What a flush has brought up to date: to generation `mm_tlb_gen`, read before it. */
export interface Flushed {
  readonly asid: number;
  readonly loaded_mm: mm_struct;
  readonly mm_tlb_gen: number;
  readonly f: flush_tlb_info;
  readonly partial: boolean;
}

export class TlbE3 implements Tlb {
  protected readonly core: Core;
  protected readonly trace: TraceTlb;
  /** PCIDs only with global pages: their toggle, CR4.PGE, is what reaches every PCID without INVPCID. */
  protected readonly pcid: boolean;
  readonly #cpu_tlbstate: readonly tlb_state[];

  constructor(core: Core) {
    this.core = core;
    this.trace = new TraceTlb(core);
    const { pcid, globalPages } = core.hardware.features;
    this.pcid = pcid && globalPages;
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
  }

  *switch_mm_irqs_off(cpu: number, _prev: mm_struct | null, next: mm_struct): Kernel<void> {
    const { core } = this;
    const { loaded_mm, loaded_mm_asid } = this.cpu_tlbstate(cpu);
    core.warnUnless(core.irqs_disabled(cpu), cpu, 'W1', 'switch_mm_irqs_off with interrupts on');
    const real_prev = yield* this.loaded_mm(cpu);
    const prev_asid = yield* READ_ONCE(loaded_mm_asid);

    const cr3 = yield { kind: 'mov-from-cr3' };
    const right = cr3 === this.build_cr3(cpu, real_prev.pgd, prev_asid);
    core.warnUnless(right, cpu, 'W2', `CR3 is not that of the loaded ${real_prev.name} in slot ${prev_asid}`);
    // Whatever went wrong, nothing of it shall stay in the TLB.
    if (!right) yield* __flush_tlb_all(core.hardware.features);

    yield* this.set_lazy(cpu, false);
    const was_set = yield* cpumask_test_cpu(cpu, real_prev.cpumask);
    core.warnUnless(was_set || real_prev === core.init_mm, cpu, 'W6', `not in mm_cpumask of ${real_prev.name}`);

    if (real_prev === next) {
      const ctx_id = yield* READ_ONCE(this.ctxs(cpu, prev_asid).ctx_id);
      core.warnUnless(ctx_id === next.ctx_id, cpu, 'W3', `ctxs[${prev_asid}] is of mm ${ctx_id}, not ${next.ctx_id}`);
      return;
    }

    // From here to the MOV to CR3 the processor still walks the old tables, unseen.
    yield* cpumask_clear_cpu(cpu, real_prev.cpumask);
    yield* cpumask_set_cpu(cpu, next.cpumask);
    const next_tlb_gen = yield* READ_ONCE(next.tlb_gen);

    const { asid, need_flush, why } = yield* this.choose_new_asid(cpu, next, next_tlb_gen);
    if (need_flush) {
      const context = this.ctxs(cpu, asid);
      yield* WRITE_ONCE(context.ctx_id, next.ctx_id);
      yield* WRITE_ONCE(context.tlb_gen, next_tlb_gen);
      this.trace.decision(cpu, null, wholeMm(next.ctx_id), 'full', why);
      yield { kind: 'mov-to-cr3', value: this.build_cr3(cpu, next.pgd, asid) };
      this.trace.slot(cpu, asid, this.kern_pcid(asid), next.ctx_id, next_tlb_gen);
    } else {
      this.trace.decision(cpu, null, wholeMm(next.ctx_id), 'skip', why);
      yield { kind: 'mov-to-cr3', value: this.build_cr3_noflush(cpu, next.pgd, asid) };
    }
    this.trace.switched(cpu, real_prev.ctx_id, next.ctx_id, need_flush);

    yield* WRITE_ONCE(loaded_mm, next);
    yield* WRITE_ONCE(loaded_mm_asid, asid);
  }

  /** The slot that holds `next`, or the next one in turn, whose former mm loses it. */
  protected *choose_new_asid(cpu: number, next: mm_struct, next_tlb_gen: number): Kernel<NewAsid> {
    if (!this.pcid) return { asid: 0, need_flush: true, why: 'no PCIDs: every switch flushes' };

    for (let asid = 0; asid < TLB_NR_DYN_ASIDS; asid++) {
      const { ctx_id, tlb_gen } = this.ctxs(cpu, asid);
      if ((yield* READ_ONCE(ctx_id)) !== next.ctx_id) continue;
      const local_tlb_gen = yield* READ_ONCE(tlb_gen);
      const why = `slot ${asid}, generation ${local_tlb_gen} of ${next_tlb_gen}`;
      return { asid, need_flush: this.is_behind(local_tlb_gen, next_tlb_gen), why };
    }

    const { next_asid } = this.cpu_tlbstate(cpu);
    const asid = (yield* READ_ONCE(next_asid)) % TLB_NR_DYN_ASIDS;
    yield* WRITE_ONCE(next_asid, asid + 1);
    return { asid, need_flush: true, why: `slot ${asid}, new to it` };
  }

  *enter_lazy_tlb(cpu: number, _mm: mm_struct): Kernel<void> {
    if ((yield* this.loaded_mm(cpu)) === this.core.init_mm) return;
    if (this.pcid) yield* this.switch_mm(cpu, this.core.init_mm);
    else yield* this.set_lazy(cpu, true);
  }

  /** Gives up a borrowed mm, so that no more flushes of it arrive. */
  *leave_mm(cpu: number): Kernel<void> {
    const { core } = this;
    if ((yield* this.loaded_mm(cpu)) === core.init_mm) return;
    const lazy = (yield* READ_ONCE(this.cpu_tlbstate(cpu).is_lazy)) !== 0;
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
    const loaded_mm = yield* this.loaded_mm(cpu);
    const range = mmRange(loaded_mm.ctx_id, f.start, f.end);
    core.warnUnless(core.irqs_disabled(cpu), cpu, 'W1', 'flush_tlb_func_common with interrupts on');
    if (loaded_mm === core.init_mm) {
      this.trace.decision(cpu, f.flush, range, 'skip', 'init_mm has no user translations');
      return;
    }

    const loaded_mm_asid = yield* READ_ONCE(this.cpu_tlbstate(cpu).loaded_mm_asid);
    const { ctx_id, tlb_gen } = this.ctxs(cpu, loaded_mm_asid);
    const mm_tlb_gen = yield* READ_ONCE(loaded_mm.tlb_gen);
    const local_tlb_gen = yield* READ_ONCE(tlb_gen);
    const id = yield* READ_ONCE(ctx_id);
    const slot = `ctxs[${loaded_mm_asid}]`;
    core.warnUnless(id === loaded_mm.ctx_id, cpu, 'W3', `${slot} is of mm ${id}, not ${loaded_mm.ctx_id}`);

    if ((yield* READ_ONCE(this.cpu_tlbstate(cpu).is_lazy)) !== 0) {
      yield* this.flush_while_lazy(cpu, f, range);
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
    yield* this.record_tlb_gen(cpu, { asid: loaded_mm_asid, loaded_mm, mm_tlb_gen, f, partial });
  }

  /** Leaving also rids the paging-structure caches of page tables that are about to be freed. */
  protected *flush_while_lazy(cpu: number, f: flush_tlb_info, range: AddressRange): Kernel<void> {
    this.trace.decision(cpu, f.flush, range, 'full', 'lazy: leaves the mm');
    yield* this.switch_mm_irqs_off(cpu, null, this.core.init_mm);
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

  protected is_behind(local_tlb_gen: number, next_tlb_gen: number): boolean {
    return local_tlb_gen < next_tlb_gen;
  }

  protected *record_tlb_gen(cpu: number, { asid, loaded_mm, mm_tlb_gen }: Flushed): Kernel<void> {
    yield* WRITE_ONCE(this.ctxs(cpu, asid).tlb_gen, mm_tlb_gen);
    this.trace.slot(cpu, asid, this.kern_pcid(asid), loaded_mm.ctx_id, mm_tlb_gen);
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

/** All of the mm unless the request names few enough pages, of 4 KBytes each. */
function range_to_flush({ start, end, stride_shift }: FlushRequest): { start: bigint; end: bigint } {
  const partial = stride_shift === PAGE_SHIFT && few_pages(start, end);
  return partial ? { start, end } : { start: 0n, end: TLB_FLUSH_ALL };
}

export const E3: Era = {
  id: 'E3',
  kernels: 'v4.14',
  summary: 'PCIDs: six contexts a processor, and switches that keep what is up to date',
  changes: [
    'PCIDs: six slots a processor, each with the generation of its mm, and a switch to an mm that is up to date does not flush.',
    'Lazy processors leave for init_mm where PCIDs make that cheap, and otherwise keep their place in mm_cpumask until the first flush.',
  ],
  usesPcid: true,
  tlb: (core) => new TlbE3(core),
};
