/** Pages on their way to another frame: what the migration entries in page tables stand for, and where those entries are. */
import type { StateSink } from '../../base/state-sink.ts';
import { assert, present } from '../bug.ts';
import type { Touch } from '../hardware.ts';
import type { page, rmap_item } from '../page_alloc.ts';

export interface migration {
  readonly number: number;
  /** Locked until the entries are gone. */
  readonly page: page;
  /** Under the page_table_lock of the item's mm. */
  locations: rmap_item[];
}

export class Migrations {
  readonly #open = new Map<number, migration>();
  readonly #touch: Touch | null;
  #last = 0;

  constructor(touch: Touch | null = null) {
    this.#touch = touch;
  }

  tellState(sink: StateSink): void {
    sink.number(this.#last);
    for (const { number, page, locations } of this.#open.values()) {
      for (const value of [number, page.frame, locations.length]) sink.number(value);
      for (const { mm, address } of locations) {
        sink.number(mm.ctx_id);
        sink.quad(address);
      }
    }
  }

  begin(page: page): migration {
    this.#touch?.('migrations', 0, 'write');
    const migration: migration = { number: ++this.#last, page, locations: [] };
    this.#open.set(migration.number, migration);
    return migration;
  }

  end(migration: migration): void {
    this.#touch?.('migrations', 0, 'write');
    assert(migration.locations.length === 0, 'a migration ended with entries left');
    this.#open.delete(migration.number);
  }

  find(number: number): migration {
    this.#touch?.('migrations', 0, 'write');
    return present(this.#open.get(number), `migration ${number}`);
  }
}
