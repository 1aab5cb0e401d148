import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { audit } from '../../../src/explore/audit.ts';
import type { Model } from '../../../src/explore/model.ts';
import { ScenarioModel } from '../../../src/scenario/exploration/scenario-model.ts';
import type { ScenarioStep } from '../../../src/scenario/exploration/scenario-step.ts';
import { scenarioOptions } from '../../../src/scenario/scenario-run.ts';
import { parseScenario } from '../../../src/workload/scenario-parser.ts';
import { smallScenario } from './small-scenario.ts';

function model(text: string, file: string, era: string): ScenarioModel {
  const scenario = parseScenario(text, file);
  return new ScenarioModel({
    scenario,
    file,
    system: scenarioOptions(scenario, file, { era, memory: 1, detect: true }),
  });
}

function fixture(name: string, era: string): ScenarioModel {
  const file = `fixtures/explore/${name}.tlb`;
  return model(readFileSync(file, 'utf8'), file, era);
}

/** The model as it would be if it observed nothing, and called all steps of different threads independent. */
function careless(model: ScenarioModel): Model<ScenarioStep> {
  return {
    threads: model.threads,
    thread: (step) => model.thread(step),
    key: (step) => model.key(step),
    dependent: () => false,
    create() {
      const execution = model.create();
      return {
        enabled: () => execution.enabled(),
        apply: (step) => execution.apply(step),
        outcome: () => execution.outcome(),
        fingerprint: (into) => execution.fingerprint(into),
      };
    },
  };
}

/** Pairs of steps found to be independent are taken in both orders: same state, same further steps, same footprints. */
describe('steps whose footprints do not conflict', { timeout: 200_000 }, () => {
  it.each([
    { name: 'two-flushers', era: 'E1' },
    { name: 'flush-meets-newcomer', era: 'E1-no-wait' },
    { name: 'flush-meets-absentee', era: 'E3' },
    { name: 'flush-meets-returner', era: 'E9' },
  ])('commute: $name under $era', ({ name, era }) => {
    const { complaints, pairs } = audit(fixture(name, era), {
      executions: 1,
      seed: 3,
      stepsPerExecution: 300,
      oneOf: 12,
    });
    expect(complaints).toEqual([]);
    expect(pairs).toBeGreaterThan(2);
  });

  it.each(['E0b', 'E5', 'E9', 'E11'])('commute in random scenarios under %s', (era) => {
    let pairs = 0;
    for (let seed = 1; seed <= 1; seed++) {
      const small = model(smallScenario(seed, 3), `small ${seed}`, era);
      const audited = audit(small, { executions: 1, seed, stepsPerExecution: 400, oneOf: 8 });
      expect(audited.complaints, `seed ${seed}`).toEqual([]);
      pairs += audited.pairs;
    }
    expect(pairs).toBeGreaterThan(0);
  });

  it('are not all steps of different threads: the audit objects to that', () => {
    const options = { executions: 1, seed: 3, stepsPerExecution: 160 };
    const { complaints } = audit(careless(fixture('two-flushers', 'E1')), options);
    expect(complaints).toHaveLength(1);
  });
});
