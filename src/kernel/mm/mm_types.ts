/** An address space with its mappings, and its life: mm_users count those who run in it, mm_count those who only need its top table. */
import type { FrameNumber } from '../../arch/address.ts';
import { present } from '../bug.ts';
import type { Cell } from '../cell.ts';
import type { KernelCore } from '../kernel_core.ts';
import type { mm_struct } from '../mm_struct.ts';
import type { vm_area_struct } from './vma.ts';

export interface user_mm extends mm_struct {
  /** Sorted by address; changed under mmap_lock held for writing. */
  mmap: vm_area_struct[];
  start_brk: bigint;
  brk: bigint;
  /** Where the search for free ranges begins, downwards. */
  readonly mmap_base: bigint;
  mm_users: number;
  mm_count: number;
  /**
   * Stands for i_mmap_rwsem and the anon_vma locks: held for reading by whoever comes to an entry from the page rather
   * than from the address, for writing while tables are unlinked or entries move.
   */
  readonly rmap_lock: Cell<number>;
}

/** Where mappings go, as on a Linux without address randomisation. Same with 5 levels, which need an explicit hint. */
const MMAP_BASE = 0x7fff_f7ff_f000n;
const START_BRK = 0x5555_5556_0000n;

export class MmRegistry {
  readonly #core: KernelCore;
  readonly #mms = new Map<number, user_mm>();

  constructor(core: KernelCore) {
    this.#core = core;
  }

  /** An address space without users yet, empty but for its top table. */
  mm_init(name: string, pgd: FrameNumber): user_mm {
    const mm: user_mm = {
      ...this.#core.mm_init(name, pgd),
      mmap: [],
      start_brk: START_BRK,
      brk: START_BRK,
      mmap_base: MMAP_BASE,
      mm_users: 0,
      mm_count: 1,
      rmap_lock: this.#core.cell(0),
    };
    this.#core.register(mm);
    this.#mms.set(mm.ctx_id, mm);
    return mm;
  }

  /** The full view of an mm that is not init_mm. */
  user(mm: mm_struct): user_mm {
    return present(this.#mms.get(mm.ctx_id), `the user address space ${mm.ctx_id}`);
  }

  remove(mm: user_mm): void {
    this.#mms.delete(mm.ctx_id);
    this.#core.unregister(mm);
  }

  /** Address spaces whose top table still exists. */
  get all(): Iterable<user_mm> {
    return this.#mms.values();
  }
}
