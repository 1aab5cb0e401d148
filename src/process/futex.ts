/**
 * Futexes: threads that wait for a word of memory. A word in memory that processes share is known by its place in what
 * they share, any other by its address in its address space.
 */
import type { MiniKernel } from '../kernel/kernel.ts';
import type { user_mm } from '../kernel/mm/mm_types.ts';
import { linear_page_index } from '../kernel/mm/vma.ts';

/** Where a futex is, as a key. */
export type FutexKey = string;

export function futexKey(kernel: MiniKernel, mm: user_mm, address: bigint): FutexKey {
  const area = kernel.find_vma(mm, address);
  if (area === null || !area.vm_shared || area.vm_object === null) return `mm ${mm.ctx_id} ${address.toString(16)}`;
  return `${area.vm_object.name} ${linear_page_index(area, address)} ${address & 0xfffn}`;
}

export interface FutexWaiter {
  key: FutexKey;
  readonly bits: number;
  woken: boolean;
}

export class Futexes {
  /** In the order of their coming. */
  readonly #waiters: FutexWaiter[] = [];

  wait(key: FutexKey, bits: number): FutexWaiter {
    const waiter = { key, bits, woken: false };
    this.#waiters.push(waiter);
    return waiter;
  }

  leave(waiter: FutexWaiter): void {
    const index = this.#waiters.indexOf(waiter);
    if (index >= 0) this.#waiters.splice(index, 1);
  }

  /** Result: how many were woken. */
  wake(key: FutexKey, count: number, bits = 0xffff_ffff): number {
    let woken = 0;
    for (const waiter of [...this.#waiters]) {
      if (woken >= count) break;
      if (waiter.key !== key || (waiter.bits & bits) === 0) continue;
      waiter.woken = true;
      this.leave(waiter);
      woken++;
    }
    return woken;
  }

  /** Result: how many wait for the other word now. */
  requeue(from: FutexKey, to: FutexKey, count: number): number {
    let moved = 0;
    for (const waiter of this.#waiters) {
      if (moved >= count) break;
      if (waiter.key !== from) continue;
      waiter.key = to;
      moved++;
    }
    return moved;
  }
}
