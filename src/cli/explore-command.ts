/** `tlbsan explore FILE`: searches the schedules of a scenario, and reports what they can do and the shortest that fails. */
import { toJson } from '../coherence/report-json.ts';
import { executions, type Finding, type Result } from '../explore/verdict.ts';
import { Exploration } from '../scenario/exploration/exploration.ts';
import { Recorder } from '../trace/recorder.ts';
import { printCount } from '../trace/table.ts';
import { ExitStatus } from './exit-status.ts';
import { type ExploreReport, type FindingReport, printExploration } from './explore-text.ts';
import { openWorkload } from './input-file.ts';
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
  readonly json: boolean;
}

export const EXPLORE_SCHEMA = 1;

const SHRINK_ATTEMPTS = 2000;
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
  const exploration = await openExploration(file, flags, version);
  const { seed } = exploration.options;
  const strategy = parseStrategy(flags.strategy, { seed, samples: flags.executions });
  const progress = progressLine(aside);
  try {
    const result = exploration.explore(strategy, {
      executions: flags.executions,
      keepGoing: flags.keepGoing,
      now: () => performance.now(),
      ...(flags.seconds === undefined ? {} : { time: flags.seconds * 1000 }),
      every: 50,
      progress: ({ counts, fraction }) => {
        const share = strategy.kind === 'bounded' ? `, ${(100 * fraction).toFixed(1)} % of the known tree` : '';
        progress.write(`${printCount(executions(counts))} executions, ${printCount(counts.steps)} steps${share}`);
        return true;
      },
    });
    progress.write('making the schedule short');
    const findings = result.findings.map((finding) => describeFinding(exploration, finding, flags));
    const report: ExploreReport = {
      schema: EXPLORE_SCHEMA,
      ...configuration(exploration, file, flags),
      ...result,
      findings,
    };
    progress.end();
    out.write(flags.json ? `${JSON.stringify(toJson(report), null, 2)}\n` : printExploration(report, paintFor(out)));
    return STATUS[result.verdict];
  } catch (error) {
    progress.end();
    if (!(error instanceof UnsupportedError)) throw error;
    aside.write(`tlbsan: the guest died: not supported: ${error.message}\n`);
    return ExitStatus.guestDied;
  }
}

/** Throws InputError for whatever is wrong with the file or the flags. */
export async function openExploration(file: string, flags: ScenarioFlags, version: string): Promise<Exploration> {
  const workload = await openWorkload(file);
  if (workload.format !== 'scenario') throw new InputError('only scenarios can be explored; this is a trace', { file });
  const { cpus, era, policy, set, seed, memory } = flags;
  const words = { processors: cpus, era, policy, switches: set, seed, memory };
  return new Exploration({ text: await workload.text(), file, words, version });
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
    token,
    steps: (shrunk ?? finding).schedule.length,
    preemptions: shrunk?.cost.preemptions ?? null,
    changes: shrunk?.cost.changes ?? null,
    coherence: { violations: coherence?.violations ?? [], findings: coherence?.findings ?? [] },
    story: first === undefined ? [] : violationStory(first, recorder.events()),
  };
}

/** The search does not pause, so the line is written in the midst of it; nothing when piped. */
function progressLine(stream: OutputStream): { write(text: string): void; end(): void } {
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
