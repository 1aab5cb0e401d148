/** Without preemptions: goes on with a thread as long as it can, then takes the first step that is possible. */
import type { Model } from './model.ts';
import type { Picker } from './run.ts';

export function pickInTurn<Step>(model: Model<Step>, from = -1): Picker<Step> {
  let current = from;
  return {
    pick(steps) {
      const own = steps.findIndex((step) => model.thread(step) === current);
      const choice = Math.max(own, 0);
      current = model.thread(steps[choice] as Step);
      return choice;
    },
  };
}
