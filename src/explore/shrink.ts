/**
 * Makes a failing schedule short: the same finding with fewer preemptions, then fewer changes of thread, then fewer steps.
 * Deterministic. A candidate is a wish list of steps; it is run by taking each wish that is possible and passing over
 * the others, then going on without preemptions, and counts if it comes to the same finding more cheaply.
 *
 * First only what happens before the failing step is kept. Then, until nothing helps: stretches of one thread are left
 * out (many at once, then fewer: delta debugging, Zeller and Hildebrandt, TSE 2002), joined with the thread's stretch
 * before or after, or moved to any other place, and last single steps are left out. The result is minimal under these changes; that no schedule at
 * all has fewer preemptions is what `fewestPreemptions` proves.
 */
import { assert } from '../base/assert.ts';
import { Alphabet } from './alphabet.ts';
import { costOfRun, isCheaper, type RunCost } from './cost-of-run.ts';
import { explore } from './explore.ts';
import { HappensBefore } from './happens-before.ts';
import { DEFAULT_STEPS_PER_EXECUTION, type Limits } from './limits.ts';
import type { Model, Schedule } from './model.ts';
import { type Picker, run } from './run.ts';
import { DEADLOCK } from './tally.ts';

export interface Shrunk {
  readonly schedule: Schedule;
  readonly cost: RunCost;
  /** Executions tried. */
  readonly attempts: number;
}

export interface ShrinkOptions {
  readonly stepsPerExecution?: number;
  /** Default 2000. */
  readonly attempts?: number;
}

/** `finding`: the id of the violation that the schedule ends in. */
export function shrink<Step>(
  model: Model<Step>,
  schedule: Schedule,
  finding: string,
  options: ShrinkOptions = {},
): Shrunk {
  const shrinking = new Shrinking(model, schedule, finding, options);
  shrinking.keepCauses();
  while (shrinking.improve()) {
    // Each change may make room for another.
  }
  return shrinking.best();
}

/**
 * The finding with the fewest preemptions that there are, shrunk; null if no schedule cheaper than the given one was
 * found. `proved`: the search below that number was exhausted, so there is none.
 */
export function fewestPreemptions<Step>(
  model: Model<Step>,
  start: Shrunk,
  finding: string,
  limits: Limits,
): { readonly shrunk: Shrunk; readonly proved: boolean } {
  for (let most = 0; most < start.cost.preemptions; most++) {
    const bound = { kind: 'preemptions', most } as const;
    const result = explore(model, { kind: 'bounded', bound, remember: true }, { ...limits, keepGoing: true });
    const found = result.findings.find(({ violation }) => violation.id === finding);
    if (found !== undefined) return { shrunk: shrink(model, found.schedule, finding), proved: true };
    if (result.limit !== null) return { shrunk: start, proved: false };
  }
  return { shrunk: start, proved: true };
}

class Shrinking<Step> {
  readonly #model: Model<Step>;
  readonly #finding: string;
  readonly #most: number;
  readonly #stepsPerExecution: number;
  #attempts = 0;
  #schedule: Schedule;
  #steps: readonly Step[];
  #cost: RunCost;

  constructor(model: Model<Step>, schedule: Schedule, finding: string, options: ShrinkOptions) {
    this.#model = model;
    this.#finding = finding;
    this.#most = options.attempts ?? 2000;
    this.#stepsPerExecution = options.stepsPerExecution ?? DEFAULT_STEPS_PER_EXECUTION;
    const start = this.#fails({ pick: (_, taken) => schedule[taken] ?? null });
    assert(start !== null, `the schedule to shrink ends in '${finding}'`);
    this.#schedule = start.schedule;
    this.#steps = start.steps;
    this.#cost = costOfRun(model, start.schedule);
  }

  best(): Shrunk {
    return { schedule: this.#schedule, cost: this.#cost, attempts: this.#attempts };
  }

  /** Leaves out what does not happen before the last step. A deadlock is everybody's, and has no such step. */
  keepCauses(): void {
    const alphabet = new Alphabet(this.#model);
    const events = new HappensBefore(alphabet, this.#model.threads);
    const clock = new Int32Array(this.#model.threads);
    for (const step of this.#steps) {
      const number = alphabet.number(step);
      events.stepClock(number, clock);
      events.push(number, clock);
    }
    const last = this.#steps.length - 1;
    this.#try(this.#steps.filter((_, event) => event === last || events.before(event, last)));
  }

  /** One round of changes; whether any of them helped. */
  improve(): boolean {
    const before = this.#cost;
    for (let size = this.#stretches().length >> 1; size >= 1; size >>= 1) this.#leaveOutStretches(size);
    this.#joinStretches();
    this.#moveStretches();
    for (let at = this.#steps.length - 1; at >= 0; at--) {
      if (at < this.#steps.length) this.#try(this.#steps.filter((_, index) => index !== at));
    }
    return isCheaper(this.#cost, before);
  }

  #leaveOutStretches(size: number): void {
    for (let at = 0; at < this.#stretches().length; ) {
      const stretches = this.#stretches();
      if (!this.#try([...stretches.slice(0, at), ...stretches.slice(at + size)].flat())) at += size;
    }
  }

  #joinStretches(): void {
    for (let at = 0; at < this.#stretches().length; at++) {
      const stretches = this.#stretches();
      const stretch = stretches[at] ?? [];
      const thread = this.#threadOf(stretch);
      const others = stretches.map((other, index) => (index !== at && this.#threadOf(other) === thread ? index : -1));
      const before = others.filter((index) => index !== -1 && index < at).at(-1);
      const after = others.find((index) => index > at);
      const without = (index: number): Step[][] => stretches.map((other, place) => (place === index ? [] : other));
      if (before !== undefined) {
        const joined = without(at);
        joined[before] = [...(stretches[before] ?? []), ...stretch];
        if (this.#try(joined.flat())) continue;
      }
      if (after !== undefined) {
        const joined = without(at);
        joined[after] = [...stretch, ...(stretches[after] ?? [])];
        this.#try(joined.flat());
      }
    }
  }

  #moveStretches(): void {
    for (let from = 0; from < this.#stretches().length; from++) {
      for (let to = 0; to < this.#stretches().length; to++) {
        const stretches = this.#stretches();
        const moved = stretches.splice(from, 1);
        if (to !== from) this.#try([...stretches.slice(0, to), ...moved, ...stretches.slice(to)].flat());
      }
    }
  }

  #threadOf(stretch: readonly Step[]): number {
    const first = stretch[0];
    return first === undefined ? -1 : this.#model.thread(first);
  }

  #stretches(): Step[][] {
    const stretches: Step[][] = [];
    for (const step of this.#steps) {
      const last = stretches.at(-1);
      if (last !== undefined && this.#threadOf(last) === this.#model.thread(step)) last.push(step);
      else stretches.push([step]);
    }
    return stretches;
  }

  #try(wishes: readonly Step[]): boolean {
    if (this.#attempts >= this.#most) return false;
    const found = this.#fails(this.#pickWishes(wishes));
    if (found === null) return false;
    const cost = costOfRun(this.#model, found.schedule);
    if (!isCheaper(cost, this.#cost)) return false;
    this.#schedule = found.schedule;
    this.#steps = found.steps;
    this.#cost = cost;
    return true;
  }

  #fails(picker: Picker<Step>): { schedule: Schedule; steps: readonly Step[] } | null {
    this.#attempts++;
    let found: number | null = null;
    const { schedule, steps, violations, end } = run(this.#model, picker, {
      stepsPerExecution: this.#stepsPerExecution,
    });
    if (this.#finding === DEADLOCK) {
      if (end.kind === 'ended' && end.outcome === null) found = steps.length;
    } else found = violations.find(({ violation }) => violation.id === this.#finding)?.after ?? null;
    return found === null ? null : { schedule: schedule.slice(0, found), steps: steps.slice(0, found) };
  }

  #pickWishes(wishes: readonly Step[]): Picker<Step> {
    let next = 0;
    let current = -1;
    return {
      pick: (steps) => {
        let choice = -1;
        while (next < wishes.length && choice === -1) choice = this.#find(steps, wishes[next++] as Step);
        if (choice === -1) choice = Math.max(this.#withThread(steps, current), 0);
        current = this.#model.thread(steps[choice] as Step);
        return choice;
      },
    };
  }

  /** The step wished for, or, if its thread is at another one now, the thread's first; -1 for none. */
  #find(steps: readonly Step[], wish: Step): number {
    const key = this.#model.key(wish);
    const exact = steps.findIndex((step) => this.#model.key(step) === key);
    return exact === -1 ? this.#withThread(steps, this.#model.thread(wish)) : exact;
  }

  #withThread(steps: readonly Step[], thread: number): number {
    return steps.findIndex((step) => this.#model.thread(step) === thread);
  }
}
