/**
 * The open slices of one track, kept nested. What happens on a processor need not nest: a task leaves in the middle of
 * an operation and comes back elsewhere. A slice that ends under others closes them with itself, and they open again.
 */
import type { Mark, Track, TrackEventWriter } from './track-events.ts';

interface OpenSlice {
  readonly key: string;
  readonly mark: Mark;
}

export class NestedSlices {
  readonly #writer: TrackEventWriter;
  readonly #track: Track;
  readonly #open: OpenSlice[] = [];

  constructor(writer: TrackEventWriter, track: Track) {
    this.#writer = writer;
    this.#track = track;
  }

  /** The key names the slice for its end. */
  begin(key: string, time: number, mark: Mark): void {
    this.#writer.begin(this.#track, time, mark);
    this.#open.push({ key, mark });
  }

  /** Ends the youngest slice of that key. Nothing happens if none is open: it began before anyone listened. */
  end(key: string, time: number): void {
    const index = this.#open.findLastIndex((slice) => slice.key === key);
    if (index < 0) return;
    const [, ...above] = this.#closeFrom(index, time);
    this.#reopen(above, time);
  }

  /** Makes this the lowest slice, in place of the one of the same key, and leaves all others open. */
  beginLowest(key: string, time: number, mark: Mark): void {
    const others = this.#closeFrom(0, time).filter((slice) => slice.key !== key);
    this.begin(key, time, mark);
    this.#reopen(others, time);
  }

  endAll(time: number): void {
    this.#closeFrom(0, time);
  }

  /** Ends the slices from this depth up, and returns them, the oldest first. */
  #closeFrom(depth: number, time: number): OpenSlice[] {
    const closed = this.#open.splice(depth);
    for (let count = 0; count < closed.length; count++) this.#writer.end(this.#track, time);
    return closed;
  }

  /** Flows belong to the first piece of a slice alone. */
  #reopen(slices: readonly OpenSlice[], time: number): void {
    for (const { key, mark } of slices) {
      const { flows: _, flowsEnding: __, ...plain } = mark;
      this.begin(key, time, plain);
    }
  }
}
