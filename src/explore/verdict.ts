/** What a search says at its end. A limit is never a pass. */
import type { Schedule, Violation } from './model.ts';

/**
 * `exhausted`: every execution within the strategy's bound is covered and none violates anything. `violation`: at least
 * one does. `limit`: something was left out, and nothing found in the rest.
 */
export type Verdict = 'exhausted' | 'violation' | 'limit';

export interface Counts {
  /** Executions that reached an end with all work done. */
  readonly complete: number;
  /** Executions that ended in a deadlock. */
  readonly blocked: number;
  /** Given up because all that could follow is covered by another execution (sleep sets). */
  readonly asleep: number;
  /** Given up at a state that had been explored before. */
  readonly cached: number;
  /** Given up at the limit of steps an execution. */
  readonly truncated: number;
  /** Steps applied, those of re-execution included. */
  readonly steps: number;
  /** Steps taken for the first time from their place in the search: edges of the explored tree. */
  readonly transitions: number;
  /** Distinct states, where the strategy recognises them; else 0. */
  readonly states: number;
  /** Choices left out because the strategy's bound forbids them. */
  readonly cut: number;
}

export interface Finding {
  readonly violation: Violation;
  /** The first execution that showed it, up to and including the step that did. */
  readonly schedule: Schedule;
  /** How many of the explored executions did it. */
  readonly executions: number;
  /** The part of the split search that found it first; 0 without a split. */
  readonly part: number;
}

export interface Result {
  readonly verdict: Verdict;
  readonly counts: Counts;
  /** Which limit ended the search, if one did. */
  readonly limit: LimitKind | null;
  /** Ascending by name. The number counts explored executions, not interleavings. */
  readonly outcomes: readonly (readonly [outcome: string, executions: number])[];
  /** In the order found. */
  readonly findings: readonly Finding[];
}

export type LimitKind = 'executions' | 'steps' | 'time' | 'steps-per-execution' | 'samples' | 'interrupted';

/** All executions that were begun. */
export function executions(counts: Counts): number {
  return counts.complete + counts.blocked + counts.asleep + counts.cached + counts.truncated;
}
