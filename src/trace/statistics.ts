/** Counts of what happened, by processor: the figures of a report. TLB hits are counted by the MMU, not here. */
import { InvariantError } from '../base/errors.ts';
import type { MachineEvent } from '../event/event.ts';

const NOTHING = {
  /** Flushes that the processor began. */
  flushes: 0,
  /** Decisions that left a flush out because the processor was lazy. */
  lazySkips: 0,
  ipisSent: 0,
  ipisAccepted: 0,
  /** Of the accepted ones, those that found their vector pending already. */
  ipisCoalesced: 0,
  /** INVLPGB instructions. */
  broadcasts: 0,
  interrupts: 0,
  walks: 0,
  /** Of the walks, those that no access asked for. */
  speculativeWalks: 0,
  walkReads: 0,
  exceptions: 0,
  contextSwitches: 0,
  operations: 0,
  assertions: 0,
} as const;

export type Counter = keyof typeof NOTHING;

/** What the same events come to by kind. */
export interface Breakdown {
  /** Flushes, by what they were asked for. */
  readonly flushReasons: ReadonlyMap<string, number>;
  /** What was decided for the processor: full, partial or skip, for each flush or context switch that it met. */
  readonly decisions: ReadonlyMap<string, number>;
  /** The same with the reason, its numbers replaced by `#`: `skip: generation already #`. */
  readonly reasons: ReadonlyMap<string, number>;
  /** By kind of translation. */
  readonly fills: ReadonlyMap<string, number>;
  /** By cause. */
  readonly removals: ReadonlyMap<string, number>;
  /** Invalidating operations, by which. */
  readonly invalidations: ReadonlyMap<string, number>;
  /** By vector. */
  readonly exceptionVectors: ReadonlyMap<string, number>;
}

export class Counts {
  readonly of: Record<Counter, number> = { ...NOTHING };
  readonly by = {
    flushReasons: new Map<string, number>(),
    decisions: new Map<string, number>(),
    reasons: new Map<string, number>(),
    fills: new Map<string, number>(),
    removals: new Map<string, number>(),
    invalidations: new Map<string, number>(),
    exceptionVectors: new Map<string, number>(),
  } satisfies Breakdown;

  /** Counts an event; most tell of nothing that is counted here. */
  count(event: MachineEvent): void {
    switch (event.kind) {
      case 'flush-begin':
        this.of.flushes++;
        increment(this.by.flushReasons, event.reason);
        break;
      case 'flush-decision':
        increment(this.by.decisions, event.action);
        increment(this.by.reasons, `${event.action}: ${event.why.replaceAll(/\d+/g, '#')}`);
        if (event.action === 'skip' && event.why.startsWith('lazy')) this.of.lazySkips++;
        break;
      case 'ipi-send':
        this.of.ipisSent++;
        break;
      case 'ipi-accept':
        this.of.ipisAccepted++;
        if (event.coalesced) this.of.ipisCoalesced++;
        break;
      case 'invlpgb':
        this.of.broadcasts++;
        break;
      case 'interrupt-begin':
        this.of.interrupts++;
        break;
      case 'walk-begin':
        this.of.walks++;
        if (event.speculative) this.of.speculativeWalks++;
        break;
      case 'walk-read':
        this.of.walkReads++;
        break;
      case 'fill':
        increment(this.by.fills, event.cached.kind);
        break;
      case 'removal':
        increment(this.by.removals, event.cause);
        break;
      case 'invalidation':
        increment(this.by.invalidations, event.by);
        break;
      case 'exception':
        this.of.exceptions++;
        increment(this.by.exceptionVectors, String(event.exception.vector));
        break;
      case 'switch':
        this.of.contextSwitches++;
        break;
      case 'operation-begin':
        this.of.operations++;
        break;
      case 'assertion':
        this.of.assertions++;
        break;
    }
  }

  add(more: Counts): void {
    for (const counter of COUNTERS) this.of[counter] += more.of[counter];
    for (const table of TABLES) {
      for (const [key, count] of more.by[table]) increment(this.by[table], key, count);
    }
  }
}

export const COUNTERS = Object.keys(NOTHING) as readonly Counter[];
export const TABLES = Object.keys(new Counts().by) as readonly (keyof Breakdown)[];

export class Statistics {
  readonly processors: readonly Counts[];

  constructor(processors: number) {
    this.processors = Array.from({ length: processors }, () => new Counts());
  }

  readonly observe = (event: MachineEvent): void => {
    if (!('processor' in event)) return;
    const counts = this.processors[event.processor];
    if (counts === undefined) throw new InvariantError(`an event of processor ${event.processor}`);
    counts.count(event);
  };

  /** The sum over all processors. */
  total(): Counts {
    const sum = new Counts();
    for (const processor of this.processors) sum.add(processor);
    return sum;
  }
}

function increment(counts: Map<string, number>, key: string, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
