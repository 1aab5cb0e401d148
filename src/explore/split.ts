/**
 * Splits a search into parts, by prefixes: all steps of the states near the root are explored, the part of a prefix
 * being what begins with it. Sleep sets hold across parts (a later sibling leaves out what an earlier one covers), so that
 * nothing is lost and nothing is done twice. The parts depend on the model and on `parts` only, not on how many shards
 * there are: shard i of n takes the parts i, i + n, i + 2n and so on.
 */
import type { Model, Schedule } from './model.ts';
import { Alphabet } from './alphabet.ts';
import type { Footprint } from './footprint.ts';

interface Prefix {
  readonly schedule: Schedule;
  readonly sleep: readonly number[];
}

/** At least `parts` prefixes, unless there are not so many: an execution that ends early, or sleeps, is a part too. */
export function split<Step>(model: Model<Step>, parts: number, options: { sleepSets: boolean }): readonly Schedule[] {
  const alphabet = new Alphabet(model);
  let level: readonly Prefix[] = [{ schedule: [], sleep: [] }];
  while (level.length < parts) {
    const next: Prefix[] = [];
    let grown = false;
    for (const prefix of level) {
      const children = extend(model, alphabet, prefix, options.sleepSets);
      if (children.length === 0) next.push(prefix);
      else {
        grown = true;
        next.push(...children);
      }
    }
    if (!grown) break;
    level = next;
  }
  return level.map(({ schedule }) => schedule);
}

function extend<Step>(
  model: Model<Step>,
  alphabet: Alphabet<Step>,
  { schedule, sleep }: Prefix,
  sleepSets: boolean,
): Prefix[] {
  const system = model.create();
  for (const choice of schedule) system.apply(system.enabled()[choice] as Step);
  const children: Prefix[] = [];
  const asleep = [...sleep];
  for (const [choice, step] of system.enabled().entries()) {
    const action = alphabet.action(step);
    if (asleep.some((event) => alphabet.actionOf(event) === action)) continue;
    const event = alphabet.event(action, footprintOf(model, schedule, choice));
    children.push({
      schedule: [...schedule, choice],
      sleep: asleep.filter((other) => !alphabet.dependent(other, event)),
    });
    if (sleepSets) asleep.push(event);
  }
  return children;
}

/** What the choice reads and writes after the schedule, if the model observes it. */
function footprintOf<Step>(model: Model<Step>, schedule: Schedule, choice: number): Footprint | null {
  const system = model.create();
  if (system.footprint === undefined) return null;
  for (const earlier of schedule) system.apply(system.enabled()[earlier] as Step);
  system.observe?.(true);
  system.apply(system.enabled()[choice] as Step);
  return system.footprint();
}

/** The parts of a shard, with their numbers. */
export function* partsOfShard(
  parts: readonly Schedule[],
  { index, count }: { index: number; count: number },
): Generator<readonly [number: number, prefix: Schedule]> {
  for (let number = index; number < parts.length; number += count) yield [number, parts[number] as Schedule];
}
