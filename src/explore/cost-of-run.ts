/** How hard an execution is to follow: first by its preemptions, then by its changes of thread, then by its steps. */
import type { Model } from './model.ts';
import type { Schedule } from './model.ts';

export interface RunCost {
  readonly preemptions: number;
  readonly changes: number;
  readonly steps: number;
}

export function isCheaper(a: RunCost, b: RunCost): boolean {
  if (a.preemptions !== b.preemptions) return a.preemptions < b.preemptions;
  if (a.changes !== b.changes) return a.changes < b.changes;
  return a.steps < b.steps;
}

/**
 * A preemption is a change away from a thread that could go on. The environment's steps are changes, but preempt nobody.
 * The same rule as the preemption bound's.
 */
export function costOfRun<Step>(model: Model<Step>, schedule: Schedule): RunCost {
  const system = model.create();
  let preemptions = 0;
  let changes = 0;
  let current = -1;
  let latest = -1;
  for (const choice of schedule) {
    const steps = system.enabled();
    const step = steps[choice] as Step;
    const thread = model.thread(step);
    if (thread !== latest && latest !== -1) changes++;
    latest = thread;
    if (!(model.background?.(step) ?? false)) {
      if (thread !== current && steps.some((other) => model.thread(other) === current)) preemptions++;
      current = thread;
    }
    system.apply(step);
  }
  return { preemptions, changes, steps: schedule.length };
}
