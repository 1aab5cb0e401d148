/** One run of a scenario text, from boot to what came of it. Its caller decides how many steps it takes at a time. */
import { assert } from '../base/assert.ts';
import type { Scenario } from '../workload/scenario-ast.ts';
import { parseScenario } from '../workload/scenario-parser.ts';
import { unmetExpectations } from './expectations.ts';
import { printDisappointment, type RunOutcome, type RunReport } from './run-report.ts';
import { ScenarioWorld } from './scenario-world.ts';
import { System } from './system.ts';
import { systemOptions, type SystemWords } from './system-options.ts';

const MEMORY_MEBIBYTES = 64;

export class ScenarioRun {
  readonly scenario: Scenario;
  readonly system: System;
  readonly #file: string;
  #world: ScenarioWorld | null = null;

  /** No step has been taken yet: whoever observes `system.stream` from here on sees them all. Throws InputError. */
  constructor(text: string, file: string, words: SystemWords) {
    this.#file = file;
    this.scenario = parseScenario(text, file);
    const wishes = { ...this.scenario, file, storeBuffers: true, memory: MEMORY_MEBIBYTES };
    this.system = new System(systemOptions(words, wishes));
  }

  /** Boots if nothing has happened yet, then takes up to `steps` steps. False once every thread has ended. */
  advance(steps: number): boolean {
    if (this.#world === null) {
      this.system.boot();
      this.#world = new ScenarioWorld(this.system, this.scenario, this.#file);
    }
    return this.#world.advance(steps);
  }

  /** What the run comes to, for `reportOn`. Nothing is held against the expectations of a run that was stopped. */
  outcome(stopped: RunReport['stopped']): RunOutcome {
    assert(this.#world !== null, 'a run has an outcome once it has begun');
    const { scenario, system } = this;
    const disappointments = this.#world.disappointments.map((each) => printDisappointment(this.#file, each));
    const report = system.detector?.report() ?? null;
    const unmet = stopped === null ? unmetExpectations(scenario, this.#file, report) : [];
    const mmu = system.machine.processors.map((processor) => processor.mmu.counters);
    return {
      workload: {
        file: this.#file,
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
      unexpected: [...disappointments, ...unmet],
    };
  }
}
