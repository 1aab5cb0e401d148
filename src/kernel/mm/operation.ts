/**
 * Kernel operations as observers see them: where they begin and end, and what their return promises.
 *
 * A promise covers the changes that its own processor made during the operation, and those that anyone made before the
 * operation began. Changes that others make meanwhile to the same range are covered by their own promises: reclaim may
 * unmap a page behind mprotect's back after mprotect has looked, and owes that flush itself.
 */
import { linearAddress } from '../../arch/address.ts';
import type { Hardware, Kernel } from '../hardware.ts';

export interface Promised {
  readonly mm: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly why: string;
}

export class Operations {
  readonly #hardware: Hardware;
  #last = 0;
  /** By processor: operations begun and not ended, innermost last. */
  readonly #open: number[][];

  constructor(hardware: Hardware) {
    this.#hardware = hardware;
    this.#open = Array.from({ length: hardware.processors }, () => []);
  }

  /** Runs `body` as an operation. */
  *run<T>(cpu: number, name: string, mm: number, body: Kernel<T>): Kernel<T> {
    const operation = ++this.#last;
    const open = this.#open[cpu];
    open?.push(operation);
    this.#hardware.tell({ kind: 'operation-begin', processor: cpu, operation, name, mm });
    try {
      return yield* body;
    } finally {
      open?.pop();
      this.#hardware.tell({ kind: 'operation-end', processor: cpu, operation });
    }
  }

  promise(cpu: number, { mm, start, end, why }: Promised): void {
    const operation = this.#open[cpu]?.at(-1);
    const range = { mm, start: linearAddress(start), end: linearAddress(end) };
    this.#hardware.tell({
      kind: 'promise',
      processor: cpu,
      range,
      why,
      ...(operation === undefined ? {} : { operation }),
    });
  }
}
