/**
 * From the address of a paging-structure entry to the cached translations that were built from it, on all processors.
 *
 * An entry's past is kept only where a walk can still fill from it: a walk in flight may have read an entry before a
 * change and fill after it, and a stale paging-structure-cache entry hands its old sources on. Changes from not-present
 * are no such past, for nothing is filled from a not-present entry (SDM 3A 4.10.2.3).
 */
import type { PhysicalAddress } from '../arch/address.ts';
import { PagingEntry } from '../arch/paging-entry.ts';
import type { EntryChange } from './change.ts';
import type { TrackedTranslation } from './tracked-translation.ts';

export interface EntryNode {
  readonly address: PhysicalAddress;
  readonly dependents: Set<TrackedTranslation>;
  history: readonly EntryChange[];
  /** Walks that began later than this cannot need the history, unless a stale dependent hands it on. */
  interest: number;
}

const HISTORY_LIMIT = 256;
const SWEEP_AT_LEAST = 256;
/** Entries that nothing depends on are kept, for what depended on them is likely to come back; up to so many at least. */
const IDLE_AT_LEAST = 4096;
const NO_HISTORY: readonly EntryChange[] = [];

export class EntryIndex {
  readonly #nodes = new Map<PhysicalAddress, EntryNode>();
  readonly #withHistory = new Set<EntryNode>();
  #sweepAt = SWEEP_AT_LEAST;
  /** Nodes without dependents. */
  #idle = 0;
  #dropAt = IDLE_AT_LEAST;
  /** Changes dropped although a walk might still have needed them. */
  forgotten = 0;

  get size(): number {
    return this.#nodes.size;
  }

  find(address: PhysicalAddress): EntryNode | undefined {
    return this.#nodes.get(address);
  }

  /** Makes the translation a dependent of the entry; returns the entry's node. */
  attach(tracked: TrackedTranslation, address: PhysicalAddress): EntryNode {
    const node = this.#nodeAt(address);
    const { size } = node.dependents;
    if (node.dependents.add(tracked).size > size) {
      tracked.nodes.push(node);
      if (size === 0) this.#idle--;
    }
    return node;
  }

  detach(tracked: TrackedTranslation, sequence: number): void {
    for (const node of tracked.nodes) {
      node.dependents.delete(tracked);
      if (tracked.staleness !== null) node.interest = sequence;
      if (node.dependents.size === 0) this.#idle++;
    }
    if (this.#idle >= this.#dropAt) this.#dropIdle();
  }

  /** Remembers a change as something that a walk begun before it may have missed. */
  remember(change: EntryChange, oldestWalk: number): void {
    if ((change.before & PagingEntry.P) === 0n) return;
    const node = this.#nodeAt(change.address);
    const kept = node.history.length < HISTORY_LIMIT ? node.history : node.history.slice(1);
    this.forgotten += node.history.length - kept.length;
    node.history = [...kept, change];
    node.interest = change.sequence;
    this.#withHistory.add(node);
    if (this.#withHistory.size >= this.#sweepAt) this.#sweep(oldestWalk);
  }

  /** The step at which the oldest change remembered was executed; infinity if none is. */
  oldestChange(oldestWalk: number): number {
    this.#sweep(oldestWalk);
    let oldest = Number.POSITIVE_INFINITY;
    for (const { history } of this.#withHistory) {
      for (const { issued } of history) oldest = Math.min(oldest, issued);
    }
    return oldest;
  }

  #nodeAt(address: PhysicalAddress): EntryNode {
    const found = this.#nodes.get(address);
    if (found !== undefined) return found;
    const node: EntryNode = { address, dependents: new Set(), history: NO_HISTORY, interest: 0 };
    this.#nodes.set(address, node);
    this.#idle++;
    return node;
  }

  #sweep(oldestWalk: number): void {
    for (const node of this.#withHistory) {
      if (node.interest >= oldestWalk || hasStaleDependent(node)) continue;
      node.history = NO_HISTORY;
      this.#withHistory.delete(node);
    }
    this.#sweepAt = Math.max(SWEEP_AT_LEAST, 2 * this.#withHistory.size);
  }

  #dropIdle(): void {
    for (const node of this.#nodes.values()) {
      if (node.dependents.size > 0 || node.history.length > 0) continue;
      this.#nodes.delete(node.address);
      this.#idle--;
    }
    this.#dropAt = Math.max(IDLE_AT_LEAST, 2 * this.#idle);
  }
}

function hasStaleDependent(node: EntryNode): boolean {
  for (const tracked of node.dependents) if (tracked.staleness !== null) return true;
  return false;
}
