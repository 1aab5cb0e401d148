/** Every step that is possible is equally likely. A thread with many choices is likelier than one with a single step. */
import type { Random } from '../base/random.ts';
import type { Picker } from './run.ts';

export function pickRandom<Step>(random: Random): Picker<Step> {
  return { pick: (steps) => random.below(steps.length) };
}
