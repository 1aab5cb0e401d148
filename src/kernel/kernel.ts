/**
 * The mini-kernel as whoever drives the machine sees it: tasks, the entry points that hardware calls, system calls, and
 * what kernel threads do. Everything that takes steps takes the processor that it runs on first, and stays there.
 */
import { UnsupportedError } from '../base/errors.ts';
import type { StateSink } from '../base/state-sink.ts';
import { assert, present } from './bug.ts';
import { run_early } from './early.ts';
import { EntryCode } from './entry.ts';
import { do_page_fault } from './fault.ts';
import { dup_mm } from './fork.ts';
import type { Hardware, Kernel } from './hardware.ts';
import { CPU_UP_VECTOR, Hotplug } from './hotplug.ts';
import { KernelCore } from './kernel_core.ts';
import { do_migrate_pages } from './migrate.ts';
import type { MmContext, MmTuning } from './mm/context.ts';
import { type Advice, do_madvise } from './mm/madvise.ts';
import { KvmCore } from './kvm.ts';
import { Migrations } from './mm/migration_entry.ts';
import { mm_alloc, pgd_free } from './mm/mm_alloc.ts';
import { MmRegistry, tell_mm, type user_mm } from './mm/mm_types.ts';
import { do_brk, do_mmap, do_munmap, exit_mmap, map_gaps, type MmapRequest } from './mm/mmap.ts';
import { do_mincore } from './mm/mincore.ts';
import { do_mprotect } from './mm/mprotect.ts';
import { do_mremap, type MremapRequest } from './mm/mremap.ts';
import { Operations } from './mm/operation.ts';
import { PageLocks } from './mm/page_lock.ts';
import { pte_alloc } from './mm/pgtable.ts';
import { SwapSpace } from './mm/swap.ts';
import { TlbFlush } from './mm/tlbflush.ts';
import { ObjectRegistry } from './mm/vm_object.ts';
import { range_is_free, vma_lookup, type vm_area_struct } from './mm/vma.ts';
import { Vmalloc, vmalloc_pgd_index, vmalloc_start } from './mm/vmalloc.ts';
import type { mm_struct } from './mm_struct.ts';
import { PageAllocator } from './page_alloc.ts';
import { reclaim_pages } from './reclaim.ts';
import { Scheduler, type task_struct } from './sched.ts';
import { type Era, type Tlb, TLB_FLUSH_ALL } from './tlb/era.ts';
import { write_protect_pages } from './write_protect.ts';

export interface MiniKernelOptions {
  readonly hardware: Hardware;
  readonly era: Era;
  readonly tuning?: Partial<MmTuning>;
  /** Frames for the kernel's variables; without, what a scenario needs. */
  readonly dataFrames?: number;
}

/** What fits in a page of pointers; SWAP_CLUSTER_MAX. */
const TUNING: MmTuning = { gatherBatch: 509, reclaimBatch: 32, perProcessorPages: false, tablesApart: false };

export class MiniKernel {
  readonly core: KernelCore;
  readonly era: Era;
  /** The state of the mm code, for tests and reports. */
  readonly context: MmContext;
  readonly #tlb: Tlb;
  readonly #scheduler: Scheduler;
  readonly #entry: EntryCode;
  readonly #hotplug: Hotplug;
  readonly #vmalloc: Vmalloc;

  constructor({ hardware, era, tuning = {}, dataFrames }: MiniKernelOptions) {
    this.era = era;
    this.core = new KernelCore(hardware, dataFrames === undefined ? {} : { dataFrames });
    this.#tlb = era.tlb(hardware.stealTime === undefined ? this.core : new KvmCore(this.core));
    this.#entry = new EntryCode(this.core, this.#tlb.isolation);
    this.context = make_context(this.core, this.#tlb, era, { ...TUNING, ...tuning });
    this.#scheduler = new Scheduler(this.core, this.#tlb, {
      mmgrab: (mm) => this.#mmgrab(mm),
      mmdrop: (cpu, mm) => this.#mmdrop(cpu, mm),
    });
    this.#hotplug = new Hotplug(this.core, this.#tlb, this.#scheduler);
    this.#vmalloc = new Vmalloc(this.context);
    const { init_mm, swapper_pg_dir } = this.core;
    hardware.tell({ kind: 'address-space', mm: init_mm.ctx_id, root: swapper_pg_dir, name: init_mm.name });
    this.#preallocate_vmalloc_pages(hardware);
  }

  /** What the kernel keeps outside of simulated memory, as far as what it does next depends on it. */
  tellState(sink: StateSink): void {
    const { pages, swap, migrations, objects, locks, mms } = this.context;
    for (const part of [this.core, pages, swap, migrations, objects, locks, this.#scheduler, this.#vmalloc]) {
      part.tellState(sink);
    }
    this.#tlb.tellState?.(sink);
    this.#entry.tellState(sink);
    for (const mm of mms.all) tell_mm(sink, mm);
    for (let cpu = 0; cpu < this.core.hardware.processors; cpu++) sink.number(this.online(cpu) ? 1 : 0);
  }

  /** Brings a processor up at boot, its page tables being those of swapper_pg_dir, interrupts off. */
  boot(cpu: number): Kernel<void> {
    return this.#hotplug.boot(cpu);
  }

  /** An empty address space, made without a step; it lives from its first task to its last. */
  createMm(name: string): user_mm {
    const mm = run_early(this.core.hardware, mm_alloc(this.context, name));
    if (mm === null) throw new UnsupportedError(`out of memory: no frame for the address space ${name}`);
    return mm;
  }

  /** `mm` null: a kernel thread. */
  createTask({ name, mm }: { readonly name: string; readonly mm: mm_struct | null }): task_struct {
    if (mm === null) return this.#scheduler.create(name, null);
    const user = this.context.mms.user(mm);
    user.mm_users++;
    return this.#scheduler.create(name, user);
  }

  current(cpu: number): task_struct {
    return this.#scheduler.current(cpu);
  }

  idle(cpu: number): task_struct {
    return this.#scheduler.idle(cpu);
  }

  online(cpu: number): boolean {
    return this.#hotplug.online(cpu);
  }

  context_switch(cpu: number, next: task_struct): Kernel<void> {
    return this.#entry.entered(cpu, this.#scheduler.context_switch(cpu, next));
  }

  /**
   * #PF. The interrupt gate clears IF and the handler sets it again at once; both are left out, so interrupts stay as
   * they were: on. Result: make the access again; otherwise nothing maps it.
   */
  page_fault(cpu: number, address: bigint, errorCode: number): Kernel<boolean> {
    assert(!this.core.irqs_disabled(cpu), 'a page fault with interrupts off');
    const { mm } = this.current(cpu);
    const fault = do_page_fault(this.context, cpu, mm, address, errorCode);
    const operation = this.context.operations.run(cpu, 'page fault', (mm ?? this.core.init_mm).ctx_id, fault);
    return this.#entry.page_fault(cpu, operation);
  }

  /** The current task goes on in user mode: before each of its accesses. */
  user_mode(cpu: number): Kernel<void> {
    return this.#entry.exit_to_user_mode(cpu);
  }

  /** Whether there is anything to do in user_mode. */
  get isolated(): boolean {
    return this.#entry.isolated;
  }

  interrupt(cpu: number, vector: number): Kernel<void> {
    return this.#entry.interrupt(cpu, this.#interrupt(cpu, vector));
  }

  *#interrupt(cpu: number, vector: number): Kernel<void> {
    if (vector !== CPU_UP_VECTOR) {
      yield* this.core.interrupt(cpu, vector);
      return;
    }
    const disabled = this.core.irqentry_enter(cpu);
    yield* this.#hotplug.cpu_up_interrupt(cpu);
    this.core.irqentry_exit(cpu, disabled);
  }

  /** Result: the address, or a negative errno. */
  sys_mmap(cpu: number, request: MmapRequest): Kernel<bigint> {
    const mm = this.#current_mm(cpu);
    return this.#operation(cpu, 'mmap', mm, do_mmap(this.context, cpu, mm, request));
  }

  /** Result, as for the other calls that return a number: 0 or a negative errno. */
  sys_munmap(cpu: number, start: bigint, length: bigint): Kernel<number> {
    const mm = this.#current_mm(cpu);
    return this.#operation(cpu, 'munmap', mm, do_munmap(this.context, cpu, mm, start, length));
  }

  /** `prot` is a union of PROT_READ, PROT_WRITE and PROT_EXEC. */
  sys_mprotect(cpu: number, start: bigint, length: bigint, prot: number): Kernel<number> {
    const mm = this.#current_mm(cpu);
    return this.#operation(cpu, 'mprotect', mm, do_mprotect(this.context, cpu, mm, { start, length, prot }));
  }

  /** Result: the address, or a negative errno. */
  sys_mremap(cpu: number, request: MremapRequest): Kernel<bigint> {
    const mm = this.#current_mm(cpu);
    return this.#operation(cpu, 'mremap', mm, do_mremap(this.context, cpu, mm, request));
  }

  sys_madvise(cpu: number, start: bigint, length: bigint, advice: Advice): Kernel<number> {
    const mm = this.#current_mm(cpu);
    return this.#operation(cpu, 'madvise', mm, do_madvise(this.context, cpu, mm, { start, length, advice }));
  }

  /** Result: a byte for each page, or a negative errno. */
  sys_mincore(cpu: number, start: bigint, length: bigint): Kernel<Uint8Array | number> {
    return this.#entry.entered(cpu, do_mincore(this.context, this.#current_mm(cpu), start, length));
  }

  /** The area that holds an address, as of this moment. */
  find_vma(mm: mm_struct, address: bigint): vm_area_struct | null {
    return vma_lookup(this.context.mms.user(mm), address);
  }

  /** execve: an empty address space, in steps. It lives from its first task to its last. */
  *alloc_mm(name: string): Kernel<user_mm> {
    const mm = yield* mm_alloc(this.context, name);
    if (mm === null) throw new UnsupportedError(`out of memory: no frame for the address space ${name}`);
    return mm;
  }

  /** Whether nothing is mapped in a range, as of this moment. */
  is_free(mm: mm_struct, start: bigint, length: bigint): boolean {
    return range_is_free(this.context.mms.user(mm), start, start + length);
  }

  /** Where the heap of a new program begins: before it has one. */
  set_brk(mm: mm_struct, start: bigint): void {
    const user = this.context.mms.user(mm);
    user.start_brk = start;
    user.brk = start;
  }

  /** membarrier: every processor executes a full barrier before the call returns. */
  membarrier(cpu: number): Kernel<void> {
    const fence = function* (): Kernel<void> {
      yield { kind: 'fence' };
    };
    return this.#entry.entered(cpu, this.core.on_each_cpu(cpu, fence));
  }

  /** Result: the break, moved or not. */
  sys_brk(cpu: number, brk: bigint): Kernel<bigint> {
    const mm = this.#current_mm(cpu);
    return this.#operation(cpu, 'brk', mm, do_brk(this.context, cpu, mm, brk));
  }

  /** sbrk: moves the break up. Result: the old break, or a negative errno. */
  *grow_brk(cpu: number, bytes: bigint): Kernel<bigint> {
    const before = this.#current_mm(cpu).brk;
    const after = yield* this.sys_brk(cpu, before + bytes);
    return after === before + bytes ? before : -1n;
  }

  /** Result: a copy of the current task's address space. */
  *fork(cpu: number, name: string): Kernel<user_mm> {
    const mm = this.#current_mm(cpu);
    const copy = yield* this.#operation(cpu, 'fork', mm, dup_mm(this.context, cpu, mm, name));
    if (copy === null) throw new UnsupportedError(`out of memory: fork of ${mm.name}; give the machine more memory`);
    return copy;
  }

  /** A task ends: the current one, which goes on as a kernel thread until it is switched away, or one that is not running. */
  *exit_task(cpu: number, task: task_struct): Kernel<void> {
    const { mm } = task;
    if (mm === null) return;
    if (task === this.current(cpu)) yield* this.#entry.entered(cpu, this.#scheduler.exit_mm(cpu));
    else this.#detach(task);
    yield* this.#mmput(cpu, mm);
  }

  /** execve: a task that is not running goes on in a new address space. */
  *exec_mmap(cpu: number, task: task_struct, mm: mm_struct): Kernel<void> {
    const old = task.mm;
    this.#detach(task);
    const user = this.context.mms.user(mm);
    user.mm_users++;
    task.mm = user;
    task.active_mm = user;
    if (old !== null) yield* this.#mmput(cpu, old);
  }

  /** Keeps an address space alive while somebody works on it from outside; false when its last task has left it. */
  mmget_not_zero(mm: user_mm): boolean {
    if (mm.mm_users === 0) return false;
    mm.mm_users++;
    return true;
  }

  /** Gives back what mmget_not_zero took. */
  *mmput(cpu: number, mm: user_mm): Kernel<void> {
    yield* this.#mmput(cpu, mm);
  }

  /** Batched reclaim of what [start, end) maps. Result: pages freed. */
  reclaim(cpu: number, mm: mm_struct, start: bigint, end: bigint): Kernel<number> {
    const user = this.context.mms.user(mm);
    return this.#operation(cpu, 'reclaim', user, reclaim_pages(this.context, cpu, user, { start, end }));
  }

  /** Moves what [start, end) maps to other frames. Result: pages moved. */
  migrate_pages(cpu: number, mm: mm_struct, start: bigint, end: bigint): Kernel<number> {
    const user = this.context.mms.user(mm);
    return this.#operation(cpu, 'migrate pages', user, do_migrate_pages(this.context, cpu, user, { start, end }));
  }

  /** Takes R/W from what [start, end) maps, until somebody writes. Result: entries changed. */
  write_protect(cpu: number, mm: mm_struct, start: bigint, end: bigint): Kernel<number> {
    const user = this.context.mms.user(mm);
    return this.#operation(cpu, 'write-protect', user, write_protect_pages(this.context, cpu, user, { start, end }));
  }

  /** Result: a kernel address, or -ENOMEM. */
  vmalloc(cpu: number, pages: number): Kernel<bigint> {
    return this.#operation(cpu, 'vmalloc', null, this.#vmalloc.vmalloc(cpu, pages));
  }

  vfree(cpu: number, address: bigint): Kernel<number> {
    return this.#operation(cpu, 'vfree', null, this.#vmalloc.vfree(cpu, address));
  }

  cpu_offline(cpu: number, target: number): Kernel<void> {
    return this.#operation(cpu, 'cpu offline', null, this.#hotplug.cpu_offline(cpu, target));
  }

  cpu_online(cpu: number, target: number): Kernel<void> {
    return this.#operation(cpu, 'cpu online', null, this.#hotplug.cpu_online(cpu, target));
  }

  flush_mm(cpu: number, mm: mm_struct, reason: string): Kernel<void> {
    const request = { start: 0n, end: TLB_FLUSH_ALL, stride_shift: 12, freed_tables: true, reason };
    return this.#entry.entered(cpu, this.#tlb.flush_tlb_mm_range(cpu, mm, request));
  }

  flush_all(cpu: number, reason: string): Kernel<void> {
    return this.#entry.entered(cpu, this.#tlb.flush_tlb_all(cpu, reason));
  }

  /** Maps private memory wherever [start, end) has none, without a step. Result: 4-KByte pages mapped. */
  mapGaps(mm: mm_struct, start: bigint, end: bigint, prot: number): number {
    return map_gaps(this.context, this.context.mms.user(mm), start, end, prot);
  }

  #operation<T>(cpu: number, name: string, mm: mm_struct | null, body: Kernel<T>): Kernel<T> {
    const operation = this.context.operations.run(cpu, name, (mm ?? this.core.init_mm).ctx_id, body);
    return this.#entry.entered(cpu, operation);
  }

  #current_mm(cpu: number): user_mm {
    const { mm, comm } = this.current(cpu);
    return present(mm, `the address space of ${comm}`);
  }

  #detach(task: task_struct): void {
    assert(task.cpu === null, `${task.comm} runs on processor ${task.cpu}`);
    task.mm = null;
    task.active_mm = null;
  }

  *#mmput(cpu: number, mm: user_mm): Kernel<void> {
    if (--mm.mm_users > 0) return;
    yield* this.#operation(cpu, 'exit_mmap', mm, exit_mmap(this.context, cpu, mm));
    yield* this.#mmdrop(cpu, mm);
  }

  #mmgrab(mm: mm_struct): void {
    if (mm !== this.core.init_mm) this.context.mms.user(mm).mm_count++;
  }

  *#mmdrop(cpu: number, mm: mm_struct): Kernel<void> {
    if (mm === this.core.init_mm) return;
    const user = this.context.mms.user(mm);
    if (--user.mm_count > 0) return;
    if (this.#tlb.destroy_context !== undefined) yield* this.#tlb.destroy_context(cpu, user);
    pgd_free(this.context, cpu, user);
  }

  /** The vmalloc area's entry in swapper_pg_dir exists before the first address space copies it, so it never has to follow. */
  #preallocate_vmalloc_pages(hardware: Hardware): void {
    const { context, core } = this;
    const above = (context.levels - 1) as 3 | 4;
    const table = run_early(hardware, pte_alloc(context, 0, core.init_mm, vmalloc_start(context.levels), above));
    if (table === null) throw new UnsupportedError('out of memory: no frame for the tables of kernel mappings');
  }
}

function make_context(core: KernelCore, tlb: Tlb, era: Era, tuning: MmTuning): MmContext {
  const { levels, nx } = core.hardware.features;
  const pages = new PageAllocator(core.hardware, core.reservedFrames, {
    perProcessor: tuning.perProcessorPages,
    tablesApart: tuning.tablesApart,
  });
  const touch = core.hardware.touch ?? null;
  const zero_page = pages.alloc_pages('kernel', core.init_mm.ctx_id, 0);
  if (zero_page === null) throw new UnsupportedError('out of memory: no frame for the zero page');
  const variant = era.mm ?? {};
  return {
    core,
    levels,
    nx,
    isolated: tlb.isolation?.enabled === true,
    variant,
    tuning,
    flush: new TlbFlush(tlb, variant, touch),
    operations: new Operations(core.hardware),
    pages,
    locks: new PageLocks(core),
    swap: new SwapSpace(pages, touch),
    migrations: new Migrations(touch),
    objects: new ObjectRegistry(pages, touch),
    mms: new MmRegistry(core),
    zero_page,
    kernel_pgd_entries: [vmalloc_pgd_index(levels)],
  };
}
