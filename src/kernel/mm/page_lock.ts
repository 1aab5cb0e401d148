/**
 * PG_locked. A page's content or identity is about to change while it is locked: its content goes to swap, or moves to
 * another frame. Whoever meets a trace of the page in a page table waits.
 *
 * Cells are recycled: a waiter that is overtaken by the cell's next user waits longer than it must, never for ever.
 */
import type { StateSink } from '../../base/state-sink.ts';
import { assert } from '../bug.ts';
import { type Cell, locked } from '../cell.ts';
import type { Core } from '../core.ts';
import type { Kernel } from '../hardware.ts';
import type { page } from '../page_alloc.ts';

export class PageLocks {
  readonly #core: Core;
  readonly #idle: Cell<number>[] = [];

  constructor(core: Core) {
    this.#core = core;
  }

  tellState(sink: StateSink): void {
    for (const { address } of this.#idle) sink.number(address);
  }

  /** False when somebody else holds the lock. */
  *trylock_page(page: page): Kernel<boolean> {
    if (page.lock !== null) return false;
    const cell = this.#idleCells().pop() ?? this.#core.cell(0);
    yield* locked(cell, 'exchange', 1n);
    if (page.lock !== null) {
      yield* this.#release(cell);
      return false;
    }
    page.lock = cell;
    return true;
  }

  *unlock_page(page: page): Kernel<void> {
    const cell = page.lock;
    assert(cell !== null, `frame 0x${page.frame.toString(16)} is not locked`);
    yield* locked(cell, 'exchange', 0n);
    page.lock = null;
    this.#idleCells().push(cell);
  }

  *wait_on_page_locked(page: page): Kernel<void> {
    const cell = page.lock;
    if (cell !== null) yield { kind: 'wait', address: cell.address, until: (value) => value === 0n };
  }

  #idleCells(): Cell<number>[] {
    this.#core.hardware.touch?.('page locks', 0, 'write');
    return this.#idle;
  }

  *#release(cell: Cell<number>): Kernel<void> {
    yield* locked(cell, 'exchange', 0n);
    this.#idleCells().push(cell);
  }
}
