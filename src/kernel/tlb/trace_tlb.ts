/**
 * What the TLB code tells observers. Silent, and free, when nobody listens. An event belongs to the action before it:
 * see kernel/hardware.ts.
 */
import { linearAddress } from '../../arch/address.ts';
import type { AddressRange, FlushAction } from '../../event/event.ts';
import type { Core } from '../core.ts';
import { cpumask_has, for_each_cpu } from '../cpumask.ts';
import type { Hardware } from '../hardware.ts';
import type { mm_struct } from '../mm_struct.ts';
import { TLB_FLUSH_ALL } from './era.ts';

/** All of one address space; init_mm's is the kernel's half, which every address space shares. */
export function wholeMm(mm: number): AddressRange {
  return { mm, start: linearAddress(0n), end: linearAddress(TLB_FLUSH_ALL) };
}

export function mmRange(mm: number, start: bigint, end: bigint): AddressRange {
  return end === TLB_FLUSH_ALL ? wholeMm(mm) : { mm, start: linearAddress(start), end: linearAddress(end) };
}

export interface FlushBegin {
  readonly flush: number;
  readonly reason: string;
  readonly ranges: readonly AddressRange[];
  readonly batch?: boolean;
  readonly freedTables?: boolean;
}

export class TraceTlb {
  readonly #core: Core;
  readonly #hardware: Hardware;
  readonly #lazy: boolean[];
  /** ctx_id of the mm that each processor has loaded. */
  readonly #loaded: number[];

  constructor(core: Core) {
    this.#core = core;
    this.#hardware = core.hardware;
    this.#lazy = Array.from({ length: core.hardware.processors }, () => false);
    this.#loaded = this.#lazy.map(() => 0);
  }

  flushBegin(cpu: number, { flush, reason, ranges, batch = false, freedTables = false }: FlushBegin): void {
    if (!this.#hardware.listening) return;
    this.#hardware.tell({ kind: 'flush-begin', processor: cpu, flush, reason, ranges, batch, freedTables });
  }

  flushReturn(cpu: number, flush: number): void {
    if (this.#hardware.listening) this.#hardware.tell({ kind: 'flush-return', processor: cpu, flush });
  }

  batchAdd(cpu: number, mm: mm_struct): void {
    if (this.#hardware.listening) this.#hardware.tell({ kind: 'batch-add', processor: cpu, mm: mm.ctx_id });
  }

  decision(cpu: number, flush: number | null, range: AddressRange, action: FlushAction, why: string): void {
    if (!this.#hardware.listening) return;
    this.#hardware.tell({ kind: 'flush-decision', processor: cpu, flush, range, action, why });
  }

  /** The initiator leaves out every online processor that is not in `targets`. */
  leftOut(flush: number, ranges: readonly AddressRange[], targets: bigint, why: string): void {
    if (!this.#hardware.listening) return;
    const { online } = this.#core;
    for (const cpu of for_each_cpu(online.decode(this.#hardware.peek(online.address)))) {
      if (cpumask_has(targets, cpu)) continue;
      for (const range of ranges) {
        const lazy = this.#lazy[cpu] === true && this.#loaded[cpu] === range.mm;
        this.decision(cpu, flush, range, 'skip', lazy ? `lazy: ${why}` : why);
      }
    }
  }

  /** One instruction of the initiator does it on every online processor. */
  everywhere(flush: number, ranges: readonly AddressRange[], action: FlushAction, why: string): void {
    if (!this.#hardware.listening) return;
    const { online } = this.#core;
    for (const cpu of for_each_cpu(online.decode(this.#hardware.peek(online.address)))) {
      for (const range of ranges) this.decision(cpu, flush, range, action, why);
    }
  }

  generation(cpu: number, mm: mm_struct, generation: number): void {
    if (!this.#hardware.listening) return;
    this.#hardware.tell({ kind: 'generation', processor: cpu, mm: mm.ctx_id, generation });
  }

  /** Once the recorded generation is true of the TLB: after the invalidation that makes it so. */
  slot(cpu: number, slot: number, pcid: number, ctx_id: number, generation: number): void {
    if (!this.#hardware.listening) return;
    this.#hardware.tell({ kind: 'slot', processor: cpu, slot, pcid, mm: ctx_id, generation });
  }

  /** ctx_id of what the processor was last seen to load: for reports, where the kernel itself does not keep it. */
  loaded(cpu: number): number {
    return this.#loaded[cpu] ?? 0;
  }

  switched(cpu: number, from: number, to: number, flushed: boolean): void {
    this.#loaded[cpu] = to;
    if (this.#hardware.listening) this.#hardware.tell({ kind: 'switch', processor: cpu, from, to, flushed });
  }

  /** Told when it changes. */
  lazy(cpu: number, lazy: boolean): void {
    if (this.#lazy[cpu] === lazy) return;
    this.#lazy[cpu] = lazy;
    if (this.#hardware.listening) this.#hardware.tell({ kind: 'lazy', processor: cpu, lazy });
  }
}
