/** Random executions: nothing is covered for certain, so the verdict is a violation or a limit, never `exhausted`. */
import { Random } from '../base/random.ts';
import type { Model } from './model.ts';
import { pickByPriority } from './pick-by-priority.ts';
import { pickRandom } from './pick-random.ts';
import { type Picker, run } from './run.ts';
import type { Tally } from './tally.ts';

export interface Sampling {
  readonly kind: 'random' | 'pct';
  readonly seed: number;
  readonly samples: number;
  /** For `pct`: how many ordering constraints a bug may need. Default 3. */
  readonly depth?: number;
}

/** Sample number k depends on the seed and on k only, so shards can take every n-th. */
export function sample<Step>(
  model: Model<Step>,
  sampling: Sampling,
  options: { readonly tally: Tally; readonly shard: { readonly index: number; readonly count: number } },
): void {
  const { tally, shard } = options;
  const { stepsPerExecution } = tally;
  const measured = run(model, pickRandom<Step>(new Random(sampling.seed)), { stepsPerExecution });
  const pickerOf = (random: Random): Picker<Step> =>
    sampling.kind === 'random'
      ? pickRandom(random)
      : pickByPriority(model, random, { depth: sampling.depth ?? 3, length: measured.steps.length });
  for (let number = shard.index; number < sampling.samples && !tally.stopped; number += shard.count) {
    const sampled = run(model, pickerOf(new Random(sampling.seed + 0x9e3779b1 * (number + 1))), { stepsPerExecution });
    tally.part = number;
    tally.counts.steps += sampled.steps.length;
    tally.counts.transitions += sampled.steps.length;
    for (const { violation, after } of sampled.violations) {
      tally.violation(violation, () => sampled.schedule.slice(0, after));
    }
    if (sampled.end.kind === 'ended') tally.end(sampled.end.outcome, () => sampled.schedule);
    else tally.truncated();
    tally.checkLimits(() => number / sampling.samples);
  }
  if (!tally.stopped) tally.stop('samples');
}
