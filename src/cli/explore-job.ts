/** What the command and its search threads say to each other: plain data, as structured cloning asks. */
import type { Strategy } from '../explore/explore.ts';
import type { Counts, Result } from '../explore/verdict.ts';
import type { ExplorationOptions } from '../scenario/exploration/exploration.ts';

export interface SearchLimits {
  /** Of each part. */
  readonly executions: number;
  /** When to end, by the clock that Date.now() reads. */
  readonly deadline: number | null;
  readonly keepGoing: boolean;
}

/** What a search thread is started with. */
export interface SearchOrder {
  readonly exploration: ExplorationOptions;
  readonly strategy: Strategy;
  readonly limits: SearchLimits;
  /** About how many parts the search is split into; the parts are the same in every thread. */
  readonly parts: number;
  /** One Int32: not 0 once the search is to end. */
  readonly stop: SharedArrayBuffer;
}

/** To a thread: the number of a part, out of how many there are. Null: no more. */
export type PartOrder = { readonly part: number; readonly count: number } | null;

export type FromThread =
  /** Ready for a part; says how many there are. */
  | { readonly kind: 'ready'; readonly count: number }
  | { readonly kind: 'progress'; readonly counts: Counts; readonly fraction: number }
  | { readonly kind: 'part'; readonly part: number; readonly result: Result }
  /** The guest asked for what is not modelled, or something is wrong with the workload. */
  | { readonly kind: 'failed'; readonly error: 'unsupported' | 'input'; readonly message: string };
