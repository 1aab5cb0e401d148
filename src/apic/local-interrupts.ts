/**
 * Interrupts of local origin, from the timer and from APIC errors, through the local vector table
 * (SDM 3A 11.5.1, 11.5.3, 11.5.4). The other entries of the table are stored; nothing raises them.
 */
import { ApicError, ApicRegister, FIRST_LEGAL_VECTOR, LVT_MASK, TimerMode } from '../arch/apic-registers.ts';
import { UnsupportedError } from '../base/errors.ts';
import { ErrorStatus } from './error-status.ts';
import type { InterruptRequests } from './interrupt-requests.ts';
import { LocalVectorTable } from './local-vector-table.ts';
import { ApicTimer } from './timer.ts';

export class LocalInterrupts {
  readonly errors = new ErrorStatus();
  readonly vectors = new LocalVectorTable();
  readonly #timer = new ApicTimer();
  readonly #requests: InterruptRequests;

  constructor(requests: InterruptRequests) {
    this.#requests = requests;
  }

  /** Notes an error and raises the error interrupt. */
  detect(error: number): void {
    this.errors.detect(error);
    this.#raise(ApicRegister.LVT_ERROR);
  }

  /** Moves the timer by input counts, to a value of the time-stamp counter. */
  tick(counts: number, timeStampCounter: bigint): void {
    if (this.#timer.tick(this.#timerMode(), counts, timeStampCounter)) this.#raise(ApicRegister.LVT_TIMER);
  }

  writeVector(offset: number, value: number, enable: { readonly softwareEnabled: boolean }): void {
    if (offset === ApicRegister.LVT_TIMER && timerMode(value) > TimerMode.tscDeadline) {
      throw new UnsupportedError('the reserved APIC timer mode 3');
    }
    const before = this.#timerMode();
    this.vectors.write(offset, value, enable);
    const after = this.#timerMode();
    if ((before === TimerMode.tscDeadline) !== (after === TimerMode.tscDeadline)) this.#timer.disarm();
  }

  get initialCount(): number {
    return this.#timer.initialCount;
  }

  /** Starts the timer; in TSC-deadline mode the write is ignored (SDM 3A 11.5.4.1). */
  set initialCount(count: number) {
    if (this.#timerMode() !== TimerMode.tscDeadline) this.#timer.start(count);
  }

  get currentCount(): number {
    return this.#timer.currentCount;
  }

  get divideConfiguration(): number {
    return this.#timer.divideConfiguration;
  }

  set divideConfiguration(value: number) {
    this.#timer.divideConfiguration = value;
  }

  get deadline(): bigint {
    return this.#timer.deadline;
  }

  /** IA32_TSC_DEADLINE: outside TSC-deadline mode writes are ignored and reads return 0 (SDM 3A 11.5.4.1). */
  set deadline(value: bigint) {
    if (this.#timerMode() === TimerMode.tscDeadline) this.#timer.deadline = value;
  }

  reset(): void {
    this.errors.reset();
    this.vectors.reset();
    this.#timer.reset();
  }

  #timerMode(): number {
    return timerMode(this.vectors.read(ApicRegister.LVT_TIMER));
  }

  #raise(source: typeof ApicRegister.LVT_TIMER | typeof ApicRegister.LVT_ERROR): void {
    const entry = this.vectors.read(source);
    if ((entry & LVT_MASK) !== 0) return;
    const vector = entry & 0xff;
    if (vector >= FIRST_LEGAL_VECTOR) this.#requests.request(vector);
    // An illegal vector in the error entry is noted, and cannot raise itself again.
    else if (source === ApicRegister.LVT_ERROR) this.errors.detect(ApicError.RECEIVE_ILLEGAL_VECTOR);
    else this.detect(ApicError.RECEIVE_ILLEGAL_VECTOR);
  }
}

/** LVT timer bits 18:17. */
function timerMode(entry: number): number {
  return (entry >>> 17) & 3;
}
