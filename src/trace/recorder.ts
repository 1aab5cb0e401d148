/** Keeps events with their times: all of them, or the last so many. */
import { assert } from '../base/assert.ts';
import type { MachineEvent } from '../event/event.ts';
import type { Observer } from '../event/stream.ts';
import type { TimedEvent } from './timed-event.ts';

export class Recorder {
  readonly #limit: number;
  /** A ring once it is full: `#next` is the oldest. */
  readonly #kept: TimedEvent[] = [];
  #next = 0;
  #dropped = 0;

  constructor({ limit = Number.POSITIVE_INFINITY }: { readonly limit?: number } = {}) {
    assert(limit >= 1, 'a recorder keeps at least one event');
    this.#limit = limit;
  }

  readonly observe: Observer = (event: MachineEvent, time: number): void => {
    if (this.#kept.length < this.#limit) {
      this.#kept.push({ time, event });
      return;
    }
    this.#kept[this.#next] = { time, event };
    this.#next = (this.#next + 1) % this.#kept.length;
    this.#dropped++;
  };

  /** What is kept, oldest first: a copy. */
  events(): TimedEvent[] {
    return [...this.#kept.slice(this.#next), ...this.#kept.slice(0, this.#next)];
  }

  /** How many events were let go to keep within the limit. */
  get dropped(): number {
    return this.#dropped;
  }
}
