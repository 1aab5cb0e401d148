/** How threads and processes end: what they owe to those who wait for them, and who inherits their children. */
import { linearAddress } from '../arch/address.ts';
import { SA, SI, SIG_IGN, SIGNAL } from '../arch/linux-signal.ts';
import { Segfault } from '../kernel/hardware.ts';
import { futexKey } from './futex.ts';
import type { Ending, Process } from './process.ts';
import type { ThreadCode } from './program-code.ts';
import { sendToProcess } from './signals/deliver.ts';
import type { Thread } from './thread.ts';
import { read32, read64, write32 } from './user-memory.ts';

/** exit_group, or a signal that nobody handles: every thread goes as soon as it can. */
export function endProcess(process: Process, ending: Ending): void {
  process.ending ??= ending;
  for (const thread of process.threads.values()) thread.killed = true;
}

/** The last that a thread does. */
export function* exitThread(thread: Thread): ThreadCode<void> {
  const { userland, process } = thread;
  yield* exitRobustList(thread);
  if (thread.clearChildTid !== 0n) {
    try {
      yield* write32(thread.clearChildTid, 0);
      userland.futexes.wake(futexKey(userland.kernel, process.mm, thread.clearChildTid), 1);
    } catch (error) {
      if (!(error instanceof Segfault)) throw error;
    }
  }
  // The others may be on their way out too: the last to come here closes the files, the last to leave ends the process.
  if (--process.live === 0) process.files.leave();
  yield* userland.kernel.exit_task(thread.cpu, thread.task);
  userland.removeThread(thread);
  thread.finished = true;
  if (process.threads.size === 0) leaveProcess(process, thread);
}

const OWNER_DIED = 0x4000_0000;
const WAITERS = 0x8000_0000;
const TID_MASK = 0x3fff_ffff;
const ROBUST_LIST_LIMIT = 2048;

/** Marks the locks that the thread holds and wakes one waiter each (set_robust_list). What the list says is the program's. */
function* exitRobustList(thread: Thread): ThreadCode<void> {
  const head = thread.robustList;
  if (head === 0n) return;
  try {
    const offset = BigInt.asIntN(64, yield* read64(head + 8n));
    const pending = yield* read64(head + 16n);
    let entry = yield* read64(head);
    for (let count = 0; entry !== head && count < ROBUST_LIST_LIMIT; count++) {
      const next = yield* read64(entry & ~1n);
      if (entry !== pending) yield* releaseRobust(thread, (entry & ~1n) + offset);
      entry = next;
    }
    if (pending !== 0n) yield* releaseRobust(thread, (pending & ~1n) + offset);
  } catch (error) {
    if (!(error instanceof Segfault)) throw error;
  }
}

function* releaseRobust(thread: Thread, address: bigint): ThreadCode<void> {
  const { userland, process, tid } = thread;
  if ((address & 3n) !== 0n) return;
  const word = yield* read32(address);
  if ((word & TID_MASK) !== tid) return;
  yield {
    kind: 'user-locked',
    address: linearAddress(address),
    modify: (before) => ((before & TID_MASK) === tid ? ((before & WAITERS) | OWNER_DIED) >>> 0 : null),
  };
  if ((word & WAITERS) !== 0) userland.futexes.wake(futexKey(userland.kernel, process.mm, address), 1);
}

function leaveProcess(process: Process, { userland }: Thread): void {
  const ending = process.ending ?? { kind: 'exited', status: process.lastStatus };
  process.ending = ending;
  process.releasedMemory = true;
  process.zombie = true;
  for (const child of [...process.children]) {
    child.parent = null;
    process.children.delete(child);
    if (child.zombie) reap(userland, child);
  }
  const { parent } = process;
  if (process === userland.first) userland.firstEnding = ending;
  if (parent === null) {
    reap(userland, process);
    return;
  }
  notify(parent, process, ending);
  const { handler, flags } = parent.actions.get(SIGNAL.SIGCHLD);
  if (handler === SIG_IGN || (flags & BigInt(SA.SA_NOCLDWAIT)) !== 0n) reap(userland, process);
}

function notify(parent: Process, { pid, exitSignal }: Process, ending: Ending): void {
  if (exitSignal === 0) return;
  const exited = ending.kind === 'exited';
  sendToProcess(parent, {
    signal: exitSignal,
    code: exited ? SI.CLD_EXITED : SI.CLD_KILLED,
    sender: { pid, uid: 0 },
    status: exited ? ending.status : ending.signal,
  });
}

/** Somebody has taken note of the end, or nobody is there who could. */
export function reap({ processes }: Thread['userland'], process: Process): void {
  processes.delete(process.pid);
  process.parent?.children.delete(process);
  process.parent = null;
}
