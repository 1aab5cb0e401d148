/** The explorer's front door: one model, one strategy, one verdict. */
import { unreachable } from '../base/assert.ts';
import { InputError } from '../base/errors.ts';
import type { Bound } from './bound.ts';
import { BoundedSearch } from './bounded-search.ts';
import type { Model, Schedule } from './model.ts';
import { ReducedSearch } from './reduced-search.ts';
import { sample, type Sampling } from './sampling.ts';
import { partsOfShard, split } from './split.ts';
import { Tally, type TallyOptions } from './tally.ts';
import type { Result } from './verdict.ts';

export type Search =
  /** Everything, one execution for each order of dependent steps; `remember` also turns back at known states. */
  | { readonly kind: 'reduced'; readonly remember: boolean }
  /** Everything within the bound, without reduction. */
  | { readonly kind: 'bounded'; readonly bound: Bound; readonly remember: boolean };

export type Strategy = Search | Sampling;

export interface ExploreOptions extends TallyOptions {
  /** Split the search into about so many parts. Counts depend on it, verdict and set of outcomes do not. Default 1. */
  readonly parts?: number;
  /** Explore this shard's parts only. */
  readonly shard?: { readonly index: number; readonly count: number };
}

/** How many parts a search has that is to be split into about so many: a sampling one takes any number. */
export function countParts<Step>(model: Model<Step>, strategy: Strategy, parts: number): number {
  if (isSampling(strategy)) return parts;
  return split(model, parts, { sleepSets: strategy.kind === 'reduced' }).length;
}

/** Throws InputError for a shard that there is not. */
export function explore<Step>(model: Model<Step>, strategy: Strategy, options: ExploreOptions = {}): Result {
  const shard = options.shard ?? { index: 0, count: 1 };
  if (!Number.isInteger(shard.index) || shard.index < 0 || shard.index >= shard.count) {
    throw new InputError(`there is no shard ${shard.index} of ${shard.count}; they count from 0`, { file: 'shard' });
  }
  const tally = new Tally(options);
  if (isSampling(strategy)) {
    sample(model, strategy, { tally, shard });
    return tally.result();
  }
  const parts = split(model, options.parts ?? 1, { sleepSets: strategy.kind === 'reduced' });
  for (const [number, prefix] of partsOfShard(parts, shard)) {
    tally.part = number;
    search(model, strategy, tally, prefix);
    if (tally.stopped) break;
  }
  return tally.result();
}

function isSampling(strategy: Strategy): strategy is Sampling {
  return strategy.kind === 'random' || strategy.kind === 'pct';
}

/** Each part with a memory of its own: its counts are then the same in whatever shard it is explored. */
function search<Step>(model: Model<Step>, strategy: Search, tally: Tally, prefix: Schedule): void {
  switch (strategy.kind) {
    case 'reduced':
      new ReducedSearch(model, { remember: strategy.remember, tally }).run(prefix);
      break;
    case 'bounded':
      new BoundedSearch(model, { bound: strategy.bound, remember: strategy.remember, tally }).run(prefix);
      break;
    default:
      unreachable(strategy);
  }
}
