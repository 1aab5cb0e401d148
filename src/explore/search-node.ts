/**
 * One state on the path of the reduced search: which steps are possible, which of them the search owes (by thread: a
 * thread that is owed has all its steps explored), and which sleep because everything that begins with them is covered.
 */
import { GrowingSet } from './bit-set.ts';

export class SearchNode {
  /** Actions, in the system's order. */
  readonly enabled: number[] = [];
  readonly blocked: number[] = [];
  /** Parallel to `enabled`: 1 where explored already. */
  readonly done: number[] = [];
  /** Events, and parallel to them their actions. */
  readonly sleep: number[] = [];
  readonly asleep: number[] = [];
  /** By thread. */
  readonly owed: Uint8Array;
  /** The step taken from here, an index into `enabled`; -1 before the first. */
  choice = -1;
  /** The event that it was. */
  event = -1;
  /** All that may be needed is owed already, or is another part's: races ask nothing of this state. */
  closed = false;
  /** Whether the state is to be remembered, and as what: the fingerprint, and the permutation that made it canonical. */
  remembered = false;
  low = 0;
  high = 0;
  permutation = 0;
  /** The sleep set on arrival, as a number of the set pool, renamed by the permutation. */
  sleepOnArrival = 0;
  /** Every event taken, or found disabled, below. */
  readonly summary = new GrowingSet();

  constructor(threads: number) {
    this.owed = new Uint8Array(threads);
  }

  reset(): void {
    this.enabled.length = 0;
    this.blocked.length = 0;
    this.done.length = 0;
    this.sleep.length = 0;
    this.asleep.length = 0;
    this.owed.fill(0);
    this.choice = -1;
    this.event = -1;
    this.closed = false;
    this.remembered = false;
    this.summary.clear();
  }

  /** The action that was taken. */
  get chosen(): number {
    return this.enabled[this.choice] as number;
  }

  putToSleep(event: number, action: number): void {
    this.sleep.push(event);
    this.asleep.push(action);
  }

  /** The index of the next step to take from here, or -1. `threadOf` tells the thread of an action. */
  next(threadOf: (action: number) => number): number {
    for (let index = 0; index < this.enabled.length; index++) {
      if (this.done[index] === 1) continue;
      const action = this.enabled[index] as number;
      if (this.owed[threadOf(action)] === 1 && !this.asleep.includes(action)) return index;
    }
    return -1;
  }
}
