/**
 * INVLPGB on its way (APM 3 INVLPGB, TLBSYNC): one message to every processor, the sender's own among them. The instruction
 * only sends. Each arrival is a step of the hardware's own, and two messages arrive in either order; TLBSYNC waits for those
 * that its own processor has sent, and knows of no others.
 */
import type { InvlpgbOperand } from '../arch/invlpgb.ts';
import { assert } from '../base/assert.ts';
import type { EventStream } from '../event/stream.ts';

/** One message to one processor: plain data. */
export interface Broadcast {
  /** Of the instruction: the same for all its targets. Increasing with time. */
  readonly id: number;
  readonly sender: number;
  readonly target: number;
  readonly operand: InvlpgbOperand;
}

export class Broadcasts {
  readonly #processors: number;
  readonly #stream: EventStream;
  #inFlight: readonly Broadcast[] = [];
  #sent = 0;

  constructor(processors: number, stream: EventStream) {
    this.#processors = processors;
    this.#stream = stream;
  }

  /** In the order of sending. */
  get inFlight(): readonly Broadcast[] {
    return this.#inFlight;
  }

  send(sender: number, operand: InvlpgbOperand): void {
    const id = this.#sent++;
    const messages = Array.from({ length: this.#processors }, (_, target) => ({ id, sender, target, operand }));
    this.#inFlight = [...this.#inFlight, ...messages];
    if (!this.#stream.listening) return;
    const { pcid, pages } = operand;
    this.#stream.emit({
      kind: 'invlpgb',
      processor: sender,
      broadcast: id,
      address: pages?.start ?? null,
      pages: pages?.count ?? null,
      pcid,
    });
  }

  /** Whether something that the processor has sent has not arrived everywhere. */
  awaitedBy(sender: number): boolean {
    return this.#inFlight.some((broadcast) => broadcast.sender === sender);
  }

  /** It has arrived, and its target carries it out in the same step. */
  take(broadcast: Broadcast): void {
    const { id, target } = broadcast;
    const before = this.#inFlight.length;
    this.#inFlight = this.#inFlight.filter((other) => other.id !== id || other.target !== target);
    assert(this.#inFlight.length === before - 1, `broadcast ${id} is on its way to processor ${target}`);
  }
}
