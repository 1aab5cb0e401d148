/** The life of a thread: user code, and between its stretches what the kernel does for it. */
import { ERRNO, RESTART } from '../arch/linux-errno.ts';
import { SI, SIGNAL } from '../arch/linux-signal.ts';
import { Segfault } from '../kernel/hardware.ts';
import { systemCallHandler } from './calls/table.ts';
import { exitThread } from './exit.ts';
import { systemCallName } from '../arch/linux-calls.ts';
import type { ThreadCode, UserStop } from './program-code.ts';
import { deliverSignals, forceSignal, type InterruptedCall } from './signals/deliver.ts';
import { simdErrorCode, x87ErrorCode } from './signals/floating-point-error.ts';
import type { SignalInfo } from './signals/signal-info.ts';
import type { Thread } from './thread.ts';
import { general, R10, R8, R9, RAX, RDI, RDX, RSI } from './user-registers.ts';

/** `begin` comes before the first instruction; false: the thread ends there. */
export function* live(thread: Thread, begin: ThreadCode<boolean> | null): ThreadCode<void> {
  let alive = (begin === null || (yield* begin)) && (yield* deliverSignals(thread, null));
  while (alive) {
    yield { kind: 'user-code' };
    const interrupted = yield* serve(thread, thread.stop);
    alive = !thread.killed && (!mustLook(thread, interrupted) || (yield* deliverSignals(thread, interrupted)));
  }
  yield* exitThread(thread);
}

function mustLook(thread: Thread, interrupted: InterruptedCall | null): boolean {
  return thread.interrupted || thread.savedMask !== null || interrupted !== null;
}

function* serve(thread: Thread, stop: UserStop): ThreadCode<InterruptedCall | null> {
  switch (stop.kind) {
    case 'interrupted':
      return null;
    case 'exception':
      yield* serveException(thread, stop);
      return null;
    case 'system-call':
      return yield* serveSystemCall(thread);
  }
}

function* serveSystemCall(thread: Thread): ThreadCode<InterruptedCall | null> {
  const { registers, userland } = thread;
  const number = general(registers, RAX);
  userland.counts.systemCalls++;
  const name = systemCallName(Number(number & 0xffff_ffffn));
  const handler = systemCallHandler(name);
  let result: bigint | number | null;
  if (handler === null) {
    userland.counts.missing.set(name, (userland.counts.missing.get(name) ?? 0) + 1);
    result = -ERRNO.ENOSYS;
  } else {
    const args = [RDI, RSI, RDX, R10, R8, R9].map((register) => general(registers, register));
    try {
      const outcome = handler(thread, args as [bigint, bigint, bigint, bigint, bigint, bigint]);
      result = isCode(outcome) ? yield* outcome : outcome;
    } catch (error) {
      if (!(error instanceof Segfault)) throw error;
      result = -ERRNO.EFAULT;
    }
  }
  // The registers are another program's, or a signal frame's.
  if (result === null) return null;
  const value = BigInt(result);
  if (value === BigInt(-RESTART.ERESTARTSYS)) return { number, why: RESTART.ERESTARTSYS };
  if (value === BigInt(-RESTART.ERESTARTNOHAND)) return { number, why: RESTART.ERESTARTNOHAND };
  registers.general[RAX] = BigInt.asUintN(64, value);
  return null;
}

function isCode<T extends object>(outcome: T | bigint | number | null): outcome is T {
  return typeof outcome === 'object' && outcome !== null;
}

type ExceptionStop = Extract<UserStop, { kind: 'exception' }>;

const PAGE_FAULT = 14;

function* serveException(thread: Thread, stop: ExceptionStop): ThreadCode<void> {
  const { kernel } = thread.userland;
  if (stop.vector === PAGE_FAULT) {
    if (yield* kernel.page_fault(thread.cpu, stop.address, stop.errorCode)) return;
    const mapped = kernel.find_vma(thread.process.mm, stop.address) !== null;
    const code = mapped ? SI.SEGV_ACCERR : SI.SEGV_MAPERR;
    forceSignal(thread, { signal: SIGNAL.SIGSEGV, code, address: stop.address, trap: stop });
    return;
  }
  forceSignal(thread, { ...signalOf(thread, stop.vector), trap: stop });
}

/** What Linux makes of an exception in user code (SDM 3A 6.15). */
function signalOf({ registers }: Thread, vector: number): SignalInfo {
  const address = registers.rip;
  switch (vector) {
    case 0:
      return { signal: SIGNAL.SIGFPE, code: SI.FPE_INTDIV, address };
    case 1:
      return { signal: SIGNAL.SIGTRAP, code: SI.TRAP_TRACE, address };
    case 3:
      return { signal: SIGNAL.SIGTRAP, code: SI.SI_KERNEL };
    case 6:
      return { signal: SIGNAL.SIGILL, code: SI.ILL_ILLOPN, address };
    case 12:
      return { signal: SIGNAL.SIGBUS, code: SI.SI_KERNEL };
    case 16:
      return { signal: SIGNAL.SIGFPE, code: x87ErrorCode(registers), address };
    case 19:
      return { signal: SIGNAL.SIGFPE, code: simdErrorCode(registers), address };
    case 17:
      return { signal: SIGNAL.SIGBUS, code: SI.BUS_ADRALN };
    default:
      return { signal: SIGNAL.SIGSEGV, code: SI.SI_KERNEL, address: 0n };
  }
}
