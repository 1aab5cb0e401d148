/** Signals on their way: what siginfo tells of each, and the sets that wait for a thread or a process. */
import { FIRST_REALTIME_SIGNAL, SIGNALS } from '../../arch/linux-signal.ts';

export interface SignalInfo {
  readonly signal: number;
  /** si_code. */
  readonly code: number;
  /** si_addr of a fault. */
  readonly address?: bigint;
  /** Of kill and SIGCHLD. */
  readonly sender?: { readonly pid: number; readonly uid: number };
  /** Of SIGCHLD: exit status or signal. */
  readonly status?: number;
  /** Of rt_sigqueueinfo. */
  readonly value?: bigint;
  /** What the processor said of an exception, for the context. */
  readonly trap?: { readonly vector: number; readonly errorCode: number; readonly address: bigint };
}

const SIGINFO_BYTES = 128;

/** siginfo_t. */
export function encodeSignalInfo({ signal, code, address, sender, status, value }: SignalInfo): Uint8Array {
  const bytes = new Uint8Array(SIGINFO_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, signal, true);
  view.setInt32(8, code, true);
  if (address !== undefined) view.setBigUint64(16, BigInt.asUintN(64, address), true);
  if (sender !== undefined) {
    view.setInt32(16, sender.pid, true);
    view.setUint32(20, sender.uid, true);
  }
  if (status !== undefined) view.setInt32(24, status, true);
  if (value !== undefined) view.setBigUint64(24, value, true);
  return bytes;
}

/** A set of signals as the kernel has it: bit n - 1 is signal n. */
export function signalBit(signal: number): bigint {
  return 1n << BigInt(signal - 1);
}

/** Of a signal below SIGRTMIN only the first that comes is kept; of the others each. */
export class PendingSignals {
  readonly #waiting: SignalInfo[] = [];
  #set = 0n;

  get set(): bigint {
    return this.#set;
  }

  add(info: SignalInfo): void {
    if (info.signal < FIRST_REALTIME_SIGNAL && (this.#set & signalBit(info.signal)) !== 0n) return;
    this.#waiting.push(info);
    this.#set |= signalBit(info.signal);
  }

  /** The first of the lowest signal that `blocked` does not hold back. */
  take(blocked: bigint): SignalInfo | null {
    if ((this.#set & ~blocked) === 0n) return null;
    for (let signal = 1; signal <= SIGNALS; signal++) {
      if ((this.#set & ~blocked & signalBit(signal)) !== 0n) return this.#remove(signal);
    }
    return null;
  }

  discard(signal: number): void {
    while ((this.#set & signalBit(signal)) !== 0n) this.#remove(signal);
  }

  #remove(signal: number): SignalInfo | null {
    const index = this.#waiting.findIndex((info) => info.signal === signal);
    const [info] = this.#waiting.splice(index, 1);
    if (!this.#waiting.some((other) => other.signal === signal)) this.#set &= ~signalBit(signal);
    return info ?? null;
  }
}
