/**
 * What a choice of the scheduler costs, for searches that bound the cost of an execution. Most bugs need little: two
 * preemptions (Musuvathi and Qadeer, "Iterative context bounding", PLDI 2007), or a few delays of a fixed scheduler
 * (Emmi, Qadeer, Rakamarić, "Delay-bounded scheduling", POPL 2011).
 */
import { unreachable } from '../base/assert.ts';

export type Bound =
  /** Everything. */
  | { readonly kind: 'none' }
  /** Leaving a thread that could go on costs 1. */
  | { readonly kind: 'preemptions'; readonly most: number }
  /** The scheduler goes on with a thread as long as it can, then with the next in a circle; skipping one costs 1. */
  | { readonly kind: 'delays'; readonly most: number };

/** What the rule needs of a state: for each enabled step its thread, and which are the environment's. */
export interface Choices {
  readonly threads: readonly number[];
  readonly background: readonly boolean[];
  /** The thread that took the last step that was not the environment's; -1 at the beginning. */
  readonly current: number;
  /** The number of threads of the model. */
  readonly circle: number;
}

export function budget(bound: Bound): number {
  return bound.kind === 'none' ? 0 : bound.most;
}

/** The cost of the choice with this index. The environment's steps preempt nobody, but they can be delayed. */
export function cost(bound: Bound, choices: Choices, index: number): number {
  switch (bound.kind) {
    case 'none':
      return 0;
    case 'preemptions': {
      if (choices.background[index] === true || choices.threads[index] === choices.current) return 0;
      return choices.threads.includes(choices.current) ? 1 : 0;
    }
    case 'delays': {
      const from = Math.max(choices.current, 0);
      const turn = (thread: number): number => (thread - from + choices.circle) % choices.circle;
      const own = turn(choices.threads[index] as number);
      const skipped = new Set(choices.threads.filter((thread) => turn(thread) < own));
      return skipped.size;
    }
    default:
      return unreachable(bound);
  }
}

/** The thread that is current after the choice. */
export function currentAfter(choices: Choices, index: number): number {
  return choices.background[index] === true ? choices.current : (choices.threads[index] as number);
}
