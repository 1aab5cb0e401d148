/** What a process does about each signal (struct sigaction), shared by its threads. */
import { SIG_DFL, SIG_IGN } from '../../arch/linux-signal.ts';

export interface SignalAction {
  readonly handler: bigint;
  readonly flags: bigint;
  readonly restorer: bigint;
  /** Blocked while the handler runs. */
  readonly mask: bigint;
}

export const DEFAULT_ACTION: SignalAction = { handler: SIG_DFL, flags: 0n, restorer: 0n, mask: 0n };

export class SignalActions {
  readonly #actions = new Map<number, SignalAction>();

  get(signal: number): SignalAction {
    return this.#actions.get(signal) ?? DEFAULT_ACTION;
  }

  set(signal: number, action: SignalAction): void {
    this.#actions.set(signal, action);
  }

  copy(): SignalActions {
    const copy = new SignalActions();
    for (const [signal, action] of this.#actions) copy.set(signal, action);
    return copy;
  }

  /** execve: handlers are gone, what is ignored stays ignored. */
  exec(): void {
    for (const [signal, { handler }] of this.#actions) if (handler !== SIG_IGN) this.#actions.delete(signal);
  }
}
