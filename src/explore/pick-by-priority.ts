/**
 * Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with
 * probabilistic guarantees of finding bugs", ASPLOS 2010): threads have random priorities, the highest that can step
 * does, and at depth - 1 random moments whoever would be next falls below all others. With n threads and k steps a bug
 * of that depth is met with probability at least 1 / (n·k^(depth-1)).
 */
import type { Random } from '../base/random.ts';
import type { Model } from './model.ts';
import type { Picker } from './run.ts';

export function pickByPriority<Step>(
  model: Model<Step>,
  random: Random,
  options: { readonly depth: number; readonly length: number },
): Picker<Step> {
  const priorities = Array.from({ length: model.threads }, (_, thread) => thread + options.depth);
  for (let last = priorities.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [priorities[last], priorities[other]] = [priorities[other] as number, priorities[last] as number];
  }
  /** From the moment to the priority that falls to whoever is next. */
  const changes = new Map<number, number>();
  for (let change = 1; change < options.depth; change++) {
    changes.set(random.below(Math.max(options.length, 1)), options.depth - change);
  }
  const highest = (steps: readonly Step[]): number => {
    let best = 0;
    for (let index = 1; index < steps.length; index++) {
      if (priority(steps[index] as Step) > priority(steps[best] as Step)) best = index;
    }
    return best;
  };
  const priority = (step: Step): number => priorities[model.thread(step)] as number;
  return {
    pick(steps, taken) {
      const change = changes.get(taken);
      if (change !== undefined) priorities[model.thread(steps[highest(steps)] as Step)] = change;
      const best = highest(steps);
      const thread = model.thread(steps[best] as Step);
      const alternatives = steps.flatMap((step, index) => (model.thread(step) === thread ? [index] : []));
      return alternatives.length === 1 ? best : random.pick(alternatives);
    },
  };
}
