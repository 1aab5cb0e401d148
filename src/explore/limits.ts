/** When to stop, and whom to tell about progress. Time comes from outside: the explorer has no clock. */
import type { Counts } from './verdict.ts';

export interface Limits {
  readonly executions?: number;
  readonly steps?: number;
  /** In the unit of `now`. */
  readonly time?: number;
  readonly now?: () => number;
  /** Where an execution is given up. Default 10000. */
  readonly stepsPerExecution?: number;
}

export interface Progress {
  readonly counts: Counts;
  /** The part of the search tree that is done, as far as it is known yet; between 0 and 1. */
  readonly fraction: number;
}

export interface Reporting {
  /** Called after each `every` executions. Result false: stop here. */
  readonly progress?: (progress: Progress) => boolean;
  readonly every?: number;
}

export const DEFAULT_STEPS_PER_EXECUTION = 10_000;
