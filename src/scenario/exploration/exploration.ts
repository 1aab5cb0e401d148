/** Exploration of one scenario text: searching it, making what was found short, and replaying a schedule by its token. */
import { present } from '../../base/assert.ts';
import { countParts, explore, type ExploreOptions, type Strategy } from '../../explore/explore.ts';
import { pickInTurn } from '../../explore/pick-in-turn.ts';
import { replay } from '../../explore/replay.ts';
import { decodeSchedule, encodeSchedule } from '../../explore/schedule-token.ts';
import { type Shrunk, shrink } from '../../explore/shrink.ts';
import type { Finding, Result } from '../../explore/verdict.ts';
import { KERNEL_VERSION } from '../../kernel/kernel_version.ts';
import type { Scenario, Statement } from '../../workload/scenario-ast.ts';
import { parseScenario } from '../../workload/scenario-parser.ts';
import { type RunReport, reportOn } from '../run-report.ts';
import { scenarioOptions, scenarioOutcome } from '../scenario-run.ts';
import type { System, SystemOptions } from '../system.ts';
import type { SystemWords } from '../system-options.ts';
import { ScenarioModel } from './scenario-model.ts';

/** Every execution makes its memory anew, so it is small unless somebody asks for more. */
const MEMORY_MEBIBYTES = 1;
const FRAMES = 128;
/** The pairs of top tables of page-table isolation are cut from a block of 2 MBytes. */
const MEMORY_WITH_ISOLATION_MEBIBYTES = 2;
const MEMORY_WITH_LARGE_PAGES_MEBIBYTES = 16;

export interface ExplorationOptions {
  readonly text: string;
  readonly file: string;
  readonly words: Omit<SystemWords, 'detect'>;
  /** The program's own version: what a step is may change with it, so its tokens are no other version's. */
  readonly version: string;
}

export class Exploration {
  readonly scenario: Scenario;
  readonly options: SystemOptions;
  readonly #file: string;
  readonly #identity: string;
  readonly #model: ScenarioModel;

  /** Throws InputError for what is wrong with the text or the words. */
  constructor({ text, file, words, version }: ExplorationOptions) {
    this.#file = file;
    this.scenario = parseScenario(text, file);
    const memory = words.memory ?? smallMemory(this.scenario);
    const options = scenarioOptions(this.scenario, file, { ...words, memory, detect: true });
    this.options = words.memory === undefined && memory === MEMORY_MEBIBYTES ? { ...options, frames: FRAMES } : options;
    const { era, ...others } = this.options;
    const kernel = { era: era.id, variantOf: era.variantOf?.era ?? null, version: KERNEL_VERSION };
    this.#identity = JSON.stringify({ version, text, kernel, ...others });
    this.#model = new ScenarioModel({ scenario: this.scenario, file, system: this.options });
  }

  /** Throws UnsupportedError where an execution asks for what is not modelled. */
  explore(strategy: Strategy, options: ExploreOptions): Result {
    return explore(this.#model, strategy, options);
  }

  /** How many parts there are if about so many are asked for. */
  countParts(strategy: Strategy, parts: number): number {
    return countParts(this.#model, strategy, parts);
  }

  /** The same for the same workload, configuration, kernel code and version, and for no other. */
  get identity(): string {
    return this.#identity;
  }

  shrink({ schedule, violation }: Finding, attempts: number): Shrunk {
    return shrink(this.#model, schedule, violation.id, { attempts });
  }

  token({ schedule }: Pick<Shrunk, 'schedule'>): string {
    return encodeSchedule(schedule, this.#identity);
  }

  /**
   * Repeats the schedule and says what it comes to. `watch` is shown the system before anything happens in it. With
   * `goOn` the run goes on beyond the schedule, without preemptions. Throws InputError for a token of another version,
   * workload or configuration.
   */
  replay(
    token: string,
    watch: (system: System) => void = () => {},
    { goOn = false }: { readonly goOn?: boolean } = {},
  ): { system: System; report: RunReport } {
    const { scenario } = this;
    const file = this.#file;
    const model = new ScenarioModel({ scenario, file, system: this.options, watch });
    const { end } = replay(
      model,
      decodeSchedule(token, this.#identity),
      goOn ? { continueWith: pickInTurn(model) } : {},
    );
    const { system, world, death } = present(model.latest, 'the replayed execution');
    const stuck = end.kind === 'ended' && end.outcome === null ? `deadlock: ${world.whoWaits()}` : null;
    const ended = end.kind === 'ended';
    const reason = death ?? stuck ?? (ended ? null : 'the schedule ends here');
    const stopped = (death ?? stuck) !== null ? 'guest died' : ended ? null : 'step limit';
    return { system, report: reportOn(system, scenarioOutcome({ scenario, system, file, world, stopped, reason })) };
  }
}

function smallMemory({ threads, switches }: Scenario): number {
  if (threads.some(({ body }) => mapsLargePages(body))) return MEMORY_WITH_LARGE_PAGES_MEBIBYTES;
  const isolation = switches.some(({ name, value }) => name === 'pti' && value === 'on');
  return isolation ? MEMORY_WITH_ISOLATION_MEBIBYTES : MEMORY_MEBIBYTES;
}

function mapsLargePages(body: readonly Statement[]): boolean {
  return body.some(
    (statement) =>
      (statement.kind === 'mmap' && statement.size === '2M') ||
      (statement.kind === 'repeat' && mapsLargePages(statement.body)),
  );
}
