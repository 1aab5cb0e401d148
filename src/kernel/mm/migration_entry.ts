/** Pages on their way to another frame: what the migration entries in page tables stand for, and where those entries are. */
import { assert, present } from '../bug.ts';
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
  #last = 0;

  begin(page: page): migration {
    const migration: migration = { number: ++this.#last, page, locations: [] };
    this.#open.set(migration.number, migration);
    return migration;
  }

  end(migration: migration): void {
    assert(migration.locations.length === 0, 'a migration ended with entries left');
    this.#open.delete(migration.number);
  }

  find(number: number): migration {
    return present(this.#open.get(number), `migration ${number}`);
  }
}
