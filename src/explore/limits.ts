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
  /** The part of the known search tree that is done, 0 to 1. Falls back when a reduced search finds more to explore. */
  readonly fraction: number;
}

export interface Reporting {
  /** Called after each `every` executions. Result false: stop here. */
  readonly progress?: (progress: Progress) => boolean;
  readonly every?: number;
}

export const DEFAULT_STEPS_PER_EXECUTION = 10_000;
