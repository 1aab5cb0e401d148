/**
 * A scenario as a model for the explorer. Each execution is put together anew: keep its memory small.
 *
 * Hardware is nobody's background: to a search that bounds preemptions, a store that becomes visible and an IPI that
 * arrives while their processors could go on are preemptions too, and otherwise they happen when they must.
 */
import type { Model } from '../../explore/model.ts';
import type { Scenario } from '../../workload/scenario-ast.ts';
import { ScenarioWorld } from '../scenario-world.ts';
import { System, type SystemOptions } from '../system.ts';
import { areDependent } from './dependence.ts';
import { ExploredScenario } from './explored-scenario.ts';
import { FootprintRecorder } from './footprint-recorder.ts';
import { type BootImage, imageOf } from './memory-state.ts';
import { keyOfStep, type ScenarioStep, threadOfStep } from './scenario-step.ts';
import { SystemState } from './system-state.ts';

export interface ScenarioModelOptions {
  readonly scenario: Scenario;
  readonly file: string;
  readonly system: SystemOptions;
  /** Shown each execution's system before anything has happened in it. */
  readonly watch?: (system: System) => void;
}

export class ScenarioModel implements Model<ScenarioStep> {
  readonly threads: number;
  /** The execution created last. */
  latest: ExploredScenario | null = null;
  readonly #options: ScenarioModelOptions;
  #image: BootImage | null = null;

  constructor(options: ScenarioModelOptions) {
    this.#options = options;
    this.threads = 4 * options.system.processors;
  }

  create(): ExploredScenario {
    const { scenario, file, system: options, watch } = this.#options;
    const recorder = new FootprintRecorder();
    const sharing = { running: () => recorder.running, touch: recorder.touch };
    const tuning = { ...options.tuning, perProcessorPages: true };
    const system = new System({ ...options, tuning, sharing });
    recorder.attach(system.machine, system.detector, system.kernel.core.swapper_pg_dir);
    watch?.(system);
    system.boot();
    this.#image ??= imageOf(system.machine.memory);
    const state = new SystemState(system, this.#image);
    recorder.follow(state);
    this.latest = new ExploredScenario(system, new ScenarioWorld(system, scenario, file), { recorder, state });
    return this.latest;
  }

  thread(step: ScenarioStep): number {
    return threadOfStep(step, this.#options.system.processors);
  }

  key(step: ScenarioStep): string {
    return keyOfStep(step);
  }

  dependent(a: ScenarioStep, b: ScenarioStep): boolean {
    return areDependent(a, b);
  }
}
