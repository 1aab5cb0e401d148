/** One run of a scenario text, from boot to what came of it. Its caller decides how many steps it takes at a time. */
import type { Scenario } from '../workload/scenario-ast.ts';
import { parseScenario } from '../workload/scenario-parser.ts';
import { unmetExpectations } from './expectations.ts';
import { causeOfDeath } from './guest-death.ts';
import { printDisappointment, type RunOutcome, type RunReport } from './run-report.ts';
import { ScenarioWorld } from './scenario-world.ts';
import { System, type SystemOptions } from './system.ts';
import { systemOptions, type SystemWords } from './system-options.ts';

const MEMORY_MEBIBYTES = 64;

export class ScenarioRun {
  readonly scenario: Scenario;
  readonly system: System;
  readonly #file: string;
  #world: ScenarioWorld | null = null;
  #death: string | null = null;

  /** No step has been taken yet: whoever observes `system.stream` from here on sees them all. Throws InputError. */
  constructor(text: string, file: string, words: SystemWords) {
    this.#file = file;
    this.scenario = parseScenario(text, file);
    this.system = new System(scenarioOptions(this.scenario, file, words));
  }

  /**
   * Boots if nothing has happened yet, then takes up to `steps` steps. False once every thread has ended, or the guest has
   * died. Throws InputError where a statement cannot be executed.
   */
  advance(steps: number): boolean {
    if (this.#death !== null) return false;
    try {
      if (this.#world === null) {
        this.system.boot();
        this.#world = new ScenarioWorld(this.system, this.scenario, this.#file);
      }
      return this.#world.advance(steps);
    } catch (error) {
      this.#death = causeOfDeath(error);
      return false;
    }
  }

  /**
   * What the run comes to, for `reportOn`. `early` and `why` say why its caller ended it before its end. A run that was
   * stopped is not held against the scenario's expectations.
   */
  outcome(early: RunReport['stopped'] = null, why: string | null = null): RunOutcome {
    const { scenario, system } = this;
    const [stopped, reason] = this.#death === null ? [early, why] : (['guest died', this.#death] as const);
    return scenarioOutcome({ scenario, system, file: this.#file, world: this.#world, stopped, reason });
  }
}

/** Whatever made the scenario go: what it comes to. `world` is null when the guest did not get beyond booting. */
export function scenarioOutcome({
  scenario,
  system,
  file,
  world,
  stopped,
  reason,
}: {
  readonly scenario: Scenario;
  readonly system: System;
  readonly file: string;
  readonly world: ScenarioWorld | null;
  readonly stopped: RunReport['stopped'];
  readonly reason: string | null;
}): RunOutcome {
  const disappointments = world?.disappointments.map((each) => printDisappointment(file, each)) ?? [];
  const report = system.detector?.report() ?? null;
  const unmet = stopped === null ? unmetExpectations(scenario, file, report) : [];
  const mmu = system.machine.processors.map((processor) => processor.mmu.counters);
  return {
    workload: {
      file,
      kind: 'scenario',
      title: scenario.title,
      accesses: mmu.reduce((sum, { hits, misses }) => sum + hits + misses, 0),
      pageFaults: mmu.reduce((sum, { faults }) => sum + faults, 0),
      systemCalls: 0,
      migrations: 0,
      implicitPages: 0,
      forbiddenAccesses: 0,
    },
    stopped,
    reason,
    unexpected: [...disappointments, ...unmet],
  };
}

/** Throws InputError for a value, in the scenario or the words, that is not one of those there are. */
export function scenarioOptions(scenario: Scenario, file: string, words: SystemWords): SystemOptions {
  return systemOptions(words, { ...scenario, file, storeBuffers: true, memory: MEMORY_MEBIBYTES });
}
