/** An address space with its mappings, and its life: mm_users count those who run in it, mm_count those who only need its top table. */
import type { FrameNumber } from '../../arch/address.ts';
import type { StateSink } from '../../base/state-sink.ts';
import { present } from '../bug.ts';
import type { Cell } from '../cell.ts';
import type { KernelCore } from '../kernel_core.ts';
import type { mm_struct } from '../mm_struct.ts';
import { tell_object } from './vm_object.ts';
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

export function tell_mm(sink: StateSink, { ctx_id, pgd, mmap, start_brk, brk, mm_users, mm_count }: user_mm): void {
  for (const value of [ctx_id, pgd, mm_users, mm_count, mmap.length]) sink.number(value);
  sink.quad(start_brk);
  sink.quad(brk);
  for (const { vm_start, vm_end, vm_prot, vm_shared, vm_shift, vm_object, vm_pgoff, anon_vma } of mmap) {
    sink.quad(vm_start);
    sink.quad(vm_end);
    for (const value of [vm_prot, vm_shared ? 1 : 0, vm_shift, vm_pgoff, anon_vma ? 1 : 0]) sink.number(value);
    if (vm_object !== null) tell_object(sink, vm_object);
  }
}

export class MmRegistry {
  readonly #core: KernelCore;
  readonly #mms = new Map<number, user_mm>();

  constructor(core: KernelCore) {
    this.#core = core;
  }

  /** An address space without users yet, empty but for its top table. */
  mm_init(name: string, pgd: FrameNumber): user_mm {
    const base = this.#core.mm_init(name, pgd);
    const { touch } = this.#core.hardware;
    let [brk, mm_users, mm_count] = [START_BRK, 0, 1];
    const mm: user_mm = {
      ...base,
      mmap: [],
      start_brk: START_BRK,
      mmap_base: MMAP_BASE,
      rmap_lock: this.#core.cell(0),
      get brk() {
        touch?.('mm counts', base.ctx_id, 'read');
        return brk;
      },
      set brk(address) {
        touch?.('mm counts', base.ctx_id, 'write');
        brk = address;
      },
      get mm_users() {
        touch?.('mm counts', base.ctx_id, 'read');
        return mm_users;
      },
      set mm_users(count) {
        touch?.('mm counts', base.ctx_id, 'write');
        mm_users = count;
      },
      get mm_count() {
        touch?.('mm counts', base.ctx_id, 'read');
        return mm_count;
      },
      set mm_count(count) {
        touch?.('mm counts', base.ctx_id, 'write');
        mm_count = count;
      },
    };
    this.#core.register(mm);
    this.#mms.set(mm.ctx_id, mm);
    return mm;
  }

  /** The full view of an mm that is not init_mm. */
  user(mm: mm_struct): user_mm {
    this.#core.hardware.touch?.('mm', mm.ctx_id, 'read');
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
