/** `tlbsan run FILE`: puts a system together for the workload, runs it, and reports. */
import { InputError } from '../base/errors.ts';
import { reportOn, type RunOutcome, type RunReport } from '../scenario/run-report.ts';
import { ScenarioRun } from '../scenario/scenario-run.ts';
import type { System } from '../scenario/system.ts';
import type { SystemWords } from '../scenario/system-options.ts';
import { TraceRun } from '../scenario/trace-run.ts';
import { Statistics } from '../trace/statistics.ts';
import { printCount } from '../trace/table.ts';
import { type ExitStatus, STATUS_OF_VERDICT } from './exit-status.ts';
import { type OpenWorkload, openWorkload } from './input-file.ts';
import { listenForInterruption } from './interruption.ts';
import { OutputFile } from './output-file.ts';
import { paintFor } from './terminal-paint.ts';
import { drawRun } from './perfetto-file.ts';
import { Progress } from './progress.ts';
import { printReport } from './report-text.ts';
import { runJson } from './run-json.ts';
import type { OutputStream, Streams } from './streams.ts';

export interface RunFlags {
  readonly cpus?: number;
  readonly era?: string;
  readonly policy?: string;
  readonly set: readonly string[];
  readonly seed?: number;
  readonly memory?: number;
  readonly json?: string;
  readonly trace?: string;
  readonly maxSteps?: number;
  readonly detect: boolean;
}

const SCENARIO_STEPS_LIMIT = 50_000_000;
/** Steps of a scenario between two looks at the clock and at Ctrl-C. */
const SLICE_STEPS = 20_000;

/** A workload on its system, ready to go. */
interface Job {
  readonly system: System;
  /** What has been done so far, in words. */
  readonly progress: () => string;
  /** Takes a slice of the run. Result: why there is nothing more to do, or null when there is. Throws InputError. */
  readonly advance: () => Promise<'end' | 'step limit' | null>;
  readonly outcome: (stopped: RunReport['stopped'], reason: string | null) => RunOutcome;
  /** Lets go of the file. */
  readonly close: () => Promise<unknown>;
}

/**
 * Throws InputError for whatever is wrong with the file or the flags. Where that shows only after the run has begun, what
 * was found until then is reported first.
 */
export async function runCommand(file: string, flags: RunFlags, { out, error: aside }: Streams): Promise<ExitStatus> {
  const workload = await openWorkload(file);
  const job = workload.format === 'scenario' ? await scenarioJob(workload, flags) : traceJob(workload, flags);
  const statistics = new Statistics(job.system.options.processors);
  job.system.stream.observe(statistics.observe);
  const outputs = openOutputs(file, flags);
  const finishTrace = outputs.trace === null ? () => {} : drawRun(job.system, outputs.trace.write.bind(outputs.trace));

  const { outcome, error } = await runToItsEnd(job, aside);
  if (error !== null && outcome.workload.accesses === 0) throw error;
  const report = reportOn(job.system, outcome);
  const json = `${JSON.stringify(runJson(report, statistics), null, 2)}\n`;
  if (flags.json === '-') out.write(json);
  else out.write(printReport(report, statistics, paintFor(out)));
  outputs.json?.write(Buffer.from(json));
  outputs.json?.close();
  finishTrace();
  outputs.trace?.close();
  if (error !== null) throw error;
  return STATUS_OF_VERDICT[report.verdict];
}

/** Until its workload ends, the guest dies, Ctrl-C, or the input turns out to be bad. */
async function runToItsEnd(job: Job, aside: OutputStream): Promise<{ outcome: RunOutcome; error: InputError | null }> {
  const interruption = listenForInterruption();
  const progress = new Progress(job.progress, aside);
  try {
    let end: Awaited<ReturnType<Job['advance']>> = null;
    while (end === null) {
      end = await job.advance();
      await progress.update();
      if (end === null && interruption.happened) return { outcome: job.outcome('interrupted', null), error: null };
    }
    return { outcome: job.outcome(end === 'end' ? null : end, null), error: null };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { outcome: job.outcome('bad input', error.message), error };
  } finally {
    progress.end();
    interruption.stopListening();
    await job.close();
  }
}

async function scenarioJob(workload: OpenWorkload, flags: RunFlags): Promise<Job> {
  const run = new ScenarioRun(await workload.text(), workload.file, wordsOf(flags));
  let left = flags.maxSteps ?? SCENARIO_STEPS_LIMIT;
  return {
    system: run.system,
    progress: () => `${printCount(run.system.stream.time)} steps`,
    advance: async () => {
      const steps = Math.min(SLICE_STEPS, left);
      left -= steps;
      if (!run.advance(steps)) return 'end';
      return left === 0 ? 'step limit' : null;
    },
    outcome: (stopped, reason) => run.outcome(stopped, reason),
    close: async () => {},
  };
}

function traceJob(workload: OpenWorkload, flags: RunFlags): Job {
  if (flags.maxSteps !== undefined) throw new InputError('is for scenarios', { file: '--max-steps' });
  const run = new TraceRun(workload.file, wordsOf(flags));
  const chunks = workload.chunks();
  return {
    system: run.system,
    progress: () => `${printCount(run.accesses)} accesses`,
    advance: async () => {
      const next = await chunks.next();
      if (next.done !== true) return run.push(next.value) ? null : 'end';
      run.end();
      return 'end';
    },
    outcome: (stopped, reason) => run.outcome(stopped, reason),
    close: async () => chunks.return(null),
  };
}

interface Outputs {
  readonly json: OutputFile | null;
  readonly trace: OutputFile | null;
}

function openOutputs(workload: string, { json, trace }: RunFlags): Outputs {
  const toFile = json !== undefined && json !== '-';
  return {
    json: toFile ? new OutputFile(json, { keep: [workload] }) : null,
    trace: trace === undefined ? null : new OutputFile(trace, { keep: toFile ? [workload, json] : [workload] }),
  };
}

function wordsOf({ cpus, era, policy, set, seed, memory, detect }: RunFlags): SystemWords {
  return { processors: cpus, era, policy, switches: set, seed, memory, detect };
}
