/**
 * The happens-before order of one execution, as vector clocks: event e comes before event f if they are of one thread or
 * dependent and e was first, and so on transitively. Events are numbered by their place in the schedule; the clock of an
 * event holds, for each thread, one more than the last event of that thread that is not after it. Grows and shrinks at
 * its end, as a depth-first search does.
 */
import { assert } from '../base/assert.ts';
import type { Alphabet } from './alphabet.ts';

export class HappensBefore<Step> {
  readonly threads: number;
  readonly #alphabet: Alphabet<Step>;
  #length = 0;
  /** For each event: its step, and the event of the same thread before it, or -1. */
  readonly #steps: number[] = [];
  readonly #threadOf: number[] = [];
  readonly #previous: number[] = [];
  #clocks: Int32Array;
  readonly #last: Int32Array;

  constructor(alphabet: Alphabet<Step>, threads: number) {
    this.#alphabet = alphabet;
    this.threads = threads;
    this.#clocks = new Int32Array(threads * 64);
    this.#last = new Int32Array(threads).fill(-1);
  }

  get length(): number {
    return this.#length;
  }

  step(event: number): number {
    return this.#steps[event] as number;
  }

  thread(event: number): number {
    return this.#threadOf[event] as number;
  }

  /** Whether the earlier event comes before the later one. */
  before(earlier: number, later: number): boolean {
    return (this.#clocks[later * this.threads + this.thread(earlier)] as number) > earlier;
  }

  /** The last event of a thread, or -1. */
  last(thread: number): number {
    return this.#last[thread] as number;
  }

  /** Into `clock`: what comes before the next step of a thread by the thread's own events. */
  threadClock(thread: number, clock: Int32Array): void {
    const last = this.last(thread);
    if (last === -1) clock.fill(0);
    else this.#copy(last, clock);
  }

  /** Raises `clock` to include the event and everything before it. */
  join(clock: Int32Array, event: number): void {
    const base = event * this.threads;
    for (let thread = 0; thread < this.threads; thread++) {
      const entry = this.#clocks[base + thread] as number;
      if (entry > (clock[thread] as number)) clock[thread] = entry;
    }
  }

  /** Into `clock`: what would come before the step if it were taken next. */
  stepClock(step: number, clock: Int32Array): void {
    this.threadClock(this.#alphabet.thread(step), clock);
    for (let event = this.#length - 1; event >= 0; event--) {
      if ((clock[this.thread(event)] as number) > event) continue;
      if (this.#alphabet.dependent(this.step(event), step)) this.join(clock, event);
    }
  }

  /** Adds the step as the last event, with the clock that `stepClock` gave. */
  push(step: number, clock: Int32Array): void {
    const event = this.#length++;
    const thread = this.#alphabet.thread(step);
    const base = event * this.threads;
    if (base + this.threads > this.#clocks.length) {
      const grown = new Int32Array(this.#clocks.length * 2);
      grown.set(this.#clocks);
      this.#clocks = grown;
    }
    this.#steps[event] = step;
    this.#threadOf[event] = thread;
    this.#previous[event] = this.last(thread);
    for (let other = 0; other < this.threads; other++) this.#clocks[base + other] = clock[other] as number;
    this.#clocks[base + thread] = event + 1;
    this.#last[thread] = event;
  }

  pop(): void {
    assert(this.#length > 0, 'an event to take back');
    const event = --this.#length;
    this.#last[this.thread(event)] = this.#previous[event] as number;
  }

  #copy(event: number, clock: Int32Array): void {
    const base = event * this.threads;
    for (let thread = 0; thread < this.threads; thread++) clock[thread] = this.#clocks[base + thread] as number;
  }
}
