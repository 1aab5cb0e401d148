/**
 * Explores every execution of a litmus test and holds it to what it expects: of an allowed condition an execution in which
 * it holds, of a forbidden one none in all there are.
 */
import { present } from '../../base/assert.ts';
import { explore, type ExploreOptions } from '../../explore/explore.ts';
import type { Model } from '../../explore/model.ts';
import { replay } from '../../explore/replay.ts';
import { type Picker, run } from '../../explore/run.ts';
import { decodeSchedule, encodeSchedule } from '../../explore/schedule-token.ts';
import type { Counts, LimitKind } from '../../explore/verdict.ts';
import type { LitmusTest } from '../../workload/litmus-ast.ts';
import { parseLitmus } from '../../workload/litmus-parser.ts';
import type { LitmusExecution } from './litmus-execution.ts';
import { litmusModel } from './litmus-model.ts';
import { LitmusSetup } from './litmus-setup.ts';
import type { LitmusStep } from './litmus-step.ts';

/** `unknown`: a limit ended the search before it could tell. */
export type LitmusVerdict = 'as-expected' | 'not-as-expected' | 'unknown';

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
  /** Null: some processor waits for ever, or the schedule ends before the execution does. */
  readonly outcome: string | null;
  /** What was done, in words. */
  readonly steps: readonly string[];
}

export interface LitmusResult {
  readonly verdict: LitmusVerdict;
  readonly conditions: readonly ConditionResult[];
  /** Ascending; the number counts explored executions, not interleavings. */
  readonly outcomes: readonly (readonly [outcome: string, executions: number])[];
  readonly counts: Counts;
  readonly limit: LimitKind | null;
}

export interface LitmusSource {
  readonly text: string;
  readonly file: string;
  /** `pcid=off`, after the test's own. */
  readonly switches?: readonly string[];
  /** The program's own version, part of a token. */
  readonly version: string;
}

export class LitmusSearch {
  readonly test: LitmusTest;
  readonly #text: string;
  readonly #setup: LitmusSetup;
  readonly #identity: string;
  readonly #model: Model<LitmusStep>;
  #latest: LitmusExecution | null = null;

  /** Throws InputError for what is wrong with the text or the switches. */
  constructor({ text, file, switches = [], version }: LitmusSource) {
    this.test = parseLitmus(text, file);
    this.#text = text;
    this.#setup = new LitmusSetup(this.test, file, { switches });
    this.#identity = JSON.stringify({ version, text, switches: this.#setup.switches });
    this.#model = litmusModel(this.#setup, (execution) => {
      this.#latest = execution;
    });
  }

  /** Throws InputError where an instruction of the test raises an exception that no test is about. */
  explore(limits: Pick<ExploreOptions, 'executions' | 'time' | 'now'> = {}): LitmusResult {
    const witnesses: (readonly LitmusStep[] | null)[] = this.test.expectations.map(() => null);
    this.#setup.ended = (execution) => {
      for (const [index, holds] of this.#setup.conditions.holding(execution).entries()) {
        if (holds) witnesses[index] ??= [...execution.trail];
      }
    };
    const strategy = { kind: 'reduced', remember: true } as const;
    const { counts, limit, outcomes } = explore(this.#model, strategy, { ...limits, deadlocksAllowed: true });
    const conditions = this.test.expectations.map(({ allowed, text: condition, place }, index): ConditionResult => {
      const trail = witnesses[index] ?? null;
      return {
        expected: allowed ? 'allowed' : 'forbidden',
        condition,
        line: place.line,
        verdict: judge({ allowed, isMet: trail !== null, isComplete: limit === null }),
        witness: trail === null ? null : this.#witness(trail),
      };
    });
    return { verdict: together(conditions), conditions, outcomes, counts, limit };
  }

  /** Repeats a schedule. Throws InputError for a token of another version, text or choice of switches. */
  replay(token: string): Witness {
    const { steps, end } = replay(this.#model, decodeSchedule(token, this.#identity));
    return { token, outcome: end.kind === 'ended' ? end.outcome : null, steps: this.#inWords(steps) };
  }

  #witness(trail: readonly LitmusStep[]): Witness {
    const { schedule } = run(this.#model, following(trail), { stepsPerExecution: trail.length + 1 });
    const outcome = present(this.#latest, 'the execution').outcome();
    return { token: encodeSchedule(schedule, this.#identity), outcome, steps: this.#inWords(trail) };
  }

  #inWords(steps: readonly LitmusStep[]): string[] {
    return steps.map((step) => this.#setup.describe(step, this.#text));
  }
}

interface Findings {
  readonly allowed: boolean;
  readonly isMet: boolean;
  readonly isComplete: boolean;
}

function judge({ allowed, isMet, isComplete }: Findings): LitmusVerdict {
  if (isMet) return allowed ? 'as-expected' : 'not-as-expected';
  if (!isComplete) return 'unknown';
  return allowed ? 'not-as-expected' : 'as-expected';
}

function together(conditions: readonly ConditionResult[]): LitmusVerdict {
  if (conditions.some(({ verdict }) => verdict === 'not-as-expected')) return 'not-as-expected';
  return conditions.some(({ verdict }) => verdict === 'unknown') ? 'unknown' : 'as-expected';
}

/** Takes the same steps again. */
function following(trail: readonly LitmusStep[]): Picker<LitmusStep> {
  return {
    pick(steps, taken) {
      const wanted = trail[taken];
      return wanted === undefined ? null : steps.findIndex(({ key }) => key === wanted.key);
    },
  };
}
