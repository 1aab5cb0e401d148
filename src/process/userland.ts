/**
 * Everything that the programs of a run share: the kernel below them, the file system, time, randomness, and the register
 * of processes and threads. Linux as programs see it; who runs when is its driver's business.
 */
import type { Random } from '../base/random.ts';
import type { MiniKernel } from '../kernel/kernel.ts';
import type { user_mm } from '../kernel/mm/mm_types.ts';
import { Futexes } from './futex.ts';
import { FileSystem } from './files/file-system.ts';
import type { HostRoot, HostStreams } from './files/host-port.ts';
import { type Ending, Process } from './process.ts';
import type { ProcessParts } from './process.ts';
import { Thread } from './thread.ts';
import type { UserRegisters } from './user-registers.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface UserlandParts {
  readonly kernel: MiniKernel;
  readonly random: Random;
  readonly streams: HostStreams;
  readonly root: HostRoot | null;
  readonly processors: number;
  readonly memoryBytes: number;
  /** EDX of CPUID leaf 1: AT_HWCAP. */
  readonly hardwareCapabilities: number;
  readonly newRegisters: () => UserRegisters;
}

/** What programs did, for the report. */
export interface UserlandCounts {
  systemCalls: number;
  signals: number;
  processes: number;
  threads: number;
  /** Calls that answered ENOSYS, by name. */
  readonly missing: Map<string, number>;
}

const FIRST_PID = 100;

export class Userland {
  readonly kernel: MiniKernel;
  readonly random: Random;
  readonly streams: HostStreams;
  readonly files: FileSystem;
  readonly clock: VirtualClock;
  readonly futexes = new Futexes();
  readonly processors: number;
  readonly memoryBytes: number;
  /** EDX of CPUID leaf 1: AT_HWCAP. */
  readonly hardwareCapabilities: number;
  readonly newRegisters: () => UserRegisters;
  readonly counts: UserlandCounts = { systemCalls: 0, signals: 0, processes: 0, threads: 0, missing: new Map() };
  /** Every process that has not been waited for. */
  readonly processes = new Map<number, Process>();
  /** Every thread that has not ended, in the order of their creation. */
  readonly threads: Thread[] = [];
  /** What the run was started for, and how it ended. */
  first: Process | null = null;
  firstEnding: Ending | null = null;
  #lastPid = FIRST_PID - 1;

  constructor(parts: UserlandParts) {
    const { kernel, random, streams, root, processors, memoryBytes, hardwareCapabilities, newRegisters } = parts;
    this.hardwareCapabilities = hardwareCapabilities;
    this.kernel = kernel;
    this.random = random;
    this.streams = streams;
    this.clock = new VirtualClock(processors);
    this.files = new FileSystem(root, () => this.clock.realtime);
    this.processors = processors;
    this.memoryBytes = memoryBytes;
    this.newRegisters = newRegisters;
  }

  newPid(): number {
    return ++this.#lastPid;
  }

  addProcess(parts: ProcessParts): Process {
    const process = new Process(parts);
    this.processes.set(process.pid, process);
    this.counts.processes++;
    return process;
  }

  /** A thread of a process, whose kernel task runs in `mm`. */
  addThread(process: Process, tid: number, mm: user_mm): Thread {
    const task = this.kernel.createTask({ name: `${process.name}/${tid}`, mm });
    const thread = new Thread(this, process, tid, task);
    process.threads.set(tid, thread);
    process.live++;
    this.threads.push(thread);
    this.counts.threads++;
    return thread;
  }

  removeThread(thread: Thread): void {
    thread.process.threads.delete(thread.tid);
    this.threads.splice(this.threads.indexOf(thread), 1);
  }

  thread(tid: number): Thread | null {
    return this.threads.find((thread) => thread.tid === tid) ?? null;
  }
}
