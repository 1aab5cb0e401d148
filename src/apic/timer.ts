/**
 * The APIC timer, moved by whoever counts: nothing here is a clock (SDM 3A 11.5.4).
 *
 * `tick` takes counts of the timer's input, before the divisor, and the time-stamp counter's value for TSC-deadline
 * mode (11.5.4.1). The mode is the LVT entry's, passed in.
 */
import { TIMER_DIVISORS, TimerMode } from '../arch/apic-registers.ts';

export class ApicTimer {
  divideConfiguration = 0;
  initialCount = 0;
  currentCount = 0;
  /** IA32_TSC_DEADLINE; 0 is disarmed. */
  deadline = 0n;
  /** Input counts since the last step of the current count. */
  #remainder = 0;

  /** A write to the initial count starts the timer; 0 stops it. */
  start(count: number): void {
    this.initialCount = count;
    this.currentCount = count;
    this.#remainder = 0;
  }

  /** Entering or leaving TSC-deadline mode disarms the timer. */
  disarm(): void {
    this.start(0);
    this.deadline = 0n;
  }

  /** Returns whether the timer expired, once or more. */
  tick(mode: number, counts: number, timeStampCounter: bigint): boolean {
    if (mode === TimerMode.tscDeadline) {
      if (this.deadline === 0n || timeStampCounter < this.deadline) return false;
      this.deadline = 0n;
      return true;
    }
    if (this.currentCount === 0) return false;
    const divisor = this.#divisor();
    const total = this.#remainder + counts;
    const steps = Math.floor(total / divisor);
    this.#remainder = total % divisor;
    if (steps < this.currentCount) {
      this.currentCount -= steps;
      return false;
    }
    const beyond = steps - this.currentCount;
    this.currentCount = mode === TimerMode.periodic ? this.initialCount - (beyond % this.initialCount) : 0;
    return true;
  }

  reset(): void {
    this.disarm();
    this.divideConfiguration = 0;
  }

  #divisor(): number {
    const selector = ((this.divideConfiguration >>> 1) & 0b100) | (this.divideConfiguration & 0b11);
    return TIMER_DIVISORS[selector] ?? 1;
  }
}
