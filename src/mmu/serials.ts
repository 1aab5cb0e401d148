/** Names for cached translations and walks: unique in a run, increasing with time. One of these for all processors. */
export class Serials {
  #last = 0;

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}
