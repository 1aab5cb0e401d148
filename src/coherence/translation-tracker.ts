/**
 * Follows every cached translation of every processor from fill to removal, and keeps it judged: fresh or stale, and if
 * stale, which changes it has missed. A write to a paging-structure entry re-judges what was built from that entry, and
 * nothing else; a fill is judged only if one of its entries changed lately.
 */
import type { FrameNumber, PhysicalAddress } from '../arch/address.ts';
import { ENTRY_FRAME_MASK, PagingEntry } from '../arch/paging-entry.ts';
import type { CachedTranslation } from '../event/cached-translation.ts';
import type { HardwareEvent } from '../event/event.ts';
import type { Change, EntryChange, Operation, RootChange } from './change.ts';
import { EntryIndex } from './entry-index.ts';
import { type Structures, walkFor } from './legality.ts';
import type { Obligation, Obligations } from './obligation.ts';
import { ProcessorContext } from './processor-context.ts';
import { referenceWalk } from './reference-walk.ts';
import { compare, type Staleness } from './significance.ts';
import { StaleIndex } from './stale-index.ts';
import { inKernelHalf, isGlobal, type MissedChange, type TrackedTranslation } from './tracked-translation.ts';

type EventOf<K extends HardwareEvent['kind']> = Extract<HardwareEvent, { kind: K }>;

export interface WalkInFlight {
  readonly event: EventOf<'walk-begin'>;
  readonly sequence: number;
  readonly shortcut: TrackedTranslation | null;
}

/** Where a processor is: in the workload, and in the kernel. */
export interface Whereabouts {
  locate(processor: number): string | null;
  operationOf(processor: number): Operation | null;
}

/** mm of the kernel's half. */
const KERNEL_MM = 1;
/** More changes than this are remembered for no translation. */
const MISSED_LIMIT = 64;

/** Bits that decide where a translation leads and what it allows; D when it is cleared; A and the rest never. */
const SIGNIFICANT =
  PagingEntry.P | PagingEntry.RW | PagingEntry.US | PagingEntry.PS | PagingEntry.XD | ENTRY_FRAME_MASK;

export class TranslationTracker {
  readonly stale = new StaleIndex();
  readonly #structures: Structures;
  readonly #obligations: Obligations;
  readonly #whereabouts: Whereabouts;
  readonly #becameStale: (tracked: TrackedTranslation) => void;
  readonly #tracked = new Map<number, TrackedTranslation>();
  readonly #index = new EntryIndex();
  readonly #spaces = new Map<FrameNumber, number>();
  readonly #contexts = new Map<number, ProcessorContext>();
  readonly #walks = new Map<number, WalkInFlight>();
  readonly #lastRead = new Map<number, EventOf<'walk-read'>>();
  readonly #globalUserPages = new Set<TrackedTranslation>();
  /** Translations that disagree with memory by no change that was told: nothing is said of those. */
  unexplained = 0;
  #overflows = 0;

  constructor({
    structures,
    obligations,
    whereabouts,
    becameStale,
  }: {
    structures: Structures;
    obligations: Obligations;
    whereabouts: Whereabouts;
    becameStale: (tracked: TrackedTranslation) => void;
  }) {
    this.#structures = structures;
    this.#obligations = obligations;
    this.#whereabouts = whereabouts;
    this.#becameStale = becameStale;
  }

  get size(): number {
    return this.#tracked.size;
  }

  get forgotten(): number {
    return this.#index.forgotten + this.#overflows;
  }

  /** The step at which the oldest change was executed that a fill may still turn out to have missed. */
  oldestChange(): number {
    return this.#index.oldestChange(this.#oldestWalk(Number.POSITIVE_INFINITY));
  }

  nameSpace(root: FrameNumber, mm: number): void {
    this.#spaces.set(root, mm);
  }

  forgetSpace(mm: number): void {
    for (const [root, owner] of this.#spaces) if (owner === mm) this.#spaces.delete(root);
  }

  find(cached: CachedTranslation): TrackedTranslation | undefined {
    return this.#tracked.get(cached.serial);
  }

  contextOf(processor: number): ProcessorContext {
    const found = this.#contexts.get(processor);
    if (found !== undefined) return found;
    const context = new ProcessorContext();
    this.#contexts.set(processor, context);
    return context;
  }

  /** The root of the structures that a use of the translation now stands for. */
  rootOf({ cached }: TrackedTranslation): FrameNumber {
    const context = this.#contexts.get(cached.processor);
    // A global translation serves every PCID; the root that it was filled from may be long gone.
    const root = cached.kind === 'tlb' && cached.global ? context?.loaded?.root : context?.of(cached.pcid)?.root;
    return root ?? cached.root;
  }

  walkBegin(event: EventOf<'walk-begin'>, sequence: number): void {
    const shortcut = event.shortcut === null ? null : (this.#tracked.get(event.shortcut.serial) ?? null);
    this.#walks.set(event.walk, { event, sequence, shortcut });
  }

  walkRead(event: EventOf<'walk-read'>): void {
    this.#lastRead.set(event.processor, event);
  }

  walkEnd(walk: number): void {
    this.#walks.delete(walk);
  }

  walk(walk: number): WalkInFlight | undefined {
    return this.#walks.get(walk);
  }

  fill(cached: CachedTranslation, time: number): void {
    const mm = inKernelHalf(cached.page) ? KERNEL_MM : (this.#spaces.get(cached.root) ?? 0);
    const tracked: TrackedTranslation = {
      cached,
      mm,
      filledAt: time,
      filledWhere: this.#whereabouts.locate(cached.processor),
      filledBy: this.#lastRead.get(cached.processor) ?? null,
      nodes: [],
      staleness: null,
      missed: [],
      overflowed: false,
      skipped: null,
    };
    this.#tracked.set(cached.serial, tracked);
    if (isGlobal(cached) && mm !== KERNEL_MM) this.#globalUserPages.add(tracked);
    let changedLately = this.rootOf(tracked) !== cached.root;
    for (const { address } of cached.sources) {
      if (this.#index.attach(tracked, address).history.length > 0) changedLately = true;
    }
    if (changedLately) this.#judgeFill(tracked);
  }

  remove(cached: CachedTranslation, sequence: number): TrackedTranslation | undefined {
    const tracked = this.#tracked.get(cached.serial);
    if (tracked === undefined) return undefined;
    this.#tracked.delete(cached.serial);
    this.#index.detach(tracked, sequence);
    this.#globalUserPages.delete(tracked);
    if (tracked.staleness !== null) this.stale.delete(tracked);
    return tracked;
  }

  entryWritten(event: EventOf<'paging-write'>, sequence: number, time: number): void {
    const node = this.#index.find(event.address);
    if (!isSignificant(event.before, event.after)) {
      // D set in memory again heals what was stale for D alone.
      for (const tracked of node?.dependents ?? []) {
        if (tracked.staleness === 'lost-accessed-dirty') this.#judge(tracked, null);
      }
      return;
    }
    if (this.#walks.size === 0 && (node === undefined || node.dependents.size === 0)) return;
    const { processor, address, before, after, issued } = event;
    const where = this.#whereabouts.locate(processor);
    const operation = this.#whereabouts.operationOf(processor);
    const change: EntryChange = {
      kind: 'entry',
      processor,
      sequence,
      time,
      where,
      operation,
      address,
      before,
      after,
      issued,
    };
    let handedOn = this.#walks.size > 0;
    for (const tracked of node?.dependents ?? []) {
      this.#judge(tracked, change);
      if (tracked.cached.kind !== 'tlb') handedOn = true;
    }
    if (handedOn) this.#index.remember(change, this.#oldestWalk(sequence));
  }

  rootLoaded(event: EventOf<'control-write'>, sequence: number, time: number): void {
    const context = this.contextOf(event.processor);
    const { pcid, root, before, loadedBefore } = context.load(event);
    const place = { processor: event.processor, sequence, time };
    const changeFrom = (from: FrameNumber): RootChange => ({
      kind: 'root',
      ...place,
      where: this.#whereabouts.locate(event.processor),
      operation: this.#whereabouts.operationOf(event.processor),
      pcid,
      before: from,
      after: root,
    });
    // Without bit 63 the processor forgets what it had for the PCID, within this very instruction.
    if (event.noFlush && before !== null && before !== root) {
      const change = changeFrom(before);
      context.recordChange(change);
      for (const tracked of this.#tracked.values()) {
        const { cached } = tracked;
        if (cached.processor === event.processor && cached.pcid === pcid && !isGlobal(cached)) {
          this.#judge(tracked, change);
        }
      }
    }
    if (this.#globalUserPages.size > 0 && loadedBefore !== null && loadedBefore !== root) {
      const change = changeFrom(loadedBefore);
      for (const tracked of this.#globalUserPages) {
        if (tracked.cached.processor === event.processor) this.#judge(tracked, change);
      }
    }
  }

  #judgeFill(tracked: TrackedTranslation): void {
    const { cached } = tracked;
    this.#judge(tracked, null);
    if (tracked.staleness === null) return;
    const missed: Change[] = [];
    const context = this.#contexts.get(cached.processor)?.of(cached.pcid);
    if (context !== undefined && context.change !== null && context.root !== cached.root) missed.push(context.change);
    for (const { address, entry } of cached.sources) {
      if (mayHaveRead(entry, this.#structures.read(address))) continue;
      // Read before the last change that overwrote the value read; were that forgotten, before all that are remembered.
      const history = this.#index.find(address)?.history ?? [];
      const read = history.findLastIndex(({ before }) => mayHaveRead(entry, before));
      missed.push(...history.slice(Math.max(read, 0)));
    }
    missed.sort((a, b) => a.sequence - b.sequence);
    if (missed.length === 0) {
      this.unexplained++;
      this.#setFresh(tracked);
      return;
    }
    for (const change of missed) this.#addMissed(tracked, change, true);
    this.stale.refreshDue(tracked);
  }

  /** Compares with memory; `change` is what has just happened to one of its entries. */
  #judge(tracked: TrackedTranslation, change: Change | null): void {
    const before = tracked.staleness;
    const staleness = wentAway(tracked, change) ? 'stale-frame' : this.#compare(tracked);
    if (staleness === null) {
      if (before !== null) this.#setFresh(tracked);
      return;
    }
    tracked.staleness = staleness;
    if (change !== null) {
      this.#addMissed(tracked, change, change.kind === 'root' || change.issued < change.time);
      this.stale.refreshDue(tracked);
    }
    if (before !== null) return;
    if (tracked.cached.kind === 'tlb') tracked.cached.watched = true;
    this.stale.add(tracked);
    this.#becameStale(tracked);
  }

  /** Where memory leads another way than it did, the entries on that way count from now on. */
  #compare(tracked: TrackedTranslation): Staleness | null {
    const { cached } = tracked;
    const walk = walkFor(this.#structures, tracked, this.rootOf(tracked));
    const reference = referenceWalk(walk, this.#structures.read, (address: PhysicalAddress) => {
      if (!cached.sources.some((source) => source.address === address)) this.#index.attach(tracked, address);
    });
    return compare(cached, reference);
  }

  #setFresh(tracked: TrackedTranslation): void {
    this.stale.delete(tracked);
    tracked.staleness = null;
    tracked.missed = [];
    tracked.overflowed = false;
    tracked.skipped = null;
    tracked.cached.watched = false;
  }

  #addMissed(tracked: TrackedTranslation, change: Change, mayBeDue: boolean): void {
    const due: Obligation | null = !mayBeDue
      ? null
      : change.kind === 'root'
        ? { kind: 'context-switch', processor: change.processor, pcid: change.pcid, time: change.time }
        : this.#obligations.find(change, tracked);
    tracked.missed.push({ change, due });
    if (tracked.missed.length <= MISSED_LIMIT) return;
    const dispensable = tracked.missed.findIndex((missed, index) => index > 0 && isDispensable(missed, tracked.missed));
    if (dispensable < 0) {
      tracked.overflowed = true;
      this.#overflows++;
    }
    tracked.missed.splice(Math.max(dispensable, 1), 1);
  }

  #oldestWalk(now: number): number {
    for (const { sequence } of this.#walks.values()) return sequence;
    return now;
  }
}

/** An entry that a fresh translation was built from, and nothing else leads to it, is not present any more: no need to walk. */
function wentAway({ staleness, nodes, cached }: TrackedTranslation, change: Change | null): boolean {
  if (staleness !== null || change === null || change.kind !== 'entry') return false;
  return (change.after & PagingEntry.P) === 0n && nodes.length === cached.sources.length;
}

/** What is due allows nothing, and what a later change overwrote again is allowed by that one for longer. */
function isDispensable({ change, due }: MissedChange, missed: readonly MissedChange[]): boolean {
  if (due !== null) return true;
  return missed.some(
    ({ change: later }) =>
      later.kind === 'entry' &&
      change.kind === 'entry' &&
      later.sequence > change.sequence &&
      later.address === change.address &&
      later.before === change.before,
  );
}

function isSignificant(before: bigint, after: bigint): boolean {
  return ((before ^ after) & SIGNIFICANT) !== 0n || (before & ~after & PagingEntry.D) !== 0n;
}

/** Whether a walk may have read `entry` when the value was `before`: others may have set A and D since. */
function mayHaveRead(entry: bigint, before: bigint): boolean {
  return ((entry ^ before) & SIGNIFICANT) === 0n && (entry & ~before & PagingEntry.D) === 0n;
}
