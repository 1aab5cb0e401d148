/** A thread of a program: its kernel task, its registers while it does not run, and what Linux keeps of each thread. */
import type { task_struct } from '../kernel/sched.ts';
import { SS } from '../arch/linux-signal.ts';
import { present } from '../base/assert.ts';
import type { Process } from './process.ts';
import type { ThreadAction, ThreadCode, UserStop } from './program-code.ts';
import { PendingSignals, signalBit } from './signals/signal-info.ts';
import { SIGNAL } from '../arch/linux-signal.ts';
import type { Userland } from './userland.ts';
import type { UserRegisters } from './user-registers.ts';

export interface AlternateStack {
  readonly address: bigint;
  readonly size: bigint;
  readonly flags: number;
}

const NO_STACK: AlternateStack = { address: 0n, size: 0n, flags: SS.SS_DISABLE };
const UNBLOCKABLE = signalBit(SIGNAL.SIGKILL) | signalBit(SIGNAL.SIGSTOP);

export class Thread {
  readonly userland: Userland;
  readonly process: Process;
  readonly tid: number;
  readonly task: task_struct;
  readonly registers: UserRegisters;
  /** What it does when it next runs: set before it first does, by whoever made it. */
  code: ThreadCode<void> | null = null;
  /** What the code waits to have done. */
  pending: ThreadAction | null = null;
  /** Why user code stopped last. */
  stop: UserStop = { kind: 'interrupted' };
  readonly signals = new PendingSignals();
  alternateStack = NO_STACK;
  /** sigsuspend and ppoll: the mask to return to once signals have been delivered. */
  savedMask: bigint | null = null;
  /** CLONE_CHILD_CLEARTID. */
  clearChildTid = 0n;
  robustList = 0n;
  /** Its process ends, or executes another program. */
  killed = false;
  finished = false;
  /** Processors that it may run on, a bit each. */
  affinity = -1n;
  /** Where it is, or was last. */
  processor = 0;
  #blocked = 0n;

  constructor(userland: Userland, process: Process, tid: number, task: task_struct) {
    this.userland = userland;
    this.process = process;
    this.tid = tid;
    this.task = task;
    this.registers = userland.newRegisters();
  }

  /** The processor that it runs on now. It may be another after the thread has blocked. */
  get cpu(): number {
    return present(this.task.cpu, `the processor of thread ${this.tid}`);
  }

  /** The signals that it does not take now. */
  get blocked(): bigint {
    return this.#blocked;
  }

  set blocked(mask: bigint) {
    this.#blocked = mask & ~UNBLOCKABLE;
  }

  /** Whether something is to be done before user code goes on, or a wait is cut short. */
  get interrupted(): boolean {
    return this.killed || ((this.signals.set | this.process.signals.set) & ~this.#blocked) !== 0n;
  }

  get ready(): boolean {
    const { pending } = this;
    return !this.finished && (pending?.kind !== 'block' || this.#mayGoOn(pending.ready, pending.deadline));
  }

  #mayGoOn(ready: () => boolean, deadline: number | null): boolean {
    return ready() || (deadline !== null && this.userland.clock.now >= deadline);
  }
}
