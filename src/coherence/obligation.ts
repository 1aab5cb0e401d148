/**
 * What makes a change due: from when on a translation that has missed it may not be used.
 *
 * The contract begins when a flush *returns* (not when a generation is advanced), or when the kernel promises by returning
 * from an operation. It is about the changes made before the flush began; for a batched flush, before the last page was
 * added to the batch. A frame that was handed back needs no promise: whoever maps it must be gone by then; nor does a PCID
 * that other paging structures were loaded behind.
 */
import type { FrameNumber } from '../arch/address.ts';
import { assert, present } from '../base/assert.ts';
import type { AddressRange, KernelEvent } from '../event/event.ts';
import { type AddressRegion, concerns, EVERY_MM, regionOf } from './address-region.ts';
import { type Change, type Moment, precedes } from './change.ts';
import type { FlushDecision } from './flush-matrix.ts';
import type { TrackedTranslation } from './tracked-translation.ts';

export interface FlushObligation {
  readonly kind: 'flush';
  readonly flush: number;
  readonly reason: string;
  readonly processor: number;
  readonly where: string | null;
  readonly range: AddressRange;
  readonly batch: boolean;
  readonly began: number;
  readonly returned: number;
  /** What was decided for each processor. */
  readonly decisions: readonly Readonly<FlushDecision>[];
}

export interface PromiseObligation {
  readonly kind: 'promise';
  readonly why: string;
  readonly processor: number;
  readonly where: string | null;
  readonly range: AddressRange;
  readonly time: number;
}

export type Obligation =
  | FlushObligation
  | PromiseObligation
  | { readonly kind: 'frame-free'; readonly frame: FrameNumber; readonly processor: number; readonly time: number }
  | { readonly kind: 'context-switch'; readonly processor: number; readonly pcid: number; readonly time: number };

/** A promise in force: every change to `region` that it is about must have been seen. */
export interface Promised {
  readonly region: AddressRegion;
  /** It is about changes before this moment ... */
  readonly moment: Moment;
  /** ... or, if other processors made them, before this one. */
  readonly others: Moment;
  readonly made: number;
  readonly obligation: FlushObligation | PromiseObligation;
}

export interface OpenFlush {
  readonly event: Extract<KernelEvent, { kind: 'flush-begin' }>;
  readonly regions: readonly AddressRegion[];
  /** For each range, the moment before which changes are promised; null where a batch holds nothing of that mm. */
  readonly moments: readonly (Moment | null)[];
  readonly began: number;
  readonly where: string | null;
  readonly decisions: FlushDecision[];
}

/** Promises kept at least; beyond, those older than every change that a later fill may have missed are dropped. */
const LOG_LIMIT = 4096;
const LOG_LIMIT_AT_MOST = 65_536;

export class Obligations {
  readonly #open = new Map<number, OpenFlush>();
  readonly #openByProcessor = new Map<number, OpenFlush[]>();
  /** By mm, then by processor. */
  readonly #lastBatchAdd = new Map<number, Map<number, Moment>>();
  /** Promises in force by mm, oldest first. */
  readonly #log = new Map<number, Promised[]>();
  readonly #oldestChange: () => number;
  /** Promises dropped although somebody may still ask for them. */
  forgotten = 0;

  /** `oldestChange`: the step at which the oldest change was executed that a fill may still turn out to have missed. */
  constructor(oldestChange: () => number) {
    this.#oldestChange = oldestChange;
  }

  batchAdd(mm: number, moment: Moment): void {
    const byProcessor = this.#lastBatchAdd.get(mm);
    if (byProcessor === undefined) this.#lastBatchAdd.set(mm, new Map([[moment.processor, moment]]));
    else byProcessor.set(moment.processor, moment);
  }

  begin(event: Extract<KernelEvent, { kind: 'flush-begin' }>, moment: Moment, where: string | null): void {
    assert(!this.#open.has(event.flush), `flush ${event.flush} began twice`);
    const open: OpenFlush = {
      event,
      regions: event.ranges.map(regionOf),
      moments: event.ranges.map((range) =>
        event.batch ? (this.#lastBatchAdd.get(range.mm)?.get(event.processor) ?? null) : moment,
      ),
      began: moment.time,
      where,
      decisions: [],
    };
    this.#open.set(event.flush, open);
    const stack = this.#openByProcessor.get(event.processor);
    if (stack === undefined) this.#openByProcessor.set(event.processor, [open]);
    else stack.push(open);
  }

  /** The flush returns: the promises that it makes. */
  return(flush: number, time: number): readonly Promised[] {
    const open = present(this.#open.get(flush), `the beginning of flush ${flush}`);
    this.#open.delete(flush);
    const stack = present(this.#openByProcessor.get(open.event.processor), 'flushes of a processor');
    stack.splice(stack.indexOf(open), 1);
    const { processor, reason, batch, ranges } = open.event;
    const promises: Promised[] = [];
    for (const [index, range] of ranges.entries()) {
      const moment = open.moments[index] ?? null;
      if (moment === null) continue;
      const obligation: FlushObligation = {
        kind: 'flush',
        flush,
        reason,
        processor,
        where: open.where,
        range,
        batch,
        began: open.began,
        returned: time,
        decisions: open.decisions,
      };
      promises.push(this.#promise({ region: regionOf(range), moment, others: moment, made: time, obligation }));
    }
    return promises;
  }

  /** What an operation's return promises. Others may have changed the range since it began, and owe that themselves. */
  promise(
    event: Extract<KernelEvent, { kind: 'promise' }>,
    moment: Moment,
    { where, operationBegan }: { where: string | null; operationBegan: Moment | null },
  ): Promised {
    const { processor, range, why } = event;
    const obligation: PromiseObligation = { kind: 'promise', why, processor, where, range, time: moment.time };
    const others = operationBegan ?? moment;
    return this.#promise({ region: regionOf(range), moment, others, made: moment.time, obligation });
  }

  /** The address space is gone, and its number is never used again. */
  forget(mm: number): void {
    this.#log.delete(mm);
    this.#lastBatchAdd.delete(mm);
  }

  /** From which moments the flushes under way promise, and batches that are open: in the order of their beginning. */
  *moments(): Generator<Moment> {
    for (const { moments } of this.#open.values()) for (const moment of moments) if (moment !== null) yield moment;
    for (const byProcessor of this.#lastBatchAdd.values()) yield* byProcessor.values();
  }

  openFlush(flush: number): OpenFlush | undefined {
    return this.#open.get(flush);
  }

  /** The flush that this processor is in the middle of. */
  innermost(processor: number): OpenFlush | null {
    return this.#openByProcessor.get(processor)?.at(-1) ?? null;
  }

  /** The first promise in force that a translation with this change missed would break. */
  find(change: Change, tracked: TrackedTranslation): Obligation | null {
    const since = change.kind === 'entry' ? change.issued : change.time;
    const own = firstBroken(this.#log.get(tracked.mm), since, change, tracked);
    const general = firstBroken(this.#log.get(EVERY_MM), since, change, tracked);
    if (own === null || general === null) return (own ?? general)?.obligation ?? null;
    return (own.made <= general.made ? own : general).obligation;
  }

  #promise(promised: Promised): Promised {
    const log = this.#log.get(promised.region.mm);
    if (log === undefined) this.#log.set(promised.region.mm, [promised]);
    else {
      log.push(promised);
      if (log.length % LOG_LIMIT === 0) this.#prune(log);
    }
    return promised;
  }

  /** A late fill, or a late drain, may ask for promises made since its change was executed: the newest are always kept. */
  #prune(log: Promised[]): void {
    const oldest = this.#oldestChange();
    const needed = log.findIndex(({ made }) => made >= oldest);
    log.splice(0, Math.min(needed < 0 ? log.length : needed, log.length - LOG_LIMIT / 2));
    if (log.length > LOG_LIMIT_AT_MOST) this.forgotten += log.splice(0, log.length - LOG_LIMIT).length;
  }
}

export function isAbout(promised: Promised, change: Change): boolean {
  const own = change.processor === promised.moment.processor;
  return precedes(change, own ? promised.moment : promised.others);
}

function firstBroken(
  log: readonly Promised[] | undefined,
  since: number,
  change: Change,
  tracked: TrackedTranslation,
): Promised | null {
  if (log === undefined) return null;
  let found: Promised | null = null;
  for (let index = log.length - 1; index >= 0; index--) {
    const promised = log[index];
    if (promised === undefined || promised.made < since) break;
    if (isAbout(promised, change) && concerns(promised.region, tracked)) found = promised;
  }
  return found;
}
