/** One execution, from the start to its end, with somebody else choosing: for sampling, replay and shrinking. */
import { assert } from '../base/assert.ts';
import type { Model, Schedule, System, Violation } from './model.ts';

/** Chooses among the steps of a state. */
export interface Picker<Step> {
  /** An index into the steps, of which there is at least one. Null: end the run here. */
  pick(steps: readonly Step[], taken: number, system: System<Step>): number | null;
}

export interface Run<Step> {
  readonly schedule: Schedule;
  readonly steps: readonly Step[];
  /** Each with the number of steps taken when it was found. */
  readonly violations: readonly { readonly violation: Violation; readonly after: number }[];
  /** `ended` by itself, with an outcome or, null, in a deadlock; `left` by the picker; `truncated` at the limit. */
  readonly end: { readonly kind: 'ended'; readonly outcome: string | null } | { readonly kind: 'left' | 'truncated' };
}

export interface RunOptions {
  readonly stepsPerExecution: number;
  /** Stop after the first violation. */
  readonly untilViolation?: boolean;
}

export function run<Step>(model: Model<Step>, picker: Picker<Step>, options: RunOptions): Run<Step> {
  const system = model.create();
  const schedule: number[] = [];
  const steps: Step[] = [];
  const violations: { violation: Violation; after: number }[] = [];
  for (;;) {
    const enabled = system.enabled();
    if (enabled.length === 0) {
      return { schedule, steps, violations, end: { kind: 'ended', outcome: system.outcome() } };
    }
    if (steps.length >= options.stepsPerExecution) return { schedule, steps, violations, end: { kind: 'truncated' } };
    const choice = picker.pick(enabled, steps.length, system);
    if (choice === null) return { schedule, steps, violations, end: { kind: 'left' } };
    const step = enabled[choice];
    assert(step !== undefined, `choice ${choice} of ${enabled.length}`);
    system.apply(step);
    schedule.push(choice);
    steps.push(step);
    const violation = system.violation?.() ?? null;
    if (violation === null) continue;
    violations.push({ violation, after: steps.length });
    if (options.untilViolation === true) return { schedule, steps, violations, end: { kind: 'left' } };
  }
}
