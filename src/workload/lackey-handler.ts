/** What a recorded trace consists of, in the order of the recording; the reader calls, a replayer implements. */
import type { PageNumber } from '../arch/address.ts';

/** The code of a memory line: instruction fetch, load, store, or load and store of one instruction. */
export const ACCESS_KINDS = { fetch: 0, load: 1, store: 2, modify: 3 } as const;
export type AccessKind = (typeof ACCESS_KINDS)[keyof typeof ACCESS_KINDS];

export type SystemCallResult =
  | { readonly ok: true; readonly value: bigint }
  | { readonly ok: false; readonly errno: number };

/** A system call that returned. It is reported when it returns: other threads may have run since it was made. */
export interface SystemCallRecord {
  readonly pid: number;
  /** The recorder's thread index: counts from 1 in each process and is used again after a thread has ended. */
  readonly tid: number;
  readonly number: number;
  readonly name: string;
  /** The arguments up to the first that is not an unsigned number. */
  readonly args: readonly bigint[];
  readonly result: SystemCallResult;
  /** Line of the call, counted from 1. */
  readonly line: number;
}

export interface LackeyHandler {
  /**
   * One access of the running thread: `size` bytes, 1 to 4096, at byte `offset` of `page`; it reaches into the next page
   * when `offset + size > 4096`.
   */
  access(kind: AccessKind, page: PageNumber, offset: number, size: number): void;
  /** From here on accesses are made by this thread. Called on each change. */
  thread(pid: number, tid: number): void;
  /**
   * The running thread made a call that lets others run meanwhile, whether or not it waits for anything; `thread` comes
   * again when it goes on.
   */
  blocked(call: Omit<SystemCallRecord, 'result'>): void;
  /** The thread has ended. The last one of a process ends the process. */
  threadExit(pid: number, tid: number): void;
  /** Thread `tid` of process `parent` created process `child`; comes before anything the child does. */
  fork(parent: number, child: number, tid: number): void;
  systemCall(record: SystemCallRecord): void;
}
