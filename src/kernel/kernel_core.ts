/**
 * The kernel's ground floor: its variables in simulated memory, init_mm, the register of address spaces, each processor's
 * interrupt flag, and calls between processors. Memory from the bottom: frame 0 unused, the variables, swapper_pg_dir;
 * `reservedFrames` says where the page allocator may begin.
 */
import { type FrameNumber, frameNumber } from '../arch/address.ts';
import { assert, present } from './bug.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { StateSink } from '../base/state-sink.ts';
import type { Cell } from './cell.ts';
import type { Core, SmpFunction } from './core.ts';
import { NR_CPUS } from './cpumask.ts';
import type { Hardware, Kernel } from './hardware.ts';
import { KernelData } from './kernel_data.ts';
import { LOADED_MM_SWITCHING } from './mm_pointer.ts';
import type { mm_struct } from './mm_struct.ts';
import { CALL_FUNCTION_VECTOR, SmpCalls } from './smp.ts';

/** 8192 variables: a thousand address spaces. */
const DATA_FRAMES = 16;

/** A pointer to an mm is its ctx_id and this: 0 stays null, 1 stays LOADED_MM_SWITCHING. */
const MM_POINTER_BIAS = 1n;

export class KernelCore implements Core {
  readonly hardware: Hardware;
  readonly init_mm: mm_struct;
  readonly online: Cell<bigint>;
  readonly swapper_pg_dir: FrameNumber;
  /** Frames [0, reservedFrames) are the kernel's own. */
  readonly reservedFrames: number;
  readonly #data: KernelData;
  readonly #mms = new Map<number, mm_struct>();
  readonly #smp: SmpCalls;
  /** EFLAGS.IF = 0, by processor: set at reset (SDM 3A 10.1.1, table 10-1). */
  readonly #irqs_disabled: boolean[];
  #last_mm_ctx_id = 0;
  #lastFlush = 0;

  constructor(hardware: Hardware, { dataFrames = DATA_FRAMES }: { readonly dataFrames?: number } = {}) {
    if (hardware.processors > NR_CPUS)
      throw new UnsupportedError(`${hardware.processors} processors, at most ${NR_CPUS}`);
    this.hardware = hardware;
    this.#data = new KernelData(hardware, dataFrames);
    this.swapper_pg_dir = frameNumber(1 + dataFrames);
    this.reservedFrames = this.swapper_pg_dir + 1;
    assert(this.reservedFrames <= hardware.frames, 'no room for swapper_pg_dir');
    this.online = this.bitsCell(0n);
    this.init_mm = this.mm_init('init_mm', this.swapper_pg_dir);
    this.register(this.init_mm);
    this.#irqs_disabled = Array.from({ length: hardware.processors }, () => true);
    this.#smp = new SmpCalls(this);
  }

  /** The numbers of flushes are for reports only. */
  tellState(sink: StateSink): void {
    this.#data.tellState(sink);
    this.#smp.tellState(sink);
    sink.number(this.#last_mm_ctx_id);
    for (const disabled of this.#irqs_disabled) sink.number(disabled ? 1 : 0);
  }

  cell(initial: number): Cell<number> {
    return this.#data.allocate(initial, BigInt, Number);
  }

  bitsCell(initial: bigint): Cell<bigint> {
    const same = (bits: bigint): bigint => bits;
    return this.#data.allocate(initial, same, same);
  }

  mmCell(initial: mm_struct | null): Cell<mm_struct | null> {
    return this.#data.allocate(
      initial,
      (mm: mm_struct | null) => (mm === null ? 0n : BigInt(mm.ctx_id) + MM_POINTER_BIAS),
      (bits) => {
        assert(bits !== LOADED_MM_SWITCHING, 'LOADED_MM_SWITCHING was followed as a pointer to an mm');
        return bits === 0n ? null : this.mmById(Number(bits - MM_POINTER_BIAS));
      },
    );
  }

  /** An address space with the next ctx_id, known to mmById once registered. The first, init_mm, is 1. */
  mm_init(name: string, pgd: FrameNumber): mm_struct {
    return {
      ctx_id: ++this.#last_mm_ctx_id,
      name,
      pgd,
      tlb_gen: this.cell(0),
      cpumask: this.bitsCell(0n),
      page_table_lock: this.cell(0),
      mmap_lock: this.cell(0),
      tlb_flush_pending: this.cell(0),
      tlb_flush_batched: this.cell(0),
      next_trim_cpumask: this.cell(0),
      global_asid: this.cell(0),
      asid_transition: this.cell(0),
    };
  }

  /** Makes an mm, or an object that extends one, known under its ctx_id. */
  register(mm: mm_struct): void {
    this.hardware.touch?.('mm', mm.ctx_id, 'write');
    assert(!this.#mms.has(mm.ctx_id), `mm ${mm.ctx_id} is registered already`);
    this.#mms.set(mm.ctx_id, mm);
  }

  /** The last reference is gone: nobody runs on the mm and nobody borrows it. */
  unregister(mm: mm_struct): void {
    this.hardware.touch?.('mm', mm.ctx_id, 'write');
    assert(this.#mms.delete(mm.ctx_id), `mm ${mm.ctx_id} is not registered`);
  }

  mmById(ctx_id: number): mm_struct {
    this.hardware.touch?.('mm', ctx_id, 'read');
    return present(this.#mms.get(ctx_id), `mm ${ctx_id}`);
  }

  smp_call_function_many(cpu: number, mask: bigint, func: SmpFunction, wait = true): Kernel<void> {
    return this.#smp.smp_call_function_many(cpu, mask, func, wait);
  }

  on_each_cpu_mask(cpu: number, mask: bigint, func: SmpFunction): Kernel<void> {
    return this.#smp.on_each_cpu_mask(cpu, mask, func);
  }

  *on_each_cpu(cpu: number, func: SmpFunction): Kernel<void> {
    yield* this.smp_call_function_many(cpu, -1n, func);
    const enabled = yield* this.local_irq_save(cpu);
    yield* func(cpu);
    yield* this.local_irq_restore(cpu, enabled);
  }

  /** A processor that goes offline serves its last calls: it has left `online`, and interrupts are off. */
  flush_smp_call_function_queue(cpu: number): Kernel<void> {
    return this.#smp.flush_smp_call_function_queue(cpu);
  }

  /** The processor took an interrupt; delivery has cleared IF, and the IRET after the last step restores it. */
  *interrupt(cpu: number, vector: number): Kernel<void> {
    const disabled = this.irqentry_enter(cpu);
    if (vector !== CALL_FUNCTION_VECTOR) throw new UnsupportedError(`interrupt vector 0x${vector.toString(16)}`);
    yield* this.#smp.call_function_interrupt(cpu);
    this.irqentry_exit(cpu, disabled);
  }

  /** An interrupt gate has cleared IF (SDM 3A 6.12.1.3). Result: whether interrupts were off before. */
  irqentry_enter(cpu: number): boolean {
    const disabled = this.irqs_disabled(cpu);
    this.#irqs_disabled[cpu] = true;
    return disabled;
  }

  /** IRET is about to restore IF. */
  irqentry_exit(cpu: number, disabled: boolean): void {
    this.#irqs_disabled[cpu] = disabled;
  }

  irqs_disabled(cpu: number): boolean {
    return present(this.#irqs_disabled[cpu], `processor ${cpu}`);
  }

  *local_irq_save(cpu: number): Kernel<boolean> {
    const enabled = (yield { kind: 'interrupts', enabled: false }) === 1n;
    assert(enabled !== this.irqs_disabled(cpu), `processor ${cpu}: IF is not what the kernel believes`);
    this.#irqs_disabled[cpu] = true;
    return enabled;
  }

  *local_irq_restore(cpu: number, enabled: boolean): Kernel<void> {
    if (enabled) yield* this.local_irq_enable(cpu);
  }

  *local_irq_disable(cpu: number): Kernel<void> {
    yield* this.local_irq_save(cpu);
  }

  *local_irq_enable(cpu: number): Kernel<void> {
    yield { kind: 'interrupts', enabled: true };
    this.#irqs_disabled[cpu] = false;
  }

  warnUnless(condition: boolean, cpu: number, id: string, detail: string): void {
    if (!condition) this.hardware.tell({ kind: 'assertion', processor: cpu, id, detail });
  }

  nextFlush(): number {
    return ++this.#lastFlush;
  }
}
