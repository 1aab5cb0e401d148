/**
 * What carries IPIs between local APICs. Each IPI on its way is plain data; its arrival is a step that a scheduler
 * picks, so any two IPIs to one processor may arrive in either order (model: the manual promises none).
 *
 * The ICR's delivery status always reads idle: a message counts as sent once it is on the bus, and says nothing about
 * its arrival (SDM 3A 11.6.1).
 */
import { assert, present } from '../base/assert.ts';
import type { EventStream } from '../event/stream.ts';
import { isDestination } from './destination.ts';
import type { Ipi, IpiMessage, IpiOutcome, IpiTarget } from './ipi.ts';

export class IpiBus {
  readonly #stream: EventStream;
  readonly #targets: IpiTarget[] = [];
  readonly #inFlight: Ipi[] = [];
  #sent = 0;

  constructor(stream: EventStream) {
    this.#stream = stream;
  }

  /** Puts a local APIC on the bus. Processor numbers and APIC IDs must be unique. */
  attach(target: IpiTarget): void {
    for (const other of this.#targets) {
      assert(other.processor !== target.processor, `two local APICs for processor ${target.processor}`);
      assert(other.id !== target.id, `two local APICs with ID ${target.id}`);
    }
    this.#targets.push(target);
    this.#targets.sort((a, b) => a.processor - b.processor);
  }

  /** In the order of sending. */
  get inFlight(): readonly Ipi[] {
    return this.#inFlight;
  }

  /** The local APIC of a processor. */
  of(processor: number): IpiTarget {
    return present(
      this.#targets.find((target) => target.processor === processor),
      `a local APIC of processor ${processor}`,
    );
  }

  /** Puts one IPI on its way to each destination, in the order of processors, and returns them. */
  send(message: IpiMessage): readonly Ipi[] {
    const { sender, delivery, vector } = message;
    const sent = this.#targets
      .filter((target) => isDestination(message, target))
      .map((target) => ({ id: this.#sent++, sender, target: target.processor, delivery, vector }));
    for (const ipi of sent) {
      this.#inFlight.push(ipi);
      if (this.#stream.listening) {
        this.#stream.emit({ kind: 'ipi-send', processor: sender, ipi: ipi.id, vector, delivery, target: ipi.target });
      }
    }
    return sent;
  }

  /** The step in which an IPI in flight reaches its target. */
  deliver(ipi: Ipi): IpiOutcome {
    const index = this.#inFlight.findIndex(({ id }) => id === ipi.id);
    assert(index >= 0, `IPI ${ipi.id} is not in flight`);
    this.#inFlight.splice(index, 1);
    return this.of(ipi.target).accept(ipi);
  }
}
