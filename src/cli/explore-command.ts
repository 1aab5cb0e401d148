/** `tlbsan explore FILE`: searches the schedules of a scenario, and reports what they can do and the shortest that fails. */
import { availableParallelism } from 'node:os';
import { toJson } from '../coherence/report-json.ts';
import { digestOf } from '../explore/schedule-token.ts';
import type { Finding, Result } from '../explore/verdict.ts';
import { Exploration, type ExplorationOptions } from '../scenario/exploration/exploration.ts';
import { unmetByAll } from '../scenario/expectations.ts';
import { Recorder } from '../trace/recorder.ts';
import { printCount } from '../trace/table.ts';
import { ExitStatus } from './exit-status.ts';
import { startPool } from './explore-pool.ts';
import { type ExploreReport, type FindingReport, printExploration } from './explore-text.ts';
import { openWorkload } from './input-file.ts';
import { listenForInterruption } from './interruption.ts';
import { type JsonFlag, openJson } from './json-output.ts';
import { parseShard } from './shard-argument.ts';
import { InputError, UnsupportedError } from '../base/errors.ts';
import type { OutputStream, Streams } from './streams.ts';
import { parseStrategy } from './strategy-argument.ts';
import { paintFor } from './terminal-paint.ts';
import { violationStory } from './violation-story.ts';

export interface ScenarioFlags {
  readonly cpus?: number;
  readonly era?: string;
  readonly policy?: string;
  readonly set: readonly string[];
  readonly seed?: number;
  readonly memory?: number;
}

export interface ExploreFlags extends ScenarioFlags {
  readonly strategy: string;
  readonly executions: number;
  readonly seconds?: number;
  readonly keepGoing: boolean;
  readonly shrink: boolean;
  /** Search threads; `all`: one for each processor. */
  readonly jobs: number | 'all';
  /** `i/n`: every n-th part of the search, from part i on. */
  readonly shard?: string;
  /** About how many parts. */
  readonly parts?: number;
  readonly json?: JsonFlag;
}

export const EXPLORE_SCHEMA = 1;

const SHRINK_ATTEMPTS = 2000;
/** So that threads that are done with theirs find more to do. */
const PARTS_PER_THREAD = 4;
const STATUS = {
  exhausted: ExitStatus.clean,
  violation: ExitStatus.violation,
  limit: ExitStatus.limit,
} as const satisfies Record<Result['verdict'], ExitStatus>;

/** Throws InputError for whatever is wrong with the file or the flags. */
export async function exploreCommand(
  file: string,
  flags: ExploreFlags,
  version: string,
  { out, error: aside }: Streams,
): Promise<ExitStatus> {
  const settings = await explorationOptions(file, flags, version);
  const exploration = new Exploration(settings);
  const target = openJson(flags.json, out, { keep: [file] });
  const progress = progressLine(aside);
  try {
    const { result, shard } = await search(exploration, settings, flags, progress);
    progress.write('making the schedule short');
    const findings = result.findings.map((finding) => describeFinding(exploration, finding, flags));
    const report: ExploreReport = {
      schema: EXPLORE_SCHEMA,
      ...configuration(exploration, file, flags),
      ...result,
      shard,
      unmet: unmetByAll(
        exploration.scenario,
        file,
        findings.map(({ coherence }) => coherence),
      ),
      findings,
    };
    progress.end();
    if (!target.replacesText) out.write(printExploration(report, paintFor(out)));
    target.write(toJson(report));
    return exploreStatus(report);
  } catch (error) {
    progress.end();
    if (!(error instanceof UnsupportedError)) throw error;
    aside.write(`tlbsan: the guest died: not supported: ${error.message}\n`);
    return ExitStatus.guestDied;
  } finally {
    target.close();
  }
}

/** What a scenario says is there to be found is no failure, and nothing else found with it; its absence is one. */
export function exploreStatus({
  verdict,
  findings,
  unmet,
}: Pick<ExploreReport, 'verdict' | 'findings' | 'unmet'>): ExitStatus {
  if (unmet === null) return STATUS[verdict];
  if (verdict === 'limit') return ExitStatus.limit;
  const expected = unmet.length === 0 && findings.every(({ coherence }) => coherence.violations.length > 0);
  return expected ? ExitStatus.clean : ExitStatus.violation;
}

/** On threads of its own, so that this one hears Ctrl-C. */
async function search(
  exploration: Exploration,
  settings: ExplorationOptions,
  flags: ExploreFlags,
  progress: ProgressLine,
): Promise<{ readonly result: Result; readonly shard: ExploreReport['shard'] }> {
  const jobs = flags.jobs === 'all' ? availableParallelism() : flags.jobs;
  const shard = flags.shard === undefined ? { index: 0, count: 1 } : parseShard(flags.shard);
  const strategy = parseStrategy(flags.strategy, { seed: exploration.options.seed, samples: flags.executions });
  const wanted = flags.parts ?? (jobs * shard.count === 1 ? 1 : PARTS_PER_THREAD * jobs * shard.count);
  const parts = wanted === 1 ? 1 : exploration.countParts(strategy, wanted);
  const own = Math.ceil(Math.max(parts - shard.index, 1) / shard.count);
  const limits = {
    executions: Math.ceil(flags.executions / parts),
    deadline: flags.seconds === undefined ? null : Date.now() + flags.seconds * 1000,
    keepGoing: flags.keepGoing,
  };
  const pool = startPool({
    order: { exploration: settings, strategy, limits, parts: wanted },
    jobs: Math.min(jobs, own),
    shard,
    progress: ({ executions, steps, done }) => {
      const share = own > 1 ? `, ${(100 * done).toFixed(0)} % of ${printCount(own)} parts` : '';
      progress.write(`${printCount(executions)} executions, ${printCount(steps)} steps${share}`);
    },
  });
  const interruption = listenForInterruption(() => pool.stop());
  try {
    const result = await pool.result;
    const identity = JSON.stringify([exploration.identity, flags.strategy, flags.executions, wanted, flags.keepGoing]);
    return { result, shard: { ...shard, search: digestOf(identity) } };
  } finally {
    interruption.stopListening();
  }
}

/** Throws InputError for whatever is wrong with the file or the flags. */
export async function openExploration(file: string, flags: ScenarioFlags, version: string): Promise<Exploration> {
  return new Exploration(await explorationOptions(file, flags, version));
}

async function explorationOptions(file: string, flags: ScenarioFlags, version: string): Promise<ExplorationOptions> {
  const workload = await openWorkload(file);
  if (workload.format !== 'scenario') throw new InputError('only scenarios can be explored; this is a trace', { file });
  const { cpus, era, policy, set, seed, memory } = flags;
  const words = { processors: cpus, era, policy, switches: set, seed, memory };
  return { text: await workload.text(), file, words, version };
}

function configuration({ scenario, options }: Exploration, file: string, { strategy }: ExploreFlags) {
  const { processors, era, policy, switches } = options;
  return {
    workload: { file, title: scenario.title },
    configuration: { processors, era: era.id, policy, switches },
    strategy,
  };
}

function describeFinding(exploration: Exploration, finding: Finding, flags: ExploreFlags): FindingReport {
  const { violation, schedule, executions: seen } = finding;
  const shrunk = flags.shrink ? exploration.shrink(finding, SHRINK_ATTEMPTS) : null;
  const token = exploration.token(shrunk ?? { schedule });
  const recorder = new Recorder();
  const { coherence } = exploration.replay(token, ({ stream }) => stream.observe(recorder.observe)).report;
  const first = coherence?.violations[0];
  return {
    id: violation.id,
    message: violation.message,
    executions: seen,
    part: finding.part,
    token,
    steps: (shrunk ?? finding).schedule.length,
    preemptions: shrunk?.cost.preemptions ?? null,
    changes: shrunk?.cost.changes ?? null,
    coherence: { violations: coherence?.violations ?? [], findings: coherence?.findings ?? [] },
    story: first === undefined ? [] : violationStory(first, recorder.events()),
  };
}

/** Nothing when piped. */
interface ProgressLine {
  write(text: string): void;
  end(): void;
}

function progressLine(stream: OutputStream): ProgressLine {
  let last = performance.now();
  let written = false;
  return {
    write(text) {
      const now = performance.now();
      if (stream.isTTY !== true || now - last < 500) return;
      last = now;
      written = true;
      stream.write(`\r${text} \u001b[K`);
    },
    end() {
      if (written) stream.write('\r\u001b[K');
    },
  };
}
