/** Tries an era, as it is or mutated, in one scenario. */
import { Random } from '../../src/base/random.ts';
import { DEFAULT_STEPS_PER_EXECUTION } from '../../src/explore/limits.ts';
import { pickRandom } from '../../src/explore/pick-random.ts';
import { run } from '../../src/explore/run.ts';
import { executions } from '../../src/explore/verdict.ts';
import type { Era } from '../../src/kernel/tlb/era.ts';
import { preparedSearch } from '../../src/museum/prepared-search.ts';
import { ScenarioModel } from '../../src/scenario/exploration/scenario-model.ts';
import { causeOfDeath } from '../../src/scenario/guest-death.ts';
import { scenarioOptions } from '../../src/scenario/scenario-run.ts';
import { parseScenario } from '../../src/workload/scenario-parser.ts';
import type { Occasion } from './occasions.ts';

/** An era, and what is switched on the machine that it runs on. */
export interface Target {
  readonly era: Era;
  readonly switches: readonly string[];
  /** In MiB: every execution makes it anew. Default 1. */
  readonly memory?: number;
}

export interface Hunted {
  /** What was found first; null: nothing. */
  readonly found: string | null;
  /** Every schedule within the bound was covered, or something was found. */
  readonly covered: boolean;
  readonly executions: number;
}

/** Executions under random schedules, which are fair: those that do not end show that something goes round for ever. */
const FAIR_RUNS = 4;
export const ENDLESS = 'never ends';

export function hunt({ era, switches, memory = 1 }: Target, { name, text, search }: Occasion, most: number): Hunted {
  const file = `${name}.tlb`;
  const scenario = parseScenario(text, file);
  const options = scenarioOptions(scenario, file, { memory, switches, detect: true });
  const model = new ScenarioModel({ scenario, file, system: { ...options, era } });
  const searched = surviving(() => preparedSearch(model, search, { executions: most }));
  if (typeof searched === 'string') return { found: searched, covered: true, executions: 0 };
  const { verdict, counts, findings } = searched;
  const [finding] = findings;
  const found = finding?.violation.id ?? (goesOnForEver(model) ? ENDLESS : null);
  return { found, covered: found !== null || verdict === 'exhausted', executions: executions(counts) };
}

/** A mutant may raise exceptions in the kernel, also while it boots: what it died of, then. */
function surviving<T>(search: () => T): T | string {
  try {
    return search();
  } catch (error) {
    return `died: ${causeOfDeath(error)}`;
  }
}

/** The search itself turns back at states that it knows, and so sees no circle. */
function goesOnForEver(model: ScenarioModel): boolean {
  for (let seed = 0; seed < FAIR_RUNS; seed++) {
    const { end } = run(model, pickRandom(new Random(seed)), { stepsPerExecution: DEFAULT_STEPS_PER_EXECUTION });
    if (end.kind === 'truncated') return true;
  }
  return false;
}
