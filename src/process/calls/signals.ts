/** System calls about signals. */
import { ERRNO, RESTART } from '../../arch/linux-errno.ts';
import { defaultAction, MINSIGSTKSZ, SI, SIG_IGN, SIGNAL, SIGNALS, SS } from '../../arch/linux-signal.ts';
import type { Process } from '../process.ts';
import { sendToProcess, sendToThread } from '../signals/deliver.ts';
import { onAlternateStack, popSignalFrame, readStack, writeStack } from '../signals/signal-frame.ts';
import { encodeSignalInfo } from '../signals/signal-info.ts';
import type { Thread } from '../thread.ts';
import { copyToUser, read64, readBytes, write64 } from '../user-memory.ts';
import { fromTimespec } from '../virtual-clock.ts';
import { type CallTable, int } from './call.ts';

const ACTION_BYTES = 32;
const SET_BYTES = 8n;
const STACK_BYTES = 24;
const HOW = { BLOCK: 0, UNBLOCK: 1, SETMASK: 2 } as const;

export const signalCalls: CallTable = {
  *rt_sigaction({ process }, [signalNumber, newAddress, oldAddress, setBytes]) {
    const signal = int(signalNumber);
    if (setBytes !== SET_BYTES || !isSignal(signal)) return -ERRNO.EINVAL;
    if (newAddress !== 0n && (signal === SIGNAL.SIGKILL || signal === SIGNAL.SIGSTOP)) return -ERRNO.EINVAL;
    const before = process.actions.get(signal);
    if (newAddress !== 0n) {
      const view = new DataView((yield* readBytes(newAddress, ACTION_BYTES)).buffer);
      const [handler, flags, restorer, mask] = [0, 8, 16, 24].map((at) => view.getBigUint64(at, true)) as [
        bigint,
        bigint,
        bigint,
        bigint,
      ];
      process.actions.set(signal, { handler, flags, restorer, mask });
      if (handler === SIG_IGN || (handler === 0n && defaultAction(signal) === 'ignore')) {
        process.signals.discard(signal);
        for (const { signals } of process.threads.values()) signals.discard(signal);
      }
    }
    if (oldAddress !== 0n) {
      const bytes = new Uint8Array(ACTION_BYTES);
      const view = new DataView(bytes.buffer);
      for (const [index, value] of [before.handler, before.flags, before.restorer, before.mask].entries()) {
        view.setBigUint64(8 * index, value, true);
      }
      yield* copyToUser(oldAddress, bytes);
    }
    return 0;
  },

  *rt_sigprocmask(thread, [how, newAddress, oldAddress, setBytes]) {
    if (setBytes !== SET_BYTES) return -ERRNO.EINVAL;
    const before = thread.blocked;
    if (newAddress !== 0n) {
      const set = yield* read64(newAddress);
      switch (int(how)) {
        case HOW.BLOCK:
          thread.blocked = before | set;
          break;
        case HOW.UNBLOCK:
          thread.blocked = before & ~set;
          break;
        case HOW.SETMASK:
          thread.blocked = set;
          break;
        default:
          return -ERRNO.EINVAL;
      }
    }
    if (oldAddress !== 0n) yield* write64(oldAddress, before);
    return 0;
  },

  *rt_sigpending(thread, [address]) {
    yield* write64(address, (thread.signals.set | thread.process.signals.set) & thread.blocked);
    return 0;
  },

  *rt_sigsuspend(thread, [address, setBytes]) {
    if (setBytes !== SET_BYTES) return -ERRNO.EINVAL;
    const mask = yield* read64(address);
    thread.savedMask = thread.blocked;
    thread.blocked = mask;
    yield { kind: 'block', ready: () => thread.interrupted, deadline: null };
    return -RESTART.ERESTARTNOHAND;
  },

  *pause(thread) {
    yield { kind: 'block', ready: () => thread.interrupted, deadline: null };
    return -RESTART.ERESTARTNOHAND;
  },

  *rt_sigtimedwait(thread, [setAddress, infoAddress, timeoutAddress, setBytes]) {
    if (setBytes !== SET_BYTES) return -ERRNO.EINVAL;
    const set = yield* read64(setAddress);
    const timeout = timeoutAddress === 0n ? null : fromTimespec(yield* readBytes(timeoutAddress, 16));
    const here = (): boolean => ((thread.signals.set | thread.process.signals.set) & set) !== 0n;
    const deadline = timeout === null ? null : thread.userland.clock.now + timeout;
    if (!here()) yield { kind: 'block', ready: () => here() || thread.interrupted, deadline };
    const info = thread.signals.take(~set) ?? thread.process.signals.take(~set);
    if (info === null) return thread.interrupted ? -ERRNO.EINTR : -ERRNO.EAGAIN;
    if (infoAddress !== 0n) yield* copyToUser(infoAddress, encodeSignalInfo(info));
    return info.signal;
  },

  *rt_sigreturn(thread) {
    yield* popSignalFrame(thread);
    return null;
  },

  *sigaltstack(thread, [newAddress, oldAddress]) {
    const before = thread.alternateStack;
    const on = onAlternateStack(thread);
    if (newAddress !== 0n) {
      if (on) return -ERRNO.EPERM;
      const stack = readStack(new DataView((yield* readBytes(newAddress, STACK_BYTES)).buffer), 0);
      if ((stack.flags & ~SS.SS_DISABLE) !== 0) return -ERRNO.EINVAL;
      if (stack.flags === SS.SS_DISABLE) thread.alternateStack = { address: 0n, size: 0n, flags: SS.SS_DISABLE };
      else if (stack.size < MINSIGSTKSZ) return -ERRNO.ENOMEM;
      else thread.alternateStack = stack;
    }
    if (oldAddress !== 0n) {
      const bytes = new Uint8Array(STACK_BYTES);
      const flags = before.flags === SS.SS_DISABLE ? SS.SS_DISABLE : on ? SS.SS_ONSTACK : 0;
      writeStack(new DataView(bytes.buffer), 0, { ...before, flags });
      yield* copyToUser(oldAddress, bytes);
    }
    return 0;
  },

  kill: (thread, [pid, signalNumber]) => {
    const signal = int(signalNumber);
    if (signal !== 0 && !isSignal(signal)) return -ERRNO.EINVAL;
    const targets = targetsOf(thread, int(pid));
    if (targets.length === 0) return -ERRNO.ESRCH;
    const sender = { pid: thread.process.pid, uid: 0 };
    if (signal !== 0) for (const target of targets) sendToProcess(target, { signal, code: SI.SI_USER, sender });
    return 0;
  },

  tgkill: (thread, [group, tid, signalNumber]) => sendTo(thread, int(tid), int(signalNumber), int(group)),
  tkill: (thread, [tid, signalNumber]) => sendTo(thread, int(tid), int(signalNumber), null),
};

function sendTo(thread: Thread, tid: number, signal: number, group: number | null): number {
  const target = thread.userland.thread(tid);
  if (signal !== 0 && !isSignal(signal)) return -ERRNO.EINVAL;
  if (target === null || (group !== null && target.process.pid !== group)) return -ERRNO.ESRCH;
  const sender = { pid: thread.process.pid, uid: 0 };
  if (signal !== 0) sendToThread(target, { signal, code: SI.SI_TKILL, sender });
  return 0;
}

function targetsOf({ userland, process }: Thread, pid: number): Process[] {
  const all = [...userland.processes.values()];
  if (pid > 0) return all.filter((each) => each.pid === pid);
  if (pid === -1) return all.filter((each) => each !== process);
  const group = pid === 0 ? process.group : -pid;
  return all.filter((each) => each.group === group);
}

function isSignal(number: number): boolean {
  return number >= 1 && number <= SIGNALS;
}
