/**
 * A logical processor's store buffer (SDM 3A 9.2.2): its stores become visible to the others later, in program order, and
 * to its own loads at once. Page walks do not look here: they read memory (DESIGN 2).
 *
 * A unit is eight aligned bytes, so a load is answered wholly by the buffer or wholly by memory. Which operations drain
 * it is the machine's business: locked operations, fences and serializing instructions do.
 */
import type { PhysicalAddress } from '../arch/address.ts';
import { assert, present } from '../base/assert.ts';
import type { EventStream } from '../event/stream.ts';
import type { PhysicalMemory } from './physical-memory.ts';

/** A store that was executed and is not yet visible. */
export interface BufferedStore {
  readonly address: PhysicalAddress;
  readonly value: bigint;
  /** Time at which it was executed. */
  readonly issued: number;
}

export interface StoreBufferOptions {
  readonly processor: number;
  readonly memory: PhysicalMemory;
  readonly stream: EventStream;
  /** Without a buffer, stores are visible at once. */
  readonly enabled: boolean;
}

export class StoreBuffer {
  readonly processor: number;
  readonly enabled: boolean;
  readonly #memory: PhysicalMemory;
  readonly #stream: EventStream;
  #stores: BufferedStore[] = [];

  constructor({ processor, memory, stream, enabled }: StoreBufferOptions) {
    this.processor = processor;
    this.enabled = enabled;
    this.#memory = memory;
    this.#stream = stream;
  }

  /** Number of stores waiting. */
  get size(): number {
    return this.#stores.length;
  }

  /** The stores waiting, oldest first. */
  get waiting(): readonly BufferedStore[] {
    return this.#stores;
  }

  /** Executes a store of eight aligned bytes. */
  push(address: PhysicalAddress, value: bigint): void {
    assert((address & 7) === 0, 'a store buffer holds aligned units of eight bytes');
    const issued = this.#stream.time;
    if (!this.enabled) {
      this.#memory.store(this.processor, address, value, issued);
      return;
    }
    this.#stores.push({ address, value, issued });
    if (this.#stream.listening) {
      this.#stream.emit({ kind: 'store-buffered', processor: this.processor, address, value });
    }
  }

  /** A load of eight aligned bytes by this processor: the youngest waiting store to them, or memory. */
  load(address: PhysicalAddress): bigint {
    for (let index = this.#stores.length - 1; index >= 0; index--) {
      const store = present(this.#stores[index], 'a buffered store');
      if (store.address === address) return store.value;
    }
    return this.#memory.read64(address);
  }

  /** Makes the oldest store visible. Says whether there was one. */
  drainOne(): boolean {
    const store = this.#stores.shift();
    if (store === undefined) return false;
    const { address, value, issued } = store;
    if (this.#stream.listening) {
      this.#stream.emit({ kind: 'store-drained', processor: this.processor, address, value });
    }
    this.#memory.store(this.processor, address, value, issued);
    return true;
  }

  drainAll(): void {
    while (this.drainOne()) {}
  }
}
