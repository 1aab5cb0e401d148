/**
 * How large a search will be, before it begins: random descents, each weighted with the number of choices passed by
 * (Knuth, "Estimating the efficiency of backtrack programs", Mathematics of Computation 29, 1975). The means tend to lie
 * below the truth when probes are few, because the largest subtrees are seldom met.
 *
 * The interleavings are estimated without bias. For the traces, what each thread may do yet is guessed from a few random
 * executions; at each state only a set of threads is entered that, by that guess, no other thread disturbs (a persistent
 * set), and sleep sets weigh descents that repeat a trace as nothing.
 */
import { Random } from '../base/random.ts';
import { Alphabet } from './alphabet.ts';
import type { Model, System } from './model.ts';
import { pickRandom } from './pick-random.ts';
import { run } from './run.ts';

export interface Estimate {
  readonly probes: number;
  /** Executions of the search without reduction. */
  readonly interleavings: number;
  /** Mazurkiewicz traces: executions of the reduced search, without memory, that come to an end. */
  readonly traces: number;
  /** The mean length of an execution. */
  readonly steps: number;
  /** Probes given up at the limit of steps; they count as one execution each at their end, so the truth is larger. */
  readonly truncated: number;
}

export interface EstimateOptions {
  readonly probes: number;
  readonly seed: number;
  readonly stepsPerExecution: number;
}

export function estimate<Step>(model: Model<Step>, options: EstimateOptions): Estimate {
  const random = new Random(options.seed);
  const habits = new Habits(model);
  for (let execution = 0; execution < 64; execution++) {
    habits.learn(run(model, pickRandom<Step>(random), options).steps);
  }
  const sum = { interleavings: 0, traces: 0, steps: 0, truncated: 0 };
  for (let probe = 0; probe < options.probes; probe++) {
    const plain = descend(model, random, { habits: null, most: options.stepsPerExecution });
    const reduced = descend(model, random, { habits, most: options.stepsPerExecution });
    sum.interleavings += plain.weight;
    sum.traces += reduced.weight;
    sum.steps += plain.steps;
    if (plain.truncated || reduced.truncated) sum.truncated++;
  }
  return {
    probes: options.probes,
    interleavings: sum.interleavings / options.probes,
    traces: sum.traces / options.probes,
    steps: sum.steps / options.probes,
    truncated: sum.truncated,
  };
}

function descend<Step>(
  model: Model<Step>,
  random: Random,
  options: { readonly habits: Habits<Step> | null; readonly most: number },
): { weight: number; steps: number; truncated: boolean } {
  const { habits, most } = options;
  const system = model.create();
  const taken = new Array<number>(model.threads).fill(0);
  let sleep: number[] = [];
  let weight = 1;
  for (let steps = 0; steps < most; steps++) {
    const enabled = system.enabled();
    if (enabled.length === 0) return { weight, steps, truncated: false };
    let choices = enabled;
    if (habits !== null) {
      const threads = habits.undisturbed(system, taken);
      choices = enabled.filter((step) => threads.has(model.thread(step)) && !sleep.includes(habits.number(step)));
      if (choices.length === 0) return { weight: 0, steps, truncated: false };
    }
    weight *= choices.length;
    const choice = random.below(choices.length);
    const step = choices[choice] as Step;
    if (habits !== null) sleep = habits.stillAsleep([...sleep, ...choices.slice(0, choice).map(habits.number)], step);
    const thread = model.thread(step);
    taken[thread] = (taken[thread] as number) + 1;
    system.apply(step);
  }
  return { weight, steps: most, truncated: true };
}

/** What each thread has been seen to do, and until when. */
class Habits<Step> {
  readonly #model: Model<Step>;
  readonly #alphabet: Alphabet<Step>;
  /** For each thread: from the step to the latest place among the thread's own steps that it was seen at. */
  readonly #latest: readonly Map<number, number>[];

  constructor(model: Model<Step>) {
    this.#model = model;
    this.#alphabet = new Alphabet(model);
    this.#latest = Array.from({ length: model.threads }, () => new Map());
  }

  readonly number = (step: Step): number => this.#alphabet.number(step);

  learn(steps: readonly Step[]): void {
    const taken = new Array<number>(this.#model.threads).fill(0);
    for (const step of steps) {
      const thread = this.#model.thread(step);
      const place = taken[thread] as number;
      taken[thread] = place + 1;
      const latest = this.#latest[thread] as Map<number, number>;
      const number = this.number(step);
      latest.set(number, Math.max(latest.get(number) ?? 0, place));
    }
  }

  stillAsleep(sleep: readonly number[], step: Step): number[] {
    const number = this.number(step);
    return sleep.filter((other) => !this.#alphabet.dependent(other, number));
  }

  /** The smallest set of threads, grown from each that can step, whose next steps nobody else's future depends on. */
  undisturbed(system: System<Step>, taken: readonly number[]): ReadonlySet<number> {
    const next: number[][] = Array.from({ length: this.#model.threads }, () => []);
    for (const step of system.enabled()) next[this.#model.thread(step)]?.push(this.number(step));
    const starts = next.flatMap((steps, thread) => (steps.length > 0 ? [thread] : []));
    for (const step of system.blocked?.() ?? []) next[this.#model.thread(step)]?.push(this.number(step));
    let smallest: ReadonlySet<number> = new Set(starts);
    let least = starts.length;
    for (const start of starts) {
      const set = new Set([start]);
      for (const member of set) {
        for (let thread = 0; thread < next.length; thread++) {
          if (!set.has(thread) && this.#disturbs(thread, taken, next[member] ?? [])) set.add(thread);
        }
      }
      const size = starts.filter((thread) => set.has(thread)).length;
      if (size < least) {
        smallest = set;
        least = size;
      }
    }
    return smallest;
  }

  #disturbs(thread: number, taken: readonly number[], steps: readonly number[]): boolean {
    for (const [future, latest] of this.#latest[thread] ?? []) {
      if (latest < (taken[thread] as number)) continue;
      for (const step of steps) if (this.#alphabet.dependent(future, step)) return true;
    }
    return false;
  }
}
