/** Unhook, invalidate, free: checks from the events that a flush began and returned between the first and the last. */
import { entryFrame } from '../../../src/arch/paging-entry.ts';
import type { MachineEvent } from '../../../src/event/event.ts';

export class FreeOrder {
  /** Frames freed too early. */
  readonly early: number[] = [];
  /** Frames that were freed after they had been unhooked from page tables. */
  checked = 0;
  #flushed = 0;
  readonly #unhooked = new Map<number, number>();
  readonly #begun = new Map<number, number>();

  observe(event: MachineEvent, time: number): void {
    switch (event.kind) {
      case 'paging-write': {
        const frame = entryFrame(event.before);
        const mapped = (event.before & 1n) !== 0n;
        const stays = (event.after & 1n) !== 0n && entryFrame(event.after) === frame;
        // A flush drains the store buffer, so what counts is when the store was executed.
        if (mapped && !stays) this.#unhooked.set(frame, event.issued);
        break;
      }
      case 'flush-begin':
        this.#begun.set(event.flush, time);
        break;
      case 'flush-return':
        this.#flushed = Math.max(this.#flushed, this.#begun.get(event.flush) ?? 0);
        break;
      case 'frame-free': {
        const unhooked = this.#unhooked.get(event.frame);
        if (unhooked === undefined) break;
        this.#unhooked.delete(event.frame);
        this.checked++;
        if (unhooked > this.#flushed) this.early.push(event.frame);
        break;
      }
      default:
    }
  }
}
