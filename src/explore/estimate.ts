/**
 * How large a search will be, before it begins: random descents, each weighted with the number of choices passed by
 * (Knuth, "Estimating the efficiency of backtrack programs", Mathematics of Computation 29, 1975). The means are
 * unbiased; with few probes they tend to lie below the truth, because the largest subtrees are seldom met.
 */
import { Random } from '../base/random.ts';
import { Alphabet } from './alphabet.ts';
import type { Model } from './model.ts';

export interface Estimate {
  readonly probes: number;
  /** Interleavings: executions of the search without reduction. */
  readonly interleavings: number;
  /** Mazurkiewicz traces: executions of the reduced search, without memory, that come to an end. */
  readonly traces: number;
  /** The mean length of an execution. */
  readonly steps: number;
  /** Probes given up at the limit of steps; they count as one execution each at their end, so the truth is larger. */
  readonly truncated: number;
}

export function estimate<Step>(
  model: Model<Step>,
  options: { readonly probes: number; readonly seed: number; readonly stepsPerExecution: number },
): Estimate {
  const random = new Random(options.seed);
  const alphabet = new Alphabet(model);
  let interleavings = 0;
  let traces = 0;
  let steps = 0;
  let truncated = 0;
  for (let probe = 0; probe < options.probes; probe++) {
    const plain = descend(model, alphabet, random, { sleepSets: false, most: options.stepsPerExecution });
    const reduced = descend(model, alphabet, random, { sleepSets: true, most: options.stepsPerExecution });
    interleavings += plain.weight;
    traces += reduced.weight;
    steps += plain.steps;
    if (plain.truncated || reduced.truncated) truncated++;
  }
  const mean = (sum: number): number => sum / options.probes;
  return {
    probes: options.probes,
    interleavings: mean(interleavings),
    traces: mean(traces),
    steps: mean(steps),
    truncated,
  };
}

/**
 * One descent. With sleep sets it is a descent in the tree whose every awake step is explored and then sleeps: that tree
 * has each trace as a leaf exactly once, and leaves where all sleep, which weigh nothing.
 */
function descend<Step>(
  model: Model<Step>,
  alphabet: Alphabet<Step>,
  random: Random,
  options: { readonly sleepSets: boolean; readonly most: number },
): { weight: number; steps: number; truncated: boolean } {
  const system = model.create();
  let sleep: number[] = [];
  let weight = 1;
  for (let steps = 0; steps < options.most; steps++) {
    const enabled = system.enabled();
    if (enabled.length === 0) return { weight, steps, truncated: false };
    const numbers = enabled.map((step) => alphabet.number(step));
    const awake = enabled.filter((_, index) => !sleep.includes(numbers[index] as number));
    if (awake.length === 0) return { weight: 0, steps, truncated: false };
    weight *= awake.length;
    const choice = random.below(awake.length);
    const step = awake[choice] as Step;
    if (options.sleepSets) {
      const taken = alphabet.number(step);
      const before = awake.slice(0, choice).map((other) => alphabet.number(other));
      sleep = [...sleep, ...before].filter((other) => !alphabet.dependent(other, taken));
    }
    system.apply(step);
  }
  return { weight, steps: options.most, truncated: true };
}
