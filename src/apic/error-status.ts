/** The error status register: errors gather out of sight until a write shows them (SDM 3A 11.5.3). */

export class ErrorStatus {
  #detected = 0;
  /** What a read returns: the errors between the last two writes. */
  shown = 0;

  /** Notes errors: a union of `ApicError`. */
  detect(errors: number): void {
    this.#detected |= errors;
  }

  /** A write, of any value: shows what was detected since the write before it. */
  update(): void {
    this.shown = this.#detected;
    this.#detected = 0;
  }

  reset(): void {
    this.#detected = 0;
    this.shown = 0;
  }
}
