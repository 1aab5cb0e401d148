/**
 * An independent judge of a whole run. It keeps every change that was ever made to a paging structure, every flush and
 * every promise, watches each access of user code as the MMU answers it, and recomputes from scratch whether any world
 * that the processor may still believe in gives that answer. It shares nothing with the detector but the events, and it
 * knows nothing of what is cached.
 */
import { physicalAddress } from '../../src/arch/address.ts';
import type { MachineEvent } from '../../src/event/event.ts';
import { accessCode } from '../../src/machine/operations.ts';
import type { System } from '../../src/scenario/system.ts';

interface Moment {
  readonly processor: number;
  readonly index: number;
}

interface Change extends Moment {
  readonly before: bigint;
  /** Number of the last event before the store was executed: it may have waited in a store buffer. */
  readonly issuedIndex: number;
}

interface Covering {
  readonly mm: number;
  readonly first: bigint;
  /** Exclusive. */
  readonly limit: bigint;
  /** Changes by its own processor before this moment, and by others before `othersSince`, are covered. */
  readonly since: Moment;
  readonly othersSince: Moment;
}

export interface StaleUse {
  readonly processor: number;
  readonly page: bigint;
  readonly kind: 'read' | 'write' | 'fetch';
  readonly frame: bigint;
}

const KINDS = ['read', 'write', 'fetch'] as const;
const A = 0x20n;
const D = 0x40n;
const SET_ALIKE = A | D;
const ALL = (1n << 52n) - 1n;

export class BruteForceJudge {
  readonly staleUses: StaleUse[] = [];
  accesses = 0;
  readonly #system: System;
  readonly #changes = new Map<number, Change[]>();
  readonly #roots = new Map<number, number>();
  readonly #begun = new Map<number, Covering[]>();
  readonly #coverings: Covering[] = [];
  readonly #batchAdds = new Map<string, Moment>();
  readonly #operations = new Map<number, Moment>();
  readonly #freed = new Map<number, Moment>();
  /** By time, the number of the last event told up to then. */
  readonly #lastIndexAt: number[] = [];
  #index = 0;

  constructor(system: System) {
    this.#system = system;
    system.stream.observe((event, time) => this.#observe(event, time));
    for (const { mmu, index } of system.machine.processors) {
      const access = mmu.access.bind(mmu);
      mmu.access = (page, code, offset) => {
        const frame = access(page, code, offset);
        const { kind, user } = decode(code);
        if (frame !== -1 && user) this.#judge(index, BigInt(page), kind, BigInt(frame));
        return frame;
      };
    }
  }

  #observe(event: MachineEvent, time: number): void {
    const index = ++this.#index;
    switch (event.kind) {
      case 'address-space':
        this.#roots.set(event.root, event.mm);
        break;
      case 'paging-write': {
        const { address, before, after, processor, issued } = event;
        // Setting or clearing A, or setting D, overwrites nothing that anybody may still have to know.
        if ((before & ~SET_ALIKE) === (after & ~SET_ALIKE) && (before & D) <= (after & D)) break;
        const changes = this.#changes.get(address) ?? [];
        changes.push({ before, processor, index, issuedIndex: issued < time ? this.#upTo(issued) : index });
        this.#changes.set(address, changes);
        break;
      }
      case 'flush-begin': {
        const { processor, flush, ranges, batch } = event;
        const now = { processor, index };
        const since = (mm: number): Moment => (batch ? (this.#batchAdds.get(`${processor} ${mm}`) ?? now) : now);
        this.#begun.set(
          flush,
          ranges.map((range) => covering(range, since(range.mm))),
        );
        break;
      }
      case 'flush-return':
        this.#coverings.push(...(this.#begun.get(event.flush) ?? []));
        break;
      case 'batch-add':
        this.#batchAdds.set(`${event.processor} ${event.mm}`, { processor: event.processor, index });
        break;
      case 'promise': {
        const now = { processor: event.processor, index };
        const began = event.operation === undefined ? undefined : this.#operations.get(event.operation);
        this.#coverings.push({ ...covering(event.range, now), othersSince: began ?? now });
        break;
      }
      case 'operation-begin':
        this.#operations.set(event.operation, { processor: event.processor, index });
        break;
      case 'frame-free':
        this.#freed.set(event.frame, { processor: event.processor, index });
        break;
    }
    this.#lastIndexAt[time] = index;
  }

  /** The last event told at or before this time. */
  #upTo(time: number): number {
    for (let at = time; at >= 0; at--) {
      const index = this.#lastIndexAt[at];
      if (index !== undefined) return index;
    }
    return 0;
  }

  #judge(processor: number, page: bigint, kind: StaleUse['kind'], frame: bigint): void {
    this.accesses++;
    const root = this.#system.machine.processor(processor).mmu.control.root;
    const mm = this.#roots.get(root);
    if (mm === undefined) return;
    const use = { processor, page, kind, frame };
    const due = this.#dueFor(mm, use);
    if (!this.#someWorldAgrees(BigInt(root), this.#system.machine.switches.la57 ? 5 : 4, use, due))
      this.staleUses.push(use);
  }

  #dueFor(mm: number, { page, frame }: StaleUse): (change: Change) => boolean {
    const promises = this.#coverings.filter((each) => each.mm === mm && each.first <= page && page < each.limit);
    const free = this.#freed.get(Number(frame));
    return (change) =>
      promises.some(({ since, othersSince }) =>
        change.processor === since.processor ? change.issuedIndex <= since.index : change.index <= othersSince.index,
      ) ||
      (free !== undefined && (change.processor === free.processor ? change.issuedIndex : change.index) <= free.index);
  }

  #someWorldAgrees(table: bigint, level: number, use: StaleUse, due: (change: Change) => boolean): boolean {
    const address = Number(table) * 4096 + Number((use.page >> BigInt(9 * (level - 1))) & 511n) * 8;
    const missed = (this.#changes.get(address) ?? []).filter((change) => !due(change)).map(({ before }) => before);
    return [this.#system.machine.memory.read64(physicalAddress(address)), ...missed].some((entry) => {
      if ((entry & 1n) === 0n || (entry & 4n) === 0n) return false;
      if (use.kind === 'write' && (entry & 2n) === 0n) return false;
      if (use.kind === 'fetch' && entry >> 63n === 1n) return false;
      const next = (entry >> 12n) & 0xff_ffff_ffffn;
      const leaf = level === 1 || (level < 4 && (entry & 0x80n) !== 0n);
      if (!leaf) return this.#someWorldAgrees(next, level - 1, use, due);
      if (use.kind === 'write' && (entry & D) === 0n) return false;
      const inside = use.page & ((1n << BigInt(9 * (level - 1))) - 1n);
      return (next & ~((1n << BigInt(9 * (level - 1))) - 1n)) + inside === use.frame;
    });
  }
}

function covering(range: { mm: number; start: bigint; end: bigint }, since: Moment): Covering {
  const { mm, start, end } = range;
  const limit = end === (1n << 64n) - 1n ? ALL : (end + 0xfffn) >> 12n;
  return { mm, first: start >> 12n, limit, since, othersSince: since };
}

/** The inverse of `accessCode`, from its published order. */
function decode(code: number): { kind: StaleUse['kind']; user: boolean } {
  const { kind, user } = DECODED[code] ?? { kind: 'read' as const, user: false };
  return { kind, user };
}

const DECODED: { kind: StaleUse['kind']; user: boolean }[] = [];
for (const kind of KINDS) for (const user of [true, false]) DECODED[accessCode({ kind, user })] = { kind, user };
