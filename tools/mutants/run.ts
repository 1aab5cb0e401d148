/**
 * `npm run mutants -- [ERA...]`: mutates eras action by action, tries every mutant, and prints what became of each; without
 * names, all targets. docs/MUTANTS.md is what it printed for the eras that it lists. Takes minutes for E1, and from ten
 * minutes to an hour for a later era.
 */
import { eraById } from '../../src/kernel/tlb/eras.ts';
import type { Target } from './hunt.ts';
import { OCCASIONS } from './occasions.ts';
import { baselineOf, mutationsAt, type Mutant, tryMutant } from './survey.ts';
import { printSurveys, type Survey } from './table.ts';

const TARGETS: readonly { readonly era: string; readonly switches: readonly string[] }[] = [
  { era: 'E1', switches: [] },
  { era: 'E3', switches: [] },
  { era: 'E9-fixed', switches: [] },
  { era: 'E11', switches: [] },
  { era: 'E11-eager', switches: ['invlpgb=on'] },
];
/** Executions of one search. */
const MOST = 20_000;

const wanted = process.argv.slice(2);
const surveys: Survey[] = [];
for (const { era, switches } of TARGETS) {
  if (wanted.length === 0 || wanted.includes(era)) surveys.push(survey({ era: eraById(era), switches }));
}
process.stdout.write(printSurveys(surveys, OCCASIONS, MOST));

function survey(target: Target): Survey {
  const { sites, unfit } = baselineOf(target, OCCASIONS, MOST);
  const mutants: Mutant[] = [];
  for (const each of sites) {
    for (const mutation of mutationsAt(each)) {
      const mutant = tryMutant(target, mutation, each.occasions, MOST);
      mutants.push(mutant);
      const { method, what, change } = mutation;
      process.stderr.write(`${target.era.id}: ${method}: ${what}, ${change}: ${mutant.fate.kind}\n`);
    }
  }
  return { target, unfit, mutants };
}
