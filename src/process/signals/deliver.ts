/** Sending signals, and what a thread does about them before it goes back to user code. */
import { ERRNO, RESTART } from '../../arch/linux-errno.ts';
import { defaultAction, SA, SI, SIG_DFL, SIG_IGN, SIGNAL } from '../../arch/linux-signal.ts';
import { Segfault } from '../../kernel/hardware.ts';
import { endProcess } from '../exit.ts';
import type { Process } from '../process.ts';
import type { ThreadCode } from '../program-code.ts';
import type { Thread } from '../thread.ts';
import { RAX } from '../user-registers.ts';
import { DEFAULT_ACTION } from './signal-actions.ts';
import { pushSignalFrame } from './signal-frame.ts';
import { type SignalInfo, signalBit } from './signal-info.ts';

/** Length of SYSCALL: to make a call again, a thread goes back over it. */
const SYSCALL_BYTES = 2n;

export function sendToProcess(process: Process, info: SignalInfo): void {
  const blocked = [...process.threads.values()].every((thread) => (thread.blocked & signalBit(info.signal)) !== 0n);
  if (process.ending === null && (blocked || !isIgnored(process, info.signal))) process.signals.add(info);
}

export function sendToThread(thread: Thread, info: SignalInfo): void {
  const blocked = (thread.blocked & signalBit(info.signal)) !== 0n;
  if (blocked || !isIgnored(thread.process, info.signal)) thread.signals.add(info);
}

/** A fault of the thread's own: it cannot go on without taking the signal. */
export function forceSignal(thread: Thread, info: SignalInfo): void {
  const { actions } = thread.process;
  const bit = signalBit(info.signal);
  if ((thread.blocked & bit) !== 0n || actions.get(info.signal).handler === SIG_IGN) {
    actions.set(info.signal, DEFAULT_ACTION);
    thread.blocked &= ~bit;
  }
  thread.signals.add(info);
}

/** A system call that a signal cut short, to be made again or not. */
export interface InterruptedCall {
  readonly number: bigint;
  /** ERESTARTSYS or ERESTARTNOHAND. */
  readonly why: number;
}

/** Takes every signal that the thread does not block. False: the process ends. */
export function* deliverSignals(thread: Thread, call: InterruptedCall | null): ThreadCode<boolean> {
  const { process, registers } = thread;
  let interrupted = call;
  for (;;) {
    if (thread.killed) return false;
    const info = thread.signals.take(thread.blocked) ?? process.signals.take(thread.blocked);
    if (info === null) break;
    const action = process.actions.get(info.signal);
    if (action.handler === SIG_IGN) continue;
    if (action.handler === SIG_DFL) {
      if (defaultAction(info.signal) !== 'terminate') continue;
      endProcess(process, { kind: 'killed', signal: info.signal });
      return false;
    }
    thread.userland.counts.signals++;
    if (interrupted !== null) {
      const again = interrupted.why === RESTART.ERESTARTSYS && (action.flags & BigInt(SA.SA_RESTART)) !== 0n;
      if (again) makeAgain(thread, interrupted);
      else registers.general[RAX] = BigInt.asUintN(64, BigInt(-ERRNO.EINTR));
      interrupted = null;
    }
    if ((action.flags & BigInt(SA.SA_RESETHAND)) !== 0n) process.actions.set(info.signal, DEFAULT_ACTION);
    try {
      yield* pushSignalFrame(thread, action, info);
    } catch (error) {
      if (!(error instanceof Segfault)) throw error;
      process.actions.set(SIGNAL.SIGSEGV, DEFAULT_ACTION);
      forceSignal(thread, { signal: SIGNAL.SIGSEGV, code: SI.SI_KERNEL, address: error.address });
    }
  }
  if (interrupted !== null) makeAgain(thread, interrupted);
  if (thread.savedMask !== null) {
    thread.blocked = thread.savedMask;
    thread.savedMask = null;
  }
  return true;
}

function makeAgain({ registers }: Thread, { number }: InterruptedCall): void {
  registers.rip = BigInt.asUintN(64, registers.rip - SYSCALL_BYTES);
  registers.general[RAX] = number;
}

function isIgnored(process: Process, signal: number): boolean {
  const { handler } = process.actions.get(signal);
  return handler === SIG_IGN || (handler === SIG_DFL && defaultAction(signal) !== 'terminate');
}
