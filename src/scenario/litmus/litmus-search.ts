/**
 * Explores every execution of a litmus test and holds it to what it expects: of an allowed condition an execution in which
 * it holds, of a forbidden one none in all there are.
 */
import { present } from '../../base/assert.ts';
import { explore, type ExploreOptions } from '../../explore/explore.ts';
import { type Picker, run } from '../../explore/run.ts';
import { encodeSchedule } from '../../explore/schedule-token.ts';
import type { Counts } from '../../explore/verdict.ts';
import { parseLitmus } from '../../workload/litmus-parser.ts';
import type { LitmusExecution } from './litmus-execution.ts';
import { litmusModel } from './litmus-model.ts';
import { type LitmusOptions, LitmusSetup } from './litmus-setup.ts';
import type { LitmusStep } from './litmus-step.ts';

/** `unknown`: a limit ended the search before it could tell. */
export type LitmusVerdict = 'as expected' | 'not as expected' | 'unknown';

export interface ConditionResult {
  readonly expected: 'allowed' | 'forbidden';
  readonly condition: string;
  readonly line: number;
  readonly verdict: LitmusVerdict;
  /** An execution in which the condition holds; null if none was met. */
  readonly witness: Witness | null;
}

export interface Witness {
  /** The schedule as a token, for this text and these switches. */
  readonly token: string;
  readonly outcome: string;
  /** What was done, in words. */
  readonly steps: readonly string[];
}

export interface LitmusResult {
  readonly title: string;
  readonly verdict: LitmusVerdict;
  readonly conditions: readonly ConditionResult[];
  /** Ascending; the number counts explored executions, not interleavings. */
  readonly outcomes: readonly (readonly [outcome: string, executions: number])[];
  readonly counts: Counts;
}

export interface LitmusSearchOptions extends LitmusOptions, Pick<ExploreOptions, 'executions' | 'time' | 'now'> {
  /** Whether finished states are recognised: fewer executions, and counts that are no longer those of traces. */
  readonly remember?: boolean;
  /** The program's own version, part of a token. */
  readonly version: string;
}

/** Throws InputError for what is wrong with the text or the switches. */
export function searchLitmus(text: string, file: string, options: LitmusSearchOptions): LitmusResult {
  const test = parseLitmus(text, file);
  const setup = new LitmusSetup(test, file, options);
  let latest: LitmusExecution | null = null;
  const witnesses: (readonly LitmusStep[] | null)[] = test.expectations.map(() => null);
  setup.ended = (execution) => {
    for (const [index, holds] of setup.conditions.holding(execution).entries()) {
      if (holds) witnesses[index] ??= [...execution.trail];
    }
  };
  const model = litmusModel(setup, (execution) => {
    latest = execution;
  });
  const { executions, time, now, remember = true } = options;
  const limits = {
    ...(executions === undefined ? {} : { executions }),
    ...(time === undefined ? {} : { time }),
    ...(now === undefined ? {} : { now }),
  };
  const { counts, limit, outcomes } = explore(
    model,
    { kind: 'reduced', remember },
    { ...limits, deadlocksAllowed: true },
  );
  const identity = JSON.stringify({ version: options.version, text, switches: setup.switches });
  const conditions = test.expectations.map(({ allowed, text: condition, place }, index): ConditionResult => {
    const trail = witnesses[index] ?? null;
    const verdict =
      trail === null && limit !== null ? 'unknown' : (trail !== null) === allowed ? 'as expected' : 'not as expected';
    const witness = trail === null ? null : witnessOf(trail);
    return { expected: allowed ? 'allowed' : 'forbidden', condition, line: place.line, verdict, witness };
  });
  return { title: test.title, verdict: together(conditions), conditions, outcomes, counts };

  function witnessOf(trail: readonly LitmusStep[]): Witness {
    const { schedule } = run(model, following(trail), { stepsPerExecution: trail.length + 1 });
    const outcome = present(present(latest, 'the execution').outcome(), 'the outcome of the witness');
    return {
      token: encodeSchedule(schedule, identity),
      outcome,
      steps: trail.map((step) => setup.describe(step, text)),
    };
  }
}

function together(conditions: readonly ConditionResult[]): LitmusVerdict {
  if (conditions.some(({ verdict }) => verdict === 'not as expected')) return 'not as expected';
  return conditions.some(({ verdict }) => verdict === 'unknown') ? 'unknown' : 'as expected';
}

/** Takes the same steps again. */
function following(trail: readonly LitmusStep[]): Picker<LitmusStep> {
  return {
    pick(steps, taken) {
      const wanted = trail[taken];
      if (wanted === undefined) return null;
      return steps.findIndex(({ key, thread }) => key === wanted.key && thread === wanted.thread);
    },
  };
}
