/**
 * Time as programs see it: derived from what they have executed, so that a run repeats to the nanosecond. When every
 * thread waits, time jumps to the next deadline.
 */

/** 2026-01-01 00:00:00 UTC: where CLOCK_REALTIME begins. */
const EPOCH_SECONDS = 1_767_225_600n;
const NANOSECONDS = 1_000_000_000n;

export class VirtualClock {
  readonly #processors: number;
  /** Since the start, as a fraction of a nanosecond may not be lost: in units of 1 / processors. */
  #ticks = 0;

  constructor(processors: number) {
    this.#processors = processors;
  }

  /** Nanoseconds since the machine was started. */
  get now(): number {
    return Math.floor(this.#ticks / this.#processors);
  }

  /** A processor has been busy for so long; the others were so at the same time. */
  spend(nanoseconds: number): void {
    this.#ticks += nanoseconds;
  }

  /** Nothing happens until then. */
  skipTo(time: number): void {
    if (time > this.now) this.#ticks = time * this.#processors;
  }

  get monotonic(): bigint {
    return BigInt(this.now);
  }

  get realtime(): bigint {
    return EPOCH_SECONDS * NANOSECONDS + BigInt(this.now);
  }
}

/** struct timespec. */
export function timespec(nanoseconds: bigint): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, nanoseconds / NANOSECONDS, true);
  view.setBigInt64(8, nanoseconds % NANOSECONDS, true);
  return bytes;
}

/** Nanoseconds of a struct timespec, or null when it is not a valid one. */
export function fromTimespec(bytes: Uint8Array): number | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const seconds = view.getBigInt64(0, true);
  const nanoseconds = view.getBigInt64(8, true);
  if (seconds < 0n || nanoseconds < 0n || nanoseconds >= NANOSECONDS) return null;
  return Number(seconds * NANOSECONDS + nanoseconds);
}
