/**
 * The search of an exhibit. What a scenario does to get ready, its mappings and first accesses, happens in one fixed order;
 * from then on every schedule within the bound is explored.
 */
import { BoundedSearch } from '../explore/bounded-search.ts';
import type { Limits, Reporting } from '../explore/limits.ts';
import { DEFAULT_STEPS_PER_EXECUTION } from '../explore/limits.ts';
import type { Schedule } from '../explore/model.ts';
import { pickInTurn } from '../explore/pick-in-turn.ts';
import { run } from '../explore/run.ts';
import { Tally } from '../explore/tally.ts';
import type { Result } from '../explore/verdict.ts';
import type { ScenarioModel } from '../scenario/exploration/scenario-model.ts';
import type { SearchBound } from './exhibit.ts';

export function preparedSearch(
  model: ScenarioModel,
  { from, preemptions }: SearchBound,
  limits: Limits & Reporting,
): Result {
  const tally = new Tally(limits);
  const bound = { kind: 'preemptions', most: preemptions } as const;
  new BoundedSearch(model, { bound, remember: true, tally }).run(from === null ? [] : preparation(model, from));
  return tally.result();
}

/** Everybody in turn, nobody preempted, until the event is signalled. */
function preparation(model: ScenarioModel, event: string): Schedule {
  const inTurn = pickInTurn(model);
  const ready = (): boolean => model.latest?.world.signalled.has(event) === true;
  const { schedule } = run(
    model,
    { pick: (steps, taken, system) => (ready() ? null : inTurn.pick(steps, taken, system)) },
    { stepsPerExecution: DEFAULT_STEPS_PER_EXECUTION },
  );
  return schedule;
}
