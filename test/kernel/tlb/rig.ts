/**
 * An era on the small machine, with the few kernel operations that its TLB code serves: switching, lazy mode, and changing
 * entries followed by a flush. It judges by itself what may be used.
 *
 * An entry's value names its mm and counts its changes. A change is promised once its flush has returned: from then on a
 * user access that gets an older value, or one of another mm, is a failure. So is a recorded generation that the TLB does
 * not live up to, and every assertion of the kernel.
 */
import { addressInFrame, type FrameNumber, frameNumber, linearAddress, PAGE_BYTES } from '../../../src/arch/address.ts';
import { present } from '../../../src/base/assert.ts';
import type { KernelEvent } from '../../../src/event/event.ts';
import { type Cell, locked, READ_ONCE, spin_lock, spin_unlock, WRITE_ONCE } from '../../../src/kernel/cell.ts';
import { cpumask_set_cpu } from '../../../src/kernel/cpumask.ts';
import { EntryCode } from '../../../src/kernel/entry.ts';
import type { Kernel } from '../../../src/kernel/hardware.ts';
import { KernelCore } from '../../../src/kernel/kernel_core.ts';
import type { mm_struct } from '../../../src/kernel/mm_struct.ts';
import { type Era, type Tlb, TLB_FLUSH_ALL } from '../../../src/kernel/tlb/era.ts';
import { Driver, type DriverOptions, pgdFrame } from '../driver.ts';
import type { Subject } from '../schedule.ts';

export type Operation =
  /** The scheduler picks a user task of the n-th address space, or a kernel thread. */
  | { readonly kind: 'user'; readonly mm: number }
  | { readonly kind: 'kthread' }
  /** The running user task reads a page. Nothing, while a kernel thread runs. */
  | { readonly kind: 'touch'; readonly page: number }
  /** The entries of [page, page + pages) change one by one, then one flush: of that range, or of all. */
  | {
      readonly kind: 'change';
      readonly mm: number;
      readonly page: number;
      readonly pages: number;
      readonly all: boolean;
    }
  /** As reclaim does it: one page of each mm, then one flush. */
  | { readonly kind: 'batch'; readonly mms: readonly number[]; readonly page: number }
  | { readonly kind: 'flush-all' }
  | { readonly kind: 'kernel-range' };

export interface RigOptions extends DriverOptions {
  readonly era: Era;
  readonly mms?: number;
}

const VERSION_MASK = 0xffff_ffffn;
const KERNEL_START = 0xffff_8000_0000_0000n;

interface Change {
  readonly page: number;
  readonly version: bigint;
}

export class Rig implements Subject {
  readonly driver: Driver;
  readonly core: KernelCore;
  readonly tlb: Tlb;
  readonly mms: readonly mm_struct[];
  readonly events: KernelEvent[] = [];
  readonly failures: string[] = [];
  /** The mm that each processor's user task runs, null for a kernel thread. */
  readonly #current: (mm_struct | null)[];
  readonly #entry: EntryCode;
  /** active_mm: what is loaded, as far as the scheduler knows. */
  readonly #active: mm_struct[];
  /** The least version that may still be used, by mm and page. */
  readonly #promised = new Map<string, bigint>();
  /** Changes that a processor has made and not yet given a generation. */
  readonly #unnumbered: Change[][];
  /** By mm: what changed up to which generation. */
  readonly #numbered = new Map<number, { readonly generation: number; readonly change: Change }[]>();

  constructor({ era, mms = 2, ...options }: RigOptions) {
    this.driver = new Driver(options);
    this.core = new KernelCore(this.driver, { dataFrames: 4 });
    this.tlb = era.tlb(this.core);
    this.#entry = new EntryCode(this.core, this.tlb.isolation);
    this.mms = Array.from({ length: mms }, (_, n) => {
      const mm = this.core.mm_init(`mm${n}`, pgdFrame(n));
      this.core.register(mm);
      for (let page = 0; page < this.driver.pages; page++) {
        for (const root of this.#roots(mm)) this.driver.poke(addressInFrame(root, page * 8), entry(mm, 1n));
      }
      return mm;
    });
    this.#current = this.driver.cpus.map(() => null);
    this.#active = this.driver.cpus.map(() => this.core.init_mm);
    this.#unnumbered = this.driver.cpus.map(() => []);
    this.driver.interrupt = (cpu, vector) => this.#entry.interrupt(cpu, this.core.interrupt(cpu, vector));
    this.driver.onEvent = (event) => this.#observe(event);
    for (let cpu = 0; cpu < this.driver.processors; cpu++) {
      this.driver.cpu(cpu).cr3 = BigInt(addressInFrame(this.core.swapper_pg_dir, 0));
      this.perform(cpu, this.boot(cpu));
    }
  }

  mm(n: number): mm_struct {
    return present(this.mms[n], `mm ${n}`);
  }

  /** Runs code to its end with the other processors answering interrupts only. */
  perform(cpu: number, code: Kernel<void>): void {
    let over = false;
    this.driver.start(cpu, code, () => {
      over = true;
    });
    while (!over) this.settleOnce(cpu);
    while (this.driver.cpus.some(({ buffer }) => buffer.length > 0)) this.#drainAll();
  }

  /** One step of this processor; while it waits, one of whoever it waits for. */
  settleOnce(cpu: number): void {
    while (this.driver.inFlight.length > 0) this.driver.take({ kind: 'deliver', ipi: 0 });
    while (this.driver.broadcasts.length > 0) this.driver.take({ kind: 'invalidate', broadcast: 0 });
    const other = this.driver.cpus.findIndex((_, index) => this.driver.runnable(index));
    if (this.driver.runnable(cpu)) this.driver.take({ kind: 'run', cpu });
    else if (other >= 0) this.driver.take({ kind: 'run', cpu: other });
    else this.#drainAll();
  }

  program(cpu: number, operations: readonly Operation[]): void {
    this.driver.start(cpu, this.#program(cpu, operations));
  }

  *boot(cpu: number): Kernel<void> {
    yield* this.tlb.initialize_tlbstate_and_flush(cpu);
    yield* cpumask_set_cpu(cpu, this.core.online);
    yield* this.core.local_irq_enable(cpu);
  }

  operation(cpu: number, operation: Operation): Kernel<void> {
    return operation.kind === 'touch'
      ? this.#touch(cpu, operation.page)
      : this.#entry.entered(cpu, this.#inKernel(cpu, operation));
  }

  *#inKernel(cpu: number, operation: Exclude<Operation, { kind: 'touch' }>): Kernel<void> {
    const { core, tlb } = this;
    switch (operation.kind) {
      case 'user': {
        const next = this.mm(operation.mm);
        yield* core.local_irq_disable(cpu);
        yield* tlb.switch_mm_irqs_off(cpu, this.#activeMm(cpu), next);
        this.#active[cpu] = next;
        this.#current[cpu] = next;
        yield* core.local_irq_enable(cpu);
        return;
      }
      case 'kthread':
        this.#current[cpu] = null;
        yield* core.local_irq_disable(cpu);
        yield* tlb.enter_lazy_tlb(cpu, this.#activeMm(cpu));
        yield* core.local_irq_enable(cpu);
        return;
      case 'change':
        return yield* this.#change(cpu, operation);
      case 'batch':
        return yield* this.#batch(cpu, operation);
      case 'flush-all':
        return yield* tlb.flush_tlb_all(cpu, 'test');
      case 'kernel-range':
        return yield* tlb.flush_tlb_kernel_range(cpu, KERNEL_START, KERNEL_START + 0x2000n, 'test');
    }
  }

  *#program(cpu: number, operations: readonly Operation[]): Kernel<void> {
    for (const operation of operations) yield* this.operation(cpu, operation);
  }

  *#touch(cpu: number, page: number): Kernel<void> {
    const mm = this.#current[cpu];
    if (mm === null || mm === undefined) return;
    yield* this.#entry.exit_to_user_mode(cpu);
    const value = yield { kind: 'access', address: pageAddress(page), access: { kind: 'read', user: true } };
    const promised = this.#promised.get(`${mm.ctx_id}:${page}`) ?? 1n;
    if (value >> 32n !== BigInt(mm.ctx_id))
      this.failures.push(`cpu ${cpu} reads page ${page} of mm ${value >> 32n} in mm ${mm.ctx_id}`);
    else if ((value & VERSION_MASK) < promised) {
      this.failures.push(
        `cpu ${cpu} reads version ${value & VERSION_MASK} of page ${page} after ${promised} was promised`,
      );
    }
  }

  *#change(cpu: number, { mm: n, page, pages, all }: Operation & { kind: 'change' }): Kernel<void> {
    const mm = this.mm(n);
    const changes: Change[] = [];
    yield* spin_lock(mm.page_table_lock);
    for (let at = page; at < Math.min(page + pages, this.driver.pages); at++) {
      const cell = this.#entryOf(mm, mm.pgd, at);
      const version = (yield* READ_ONCE(cell)) + 1n;
      for (const root of this.#roots(mm)) yield* WRITE_ONCE(this.#entryOf(mm, root, at), version);
      changes.push({ page: at, version });
    }
    yield* spin_unlock(mm.page_table_lock);
    this.#unnumbered[cpu] = changes;
    yield* this.tlb.flush_tlb_mm_range(cpu, mm, {
      start: all ? 0n : pageAddress(page),
      end: all ? TLB_FLUSH_ALL : pageAddress(page + pages),
      stride_shift: 12,
      freed_tables: false,
      reason: 'change',
    });
    this.#promise(mm, changes);
  }

  /** Clears entries as reclaim does, by a locked operation. */
  *#batch(cpu: number, { mms, page }: Operation & { kind: 'batch' }): Kernel<void> {
    const batch = { cpumask: 0n, mms: [] };
    const made: { readonly mm: mm_struct; readonly change: Change }[] = [];
    for (const n of mms) {
      const mm = this.mm(n);
      yield* spin_lock(mm.page_table_lock);
      const version = (yield* locked(this.#entryOf(mm, mm.pgd, page), 'add', 1n)) + 1n;
      for (const root of this.#roots(mm).slice(1)) yield* locked(this.#entryOf(mm, root, page), 'add', 1n);
      this.#unnumbered[cpu] = [{ page, version }];
      yield* this.tlb.arch_tlbbatch_add_mm(cpu, batch, mm);
      yield* spin_unlock(mm.page_table_lock);
      made.push({ mm, change: { page, version } });
    }
    yield* this.tlb.arch_tlbbatch_flush(cpu, batch);
    for (const { mm, change } of made) this.#promise(mm, [change]);
  }

  /** A page-table entry as a counter of its changes. */
  #entryOf(mm: mm_struct, root: FrameNumber, page: number): Cell<bigint> {
    return {
      address: addressInFrame(root, page * 8),
      encode: (version) => entry(mm, version),
      decode: (bits) => bits & VERSION_MASK,
    };
  }

  /** The top structures: the kernel's, and with page-table isolation the user's. */
  #roots({ pgd }: mm_struct): readonly FrameNumber[] {
    return this.#entry.isolated ? [pgd, frameNumber(pgd + 1)] : [pgd];
  }

  #promise(mm: mm_struct, changes: readonly Change[]): void {
    for (const { page, version } of changes) {
      const key = `${mm.ctx_id}:${page}`;
      if (version > (this.#promised.get(key) ?? 0n)) this.#promised.set(key, version);
    }
  }

  #observe(event: KernelEvent): void {
    this.events.push(event);
    if (event.kind === 'assertion') this.failures.push(`${event.id}: ${event.detail}`);
    else if (event.kind === 'generation') {
      const numbered = this.#numbered.get(event.mm) ?? [];
      const changes = present(this.#unnumbered[event.processor], 'changes');
      this.#numbered.set(event.mm, [
        ...numbered,
        ...changes.map((change) => ({ generation: event.generation, change })),
      ]);
      this.#unnumbered[event.processor] = [];
    } else if (event.kind === 'slot') this.#judgeSlot(event);
  }

  /** The invariant: nothing tagged with the slot's PCID is older than the generation recorded for it. */
  #judgeSlot({ processor, pcid, mm, generation }: KernelEvent & { kind: 'slot' }): void {
    for (const { generation: at, change } of this.#numbered.get(mm) ?? []) {
      const cached = this.driver.cpu(processor).tlb.get(`${pcid}:${change.page}`);
      if (cached === undefined || at > generation) continue;
      if (cached >> 32n !== BigInt(mm) || (cached & VERSION_MASK) < change.version) {
        this.failures.push(
          `cpu ${processor} records generation ${generation} and still holds page ${change.page} of before`,
        );
      }
    }
  }

  #activeMm(cpu: number): mm_struct {
    return present(this.#active[cpu], 'active_mm');
  }

  #drainAll(): void {
    this.driver.cpus.forEach(({ buffer }, cpu) => {
      while (buffer.length > 0) this.driver.take({ kind: 'drain', cpu });
    });
  }
}

function entry(mm: mm_struct, version: bigint): bigint {
  return (BigInt(mm.ctx_id) << 32n) | version;
}

export function pageAddress(page: number): ReturnType<typeof linearAddress> {
  return linearAddress(BigInt(page * PAGE_BYTES));
}
