/**
 * Acceptance and priority of fixed interrupts: IRR, ISR, TPR and PPR (SDM 3A 11.8.3, 11.8.4).
 *
 * Every interrupt of this model is edge triggered (IPIs, timer, APIC errors), so TMR stays clear and an EOI goes no
 * further than this APIC.
 */
import { VectorSet } from './vector-set.ts';

export class InterruptRequests {
  readonly irr = new VectorSet();
  readonly isr = new VectorSet();
  /** TPR bits 7:0: priority class and sub-class. */
  taskPriority = 0;

  /** Sets the vector's IRR bit. Returns whether it was set already: the two requests become one (SDM 3A 11.8.4). */
  request(vector: number): boolean {
    const pending = this.irr.has(vector);
    this.irr.add(vector);
    return pending;
  }

  /**
   * PPR (SDM 3A 11.8.3.1). Where the classes of TPR and of the highest vector in service are equal, bits 3:0 may be
   * TPR's or 0: here they are TPR's (model).
   */
  processorPriority(): number {
    const inService = Math.max(this.isr.highest(), 0);
    return this.taskPriority >>> 4 >= inService >>> 4 ? this.taskPriority : inService & 0xf0;
  }

  /** The vector that the processor would be given now: highest in IRR, if of a higher class than PPR; else null. */
  deliverable(): number | null {
    const requested = this.irr.highest();
    return requested >= 0 && requested >>> 4 > this.processorPriority() >>> 4 ? requested : null;
  }

  /** Moves the deliverable vector from IRR to ISR, or returns null when there is none. */
  serve(): number | null {
    const vector = this.deliverable();
    if (vector === null) return null;
    this.irr.delete(vector);
    this.isr.add(vector);
    return vector;
  }

  /** EOI: the highest vector in service is finished (SDM 3A 11.8.5). Does nothing when none is in service. */
  finish(): void {
    const vector = this.isr.highest();
    if (vector >= 0) this.isr.delete(vector);
  }

  reset(): void {
    this.irr.clear();
    this.isr.clear();
    this.taskPriority = 0;
  }
}
