/**
 * Puts the messages of a trace together: who runs, which call a result belongs to, which process is whose child.
 *
 * A result printed alone belongs to the call printed last. `Success(0x0)` alone is how a new child speaks first: it is
 * the child's own return from the fork. A call that a signal interrupts has no result and is forgotten. An execve has a
 * result only when it fails; anything else after it means that it succeeded.
 */

import { CLONE, SYSTEM_CALL } from '../arch/linux-abi.ts';
import { unreachable } from '../base/assert.ts';
import { InputError } from '../base/errors.ts';
import type { LackeyHandler, SystemCallRecord, SystemCallResult } from './lackey-handler.ts';
import type { LackeyMessage } from './lackey-messages.ts';

type Call = Omit<SystemCallRecord, 'result'>;

export class LackeyCalls {
  readonly #file: string;
  readonly #handler: LackeyHandler;
  readonly #processes = new Set<number>();
  /** Processes whose creation was printed and that have not spoken yet, oldest first. */
  readonly #newborn: { readonly pid: number; readonly tid: number }[] = [];
  /** Forks without a result yet, by parent. */
  readonly #forking = new Map<number, { readonly call: Call; childKnown: boolean }>();
  /** Calls that blocked, by thread and call number. */
  readonly #blocked = new Map<string, Call>();
  /** The call whose result comes next. */
  #open: Call | null = null;
  /** 0: nobody runs, or nobody has said so. */
  #pid = 0;
  #tid = 0;

  constructor(file: string, handler: LackeyHandler) {
    this.#file = file;
    this.#handler = handler;
  }

  /** Whether it is known who makes the next access. */
  get running(): boolean {
    return this.#pid !== 0;
  }

  take(message: LackeyMessage, line: number): void {
    if (message.kind !== 'result') this.#execveSucceeded();
    switch (message.kind) {
      case 'call': {
        const { pid, tid, number, name, args } = message;
        this.#runs(pid, tid, line);
        this.#open = { pid, tid, number, name, args, line };
        if (isFork(this.#open)) this.#forking.set(pid, { call: this.#open, childKnown: false });
        return;
      }
      case 'blocks':
        if (this.#open !== null) {
          this.#blocked.set(key(this.#open), this.#open);
          this.#handler.blocked(this.#open);
          this.#pid = 0;
        }
        this.#open = null;
        return;
      case 'returned': {
        this.#runs(message.pid, message.tid, line);
        const call = this.#blocked.get(key(message));
        if (call === undefined)
          throw this.#error(
            `result of call ${message.number}, which thread ${message.pid},${message.tid} has not made`,
            line,
          );
        this.#blocked.delete(key(message));
        this.#report(call, message.result);
        return;
      }
      case 'result':
        this.#result(message.result);
        return;
      case 'child':
        this.#child(message.parent, message.child, line);
        return;
      case 'runs':
        this.#runs(message.pid, message.tid, line);
        return;
      case 'stops':
        return;
      case 'exits':
        this.#runs(message.pid, message.tid, line);
        this.#handler.threadExit(message.pid, message.tid);
        this.#pid = 0;
        return;
      default:
        unreachable(message);
    }
  }

  end(): void {
    this.#execveSucceeded();
  }

  #result(result: SystemCallResult | null): void {
    const call = this.#open;
    const zero = result?.ok === true && result.value === 0n;
    if (zero && (call === null || isFork(call))) {
      const child = this.#newborn.shift();
      if (child !== undefined) this.#switchTo(child.pid, child.tid);
      return;
    }
    if (call === null) return;
    this.#open = null;
    this.#forking.delete(call.pid);
    this.#report(call, result);
  }

  #child(parent: number, child: number, line: number): void {
    const fork = this.#forking.get(parent);
    if (fork === undefined) {
      throw this.#error(`process ${parent} created process ${child} without a call that forks`, line);
    }
    this.#open = fork.call;
    if (this.#processes.has(child)) return;
    this.#born(fork, child);
    this.#newborn.push({ pid: child, tid: fork.call.tid });
  }

  #born(fork: { readonly call: Call; childKnown: boolean }, child: number): void {
    fork.childKnown = true;
    this.#processes.add(child);
    this.#handler.fork(fork.call.pid, child, fork.call.tid);
  }

  #runs(pid: number, tid: number, line: number): void {
    if (pid === this.#pid && tid === this.#tid) return;
    if (!this.#processes.has(pid)) {
      const fork = [...this.#forking.values()].find((candidate) => !candidate.childKnown);
      if (fork !== undefined) this.#born(fork, pid);
      else if (this.#processes.size === 0) this.#processes.add(pid);
      else throw this.#error(`process ${pid} appears, and no process of the trace created it`, line);
    }
    const newborn = this.#newborn.findIndex((child) => child.pid === pid);
    if (newborn >= 0) this.#newborn.splice(newborn, 1);
    this.#switchTo(pid, tid);
  }

  #switchTo(pid: number, tid: number): void {
    this.#pid = pid;
    this.#tid = tid;
    this.#handler.thread(pid, tid);
  }

  #execveSucceeded(): void {
    const call = this.#open;
    if (call?.number !== SYSTEM_CALL.execve && call?.number !== SYSTEM_CALL.execveat) return;
    this.#open = null;
    this.#report(call, { ok: true, value: 0n });
  }

  #report(call: Call, result: SystemCallResult | null): void {
    if (result !== null) this.#handler.systemCall({ ...call, result });
  }

  #error(message: string, line: number): InputError {
    return new InputError(message, { file: this.#file, line });
  }
}

function key({ pid, tid, number }: { readonly pid: number; readonly tid: number; readonly number: number }): string {
  return `${pid},${tid},${number}`;
}

/** Whether the call makes a process, not a thread. The recorder turns a vfork into a fork: the child gets a copy. */
function isFork({ number, args }: Call): boolean {
  if (number === SYSTEM_CALL.fork || number === SYSTEM_CALL.vfork) return true;
  return number === SYSTEM_CALL.clone && (Number(args[0] ?? 0n) & CLONE.CLONE_THREAD) === 0;
}
