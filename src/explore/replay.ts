/** Repeats an execution from its schedule, exactly or not at all, and may go on beyond its end. */
import { InputError } from '../base/errors.ts';
import { DEFAULT_STEPS_PER_EXECUTION } from './limits.ts';
import type { Model, Schedule } from './model.ts';
import { type Picker, type Run, run } from './run.ts';

export interface ReplayOptions<Step> {
  /** Who chooses after the schedule's last step. Without one the run ends there. */
  readonly continueWith?: Picker<Step>;
  readonly stepsPerExecution?: number;
}

/** Throws InputError if the schedule asks for a step that there is not. */
export function replay<Step>(model: Model<Step>, schedule: Schedule, options: ReplayOptions<Step> = {}): Run<Step> {
  const continued = options.continueWith;
  const picker: Picker<Step> = {
    pick(steps, taken, system) {
      const choice = schedule[taken];
      if (choice === undefined) return continued?.pick(steps, taken, system) ?? null;
      if (choice < steps.length) return choice;
      throw new InputError(
        `step ${taken + 1} asks for choice ${choice + 1} where there are ${steps.length}: it belongs to another workload`,
        { file: 'schedule' },
      );
    },
  };
  const stepsPerExecution = Math.max(options.stepsPerExecution ?? DEFAULT_STEPS_PER_EXECUTION, schedule.length);
  const replayed = run(model, picker, { stepsPerExecution });
  if (replayed.schedule.length < schedule.length) {
    throw new InputError(
      `the execution ends after ${replayed.schedule.length} of ${schedule.length} steps: it belongs to another workload`,
      { file: 'schedule' },
    );
  }
  return replayed;
}
