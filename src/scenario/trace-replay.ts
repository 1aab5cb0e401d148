/**
 * Replays a recorded trace: every traced address space is an mm with its mappings at the traced addresses, every traced
 * thread a task that the scheduler puts on some processor and now and then moves to another. The trace says who runs and
 * what it touches; faults, flushes and IPIs are the mini-kernel's.
 *
 * A trace does not say what was mapped before recording began (the program itself, its stack). The first access there
 * gets an implicit mapping; they are counted.
 */
import { addressInPage, type PageNumber, pageNumber, PAGE_BYTES } from '../arch/address.ts';
import { FUTEX, FUTEX_CALL, MADV, MAP, MREMAP, PROT, WAITING_CALLS } from '../arch/linux-abi.ts';
import { Vector } from '../arch/page-fault.ts';
import { assert, present, unreachable } from '../base/assert.ts';
import { InputError } from '../base/errors.ts';
import type { task_struct } from '../kernel/sched.ts';
import type { Kernel } from '../kernel/hardware.ts';
import type { mm_struct } from '../kernel/mm_struct.ts';
import { accessCode } from '../machine/operations.ts';
import type { Processor } from '../machine/processor.ts';
import type { AccessKind, LackeyHandler, SystemCallRecord } from '../workload/lackey-handler.ts';
import { type TraceRecord, traceRecord } from '../workload/trace-record.ts';
import type { System } from './system.ts';

interface Process {
  readonly pid: number;
  mm: mm_struct;
  readonly threads: Map<number, Thread>;
  /** The traced program break; null until the trace tells it. */
  brk: bigint | null;
}

interface Thread {
  readonly process: Process;
  readonly tid: number;
  readonly task: task_struct;
  processor: number;
}

/** By AccessKind: fetch, load, store, modify. A modify is translated once, for writing. */
const CODES = [
  accessCode({ kind: 'fetch', user: true }),
  accessCode({ kind: 'read', user: true }),
  accessCode({ kind: 'write', user: true }),
  accessCode({ kind: 'write', user: true }),
] as const;

/** How often the scheduler moves a thread that it picks up: one time in so many. */
const MIGRATION_PERIOD = 8;

/** A fault that the kernel handles lets the access go on at once; more rounds than this are our bug. */
const FAULT_ROUNDS = 8;

const READ_WRITE_EXECUTE = PROT.PROT_READ | PROT.PROT_WRITE | PROT.PROT_EXEC;

export class TraceReplay implements LackeyHandler {
  accesses = 0;
  faults = 0;
  implicitPages = 0;
  migrations = 0;
  systemCalls = 0;
  /** Accesses that the program's own mappings forbid: it got a signal there. */
  forbiddenAccesses = 0;
  readonly #system: System;
  readonly #file: string;
  readonly #line: () => number;
  readonly #processes = new Map<number, Process>();
  readonly #threadOn: (Thread | null)[];
  #nextProcessor = 0;
  #current: Thread | null = null;
  #processor = 0;
  /** Whether the current thread may stand in the kernel, and its next access needs the user's page tables. */
  #inKernel = false;
  #mmu: Processor['mmu'];

  /** `line` tells which line of the trace is being replayed. */
  constructor(system: System, file: string, line: () => number) {
    this.#system = system;
    this.#file = file;
    this.#line = line;
    this.#threadOn = system.machine.processors.map(() => null);
    this.#mmu = system.machine.processor(0).mmu;
    system.locate = (processor) => this.#locate(processor);
  }

  access(kind: AccessKind, page: PageNumber, offset: number, size: number): void {
    this.accesses++;
    this.#system.stream.time++;
    const code = CODES[kind];
    if (this.#inKernel) this.#returnToUserMode();
    if (this.#mmu.access(page, code, offset) === -1) this.#fault(page, kind);
    if (offset + size > PAGE_BYTES) {
      const next = pageNumber(page + 1);
      if (this.#mmu.access(next, code) === -1) this.#fault(next, kind);
    }
  }

  thread(pid: number, tid: number): void {
    const process = this.#processes.get(pid) ?? this.#firstProcess(pid);
    const thread = process.threads.get(tid) ?? this.#addThread(process, tid);
    if (thread !== this.#current) this.#schedule(thread);
  }

  /** A thread that waits leaves its processor, which goes idle and, where the era has it, lazy. */
  blocked(call: Omit<SystemCallRecord, 'result'>): void {
    const thread = this.#processes.get(call.pid)?.threads.get(call.tid);
    if (thread !== undefined && waits(call)) this.#leave(thread);
  }

  threadExit(pid: number, tid: number): void {
    const process = this.#processes.get(pid);
    const thread = process?.threads.get(tid);
    if (process === undefined || thread === undefined) return;
    this.#leave(thread);
    process.threads.delete(tid);
    this.#perform(thread.processor, this.#system.kernel.exit_task(thread.processor, thread.task));
    if (process.threads.size === 0) this.#processes.delete(pid);
  }

  fork(parent: number, child: number, tid: number): void {
    const process = this.#process(parent);
    const thread = present(process.threads.get(tid), `thread ${tid} of process ${parent}`);
    if (thread !== this.#current) this.#schedule(thread);
    const mm = this.#perform(thread.processor, this.#system.kernel.fork(thread.processor, `pid${child}`));
    this.#processes.set(child, { pid: child, mm, threads: new Map(), brk: process.brk });
  }

  systemCall(record: SystemCallRecord): void {
    this.thread(record.pid, record.tid);
    this.systemCalls++;
    const { kernel } = this.#system;
    const process = this.#process(record.pid);
    const cpu = this.#processor;
    const call = traceRecord(record, this.#file);
    switch (call.kind) {
      case 'mmap':
        this.#perform(
          cpu,
          kernel.sys_mmap(cpu, {
            address: call.address,
            length: wholePages(call.bytes),
            prot: call.protection & READ_WRITE_EXECUTE,
            shared: (call.flags & MAP.MAP_SHARED) !== 0,
            fixed: true,
            huge: (call.flags & MAP.MAP_HUGETLB) !== 0,
          }),
        );
        return;
      case 'munmap':
        this.#perform(cpu, kernel.sys_munmap(cpu, call.address, wholePages(call.bytes)));
        return;
      case 'mprotect': {
        const length = wholePages(call.bytes);
        this.#mapGaps(process, call.address, length);
        this.#perform(cpu, kernel.sys_mprotect(cpu, call.address, length, call.protection & READ_WRITE_EXECUTE));
        return;
      }
      case 'mremap':
        this.#mremap(process, call);
        return;
      case 'madvise':
        this.#madvise(process, call.address, wholePages(call.bytes), call.advice);
        return;
      case 'brk':
        this.#brk(process, call.end);
        return;
      case 'execve':
        this.#execve(process);
        return;
      // The reader tells of these by themselves: `fork`, `thread` and `threadExit`.
      case 'fork':
      case 'clone-thread':
      case 'exit':
      case 'exit-group':
      case 'other':
        return;
      default:
        unreachable(call);
    }
  }

  /** Processes that the trace leaves alive end here, so that their address spaces are torn down too. */
  end(): void {
    for (const { pid, threads } of [...this.#processes.values()]) {
      for (const tid of [...threads.keys()]) this.threadExit(pid, tid);
    }
  }

  #fault(page: PageNumber, kind: AccessKind): void {
    const { stream, kernel } = this.#system;
    for (let round = 0; round < FAULT_ROUNDS; round++) {
      const exception = present(this.#mmu.pendingFault, 'the fault of a failed access');
      stream.emit({ kind: 'exception', processor: this.#processor, exception });
      this.faults++;
      if (exception.vector !== Vector.PF) {
        this.forbiddenAccesses++;
        return;
      }
      const { address, errorCode } = exception;
      if (!this.#perform(this.#processor, kernel.page_fault(this.#processor, address, errorCode))) {
        const { mm } = present(this.#current, 'a running thread').process;
        if (!this.#mapImplicitly(mm, page)) {
          // The program's own SIGSEGV: the recorder lists an access before it is made.
          this.forbiddenAccesses++;
          return;
        }
      }
      if (this.#mmu.access(page, CODES[kind]) !== -1) return;
    }
    assert(false, `an access to page 0x${page.toString(16)} faults for ever`);
  }

  #mremap(process: Process, call: Extract<TraceRecord, { kind: 'mremap' }>): void {
    if ((call.flags & MREMAP.MREMAP_DONTUNMAP) !== 0) {
      throw new InputError('mremap with MREMAP_DONTUNMAP is not replayed', { file: this.#file, line: call.line });
    }
    const { kernel } = this.#system;
    const [oldLength, newLength] = [wholePages(call.fromBytes), wholePages(call.toBytes)];
    this.#mapGaps(process, call.from, oldLength);
    const moved = call.to !== call.from;
    const to = moved ? { newAddress: call.to } : {};
    this.#perform(
      this.#processor,
      kernel.sys_mremap(this.#processor, { address: call.from, oldLength, newLength, mayMove: moved, ...to }),
    );
  }

  #madvise(process: Process, start: bigint, length: bigint, advice: number): void {
    const { kernel } = this.#system;
    if (advice !== MADV.MADV_DONTNEED && advice !== MADV.MADV_FREE) return;
    this.#mapGaps(process, start, length);
    const kind = advice === MADV.MADV_FREE ? 'free' : 'dontneed';
    this.#perform(this.#processor, kernel.sys_madvise(this.#processor, start, length, kind));
  }

  /** The traced break moves in whole pages here: the partial page stays mapped. */
  #brk(process: Process, brk: bigint): void {
    const { kernel } = this.#system;
    const cpu = this.#processor;
    const to = wholePages(brk);
    const from = process.brk;
    process.brk = to;
    if (from === null || from === to) return;
    if (to > from) {
      const request = {
        address: from,
        length: to - from,
        prot: PROT.PROT_READ | PROT.PROT_WRITE,
        shared: false,
        fixed: true,
        huge: false,
      };
      this.#perform(cpu, kernel.sys_mmap(cpu, request));
    } else this.#perform(cpu, kernel.sys_munmap(cpu, to, from - to));
  }

  /** A new program: a fresh address space takes the place of the old one. */
  #execve(process: Process): void {
    const thread = present(this.#current, 'a running thread');
    const { kernel } = this.#system;
    this.#leave(thread);
    const mm = kernel.createMm(`pid${process.pid}`);
    this.#perform(thread.processor, kernel.exec_mmap(thread.processor, thread.task, mm));
    process.mm = mm;
    process.brk = null;
    this.#schedule(thread);
  }

  #mapGaps(process: Process, start: bigint, length: bigint): void {
    this.implicitPages += this.#system.kernel.mapGaps(process.mm, start, start + length, READ_WRITE_EXECUTE);
  }

  /** False when the page is mapped already. */
  #mapImplicitly(mm: mm_struct, page: PageNumber): boolean {
    const start = addressInPage(page, 0);
    const pages = this.#system.kernel.mapGaps(mm, start, start + BigInt(PAGE_BYTES), READ_WRITE_EXECUTE);
    this.implicitPages += pages;
    return pages > 0;
  }

  /** Makes a thread the running one of its processor, which the scheduler may change first. */
  #schedule(thread: Thread): void {
    const { random, machine, kernel } = this.#system;
    const { processors } = machine;
    if (processors.length > 1 && random.below(MIGRATION_PERIOD) === 0) {
      this.#leave(thread);
      thread.processor = random.below(processors.length);
      this.migrations++;
    }
    this.#current = thread;
    this.#processor = thread.processor;
    this.#mmu = machine.processor(thread.processor).mmu;
    // Where it was left, whatever another processor has done since.
    this.#inKernel = kernel.isolated;
    if (this.#threadOn[thread.processor] === thread) return;
    this.#perform(thread.processor, kernel.context_switch(thread.processor, thread.task));
    this.#threadOn[thread.processor] = thread;
  }

  /** Takes a thread off its processor, if it is on it. */
  #leave(thread: Thread): void {
    if (this.#threadOn[thread.processor] !== thread) return;
    const { kernel } = this.#system;
    this.#threadOn[thread.processor] = null;
    this.#perform(thread.processor, kernel.context_switch(thread.processor, kernel.idle(thread.processor)));
    if (this.#current === thread) this.#current = null;
  }

  #firstProcess(pid: number): Process {
    const process = { pid, mm: this.#system.kernel.createMm(`pid${pid}`), threads: new Map(), brk: null };
    this.#processes.set(pid, process);
    return process;
  }

  #addThread(process: Process, tid: number): Thread {
    const { kernel, machine } = this.#system;
    const task = kernel.createTask({ name: `${process.pid}/${tid}`, mm: process.mm });
    const thread = { process, tid, task, processor: this.#nextProcessor };
    this.#nextProcessor = (this.#nextProcessor + 1) % machine.processors.length;
    process.threads.set(tid, thread);
    return thread;
  }

  #process(pid: number): Process {
    return present(this.#processes.get(pid), `process ${pid}`);
  }

  #returnToUserMode(): void {
    this.#perform(this.#processor, this.#system.kernel.user_mode(this.#processor));
    this.#inKernel = false;
  }

  #perform<T>(processor: number, code: Kernel<T>): T {
    this.#inKernel = this.#system.kernel.isolated;
    return this.#system.perform(processor, code);
  }

  #locate(processor: number): string | null {
    const thread = this.#threadOn[processor];
    return thread === null || thread === undefined
      ? null
      : `${this.#file}:${this.#line()} (thread ${thread.task.comm})`;
  }
}

function waits({ number, args }: Omit<SystemCallRecord, 'result'>): boolean {
  if (number !== FUTEX_CALL) return WAITING_CALLS.has(number);
  const command = Number(args[1] ?? 0n) & FUTEX.FUTEX_CMD_MASK;
  return command === FUTEX.FUTEX_WAIT || command === FUTEX.FUTEX_WAIT_BITSET || command === FUTEX.FUTEX_LOCK_PI;
}

function wholePages(bytes: bigint): bigint {
  return (bytes + 0xfffn) & ~0xfffn;
}
