/** Counts what a search meets, keeps its findings, and says when it has to stop. */
import type { Limits, Reporting } from './limits.ts';
import { DEFAULT_STEPS_PER_EXECUTION } from './limits.ts';
import type { Schedule, Violation } from './model.ts';
import type { Counts, Finding, LimitKind, Result } from './verdict.ts';

/** The id of the finding that a deadlock is, unless deadlocks are only counted. */
export const DEADLOCK = 'deadlock';

export interface TallyOptions extends Limits, Reporting {
  /** Go on after the first violation and find all of them. Default false. */
  readonly keepGoing?: boolean;
  /** Count deadlocks and do not call them violations. Default false. */
  readonly deadlocksAllowed?: boolean;
}

type MutableCounts = { -readonly [name in keyof Counts]: number };

export class Tally {
  readonly counts: MutableCounts = {
    complete: 0,
    blocked: 0,
    asleep: 0,
    cached: 0,
    truncated: 0,
    steps: 0,
    transitions: 0,
    states: 0,
    cut: 0,
  };
  readonly stepsPerExecution: number;
  /** The part of a split search that is under way. */
  part = 0;
  readonly #options: TallyOptions;
  readonly #outcomes = new Map<string, number>();
  readonly #findings = new Map<string, { -readonly [name in keyof Finding]: Finding[name] }>();
  readonly #started: number;
  #executions = 0;
  /** How many executions there were when progress was last told. */
  #told = 0;
  #stopped = false;
  #limit: LimitKind | null = null;

  constructor(options: TallyOptions) {
    this.#options = options;
    this.stepsPerExecution = options.stepsPerExecution ?? DEFAULT_STEPS_PER_EXECUTION;
    this.#started = options.now?.() ?? 0;
  }

  /** Whether the search is to end now. */
  get stopped(): boolean {
    return this.#stopped;
  }

  violation(violation: Violation, schedule: () => Schedule): void {
    const known = this.#findings.get(violation.id);
    if (known !== undefined) known.executions++;
    else {
      this.#findings.set(violation.id, { violation, schedule: schedule(), executions: 1, part: this.part });
    }
    if (this.#options.keepGoing !== true) this.#stopped = true;
  }

  /** An execution has ended. Null: in a deadlock. */
  end(outcome: string | null, schedule: () => Schedule): void {
    if (outcome !== null) {
      this.counts.complete++;
      this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    } else {
      this.counts.blocked++;
      if (this.#options.deadlocksAllowed !== true) {
        this.violation({ id: DEADLOCK, message: 'work is left and nobody can go on' }, schedule);
      }
    }
    this.#executed();
  }

  asleep(): void {
    this.counts.asleep++;
    this.#executed();
  }

  cached(): void {
    this.counts.cached++;
    this.#executed();
  }

  truncated(): void {
    this.counts.truncated++;
    this.#limit ??= 'steps-per-execution';
    this.#executed();
  }

  /** The search ends although there is more: a limit of the strategy's own. */
  stop(limit: LimitKind): void {
    this.#stopped = true;
    this.#limit = limit;
  }

  /** To be asked now and then, at least once an execution: stops the search at a limit. */
  checkLimits(fraction: () => number): void {
    const { executions, steps, time, now, progress, every = 1000 } = this.#options;
    if (this.#stopped) return;
    if (executions !== undefined && this.#executions >= executions) this.stop('executions');
    else if (steps !== undefined && this.counts.steps >= steps) this.stop('steps');
    else if (time !== undefined && now !== undefined && now() - this.#started >= time) this.stop('time');
    if (progress !== undefined && this.#executions >= this.#told + every) {
      this.#told = this.#executions;
      if (!progress({ counts: { ...this.counts }, fraction: fraction() })) this.stop('interrupted');
    }
  }

  result(): Result {
    const found = this.#findings.size > 0;
    return {
      verdict: found ? 'violation' : this.#limit !== null ? 'limit' : 'exhausted',
      counts: { ...this.counts },
      limit: this.#limit,
      outcomes: [...this.#outcomes].sort(([a], [b]) => (a < b ? -1 : 1)),
      findings: [...this.#findings.values()].map((finding) => ({ ...finding })),
    };
  }

  #executed(): void {
    this.#executions++;
  }
}
