/** `tlbsan run FILE`: puts a system together for the workload, runs it, and reports. */
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { InputError } from '../base/errors.ts';
import { toJson } from '../coherence/report-json.ts';
import { reportOn, type RunOutcome, type RunReport } from '../scenario/run-report.ts';
import { ScenarioRun } from '../scenario/scenario-run.ts';
import { System } from '../scenario/system.ts';
import { systemOptions, type SystemWords } from '../scenario/system-options.ts';
import { TraceReplay } from '../scenario/trace-replay.ts';
import { PerfettoTrace } from '../trace/perfetto.ts';
import { Statistics } from '../trace/statistics.ts';
import { LackeyReader } from '../workload/lackey-reader.ts';
import { ExitStatus } from './exit-status.ts';
import { type OpenWorkload, openWorkload } from './input-file.ts';
import { Progress } from './progress.ts';
import { printReport } from './report-text.ts';

export interface RunFlags {
  readonly cpus?: number;
  readonly era?: string;
  readonly policy?: string;
  readonly set: readonly string[];
  readonly seed?: number;
  readonly memory?: number;
  readonly json?: string;
  readonly trace?: string;
  readonly maxSteps: number;
  readonly detect: boolean;
}

const TRACE_PROCESSORS = 4;
const TRACE_MEMORY_MEBIBYTES = 2048;
/** Steps of a scenario between two looks at the clock and at Ctrl-C. */
const SLICE_STEPS = 20_000;

/** Throws InputError for whatever is wrong with the file or the flags. */
export async function runCommand(file: string, flags: RunFlags): Promise<ExitStatus> {
  const workload = await openWorkload(file);
  const interruption = listenForInterruption();
  try {
    const run = workload.format === 'scenario' ? runScenario : runTrace;
    const { report, statistics } = await run(workload, flags, interruption);
    if (flags.json !== undefined) writeJson(flags.json, report);
    if (flags.json !== '-') process.stdout.write(printReport(report, statistics));
    return exitStatus(report);
  } finally {
    interruption.stopListening();
  }
}

interface Run {
  readonly report: RunReport;
  readonly statistics: Statistics;
}

async function runScenario(workload: OpenWorkload, flags: RunFlags, interruption: Interruption): Promise<Run> {
  const run = new ScenarioRun(await workload.text(), workload.file, wordsOf(flags));
  const observed = observe(run.system, flags);
  const progress = new Progress(() => `${run.system.stream.time} steps`);
  let more = true;
  for (let taken = 0; more && taken < flags.maxSteps && !interruption.happened; taken += SLICE_STEPS) {
    more = run.advance(Math.min(SLICE_STEPS, flags.maxSteps - taken));
    await progress.update();
  }
  progress.end();
  return observed.finish(run.outcome(more ? (interruption.happened ? 'interrupted' : 'step limit') : null));
}

async function runTrace(workload: OpenWorkload, flags: RunFlags, interruption: Interruption): Promise<Run> {
  const { file } = workload;
  const wishes = {
    file,
    processors: TRACE_PROCESSORS,
    switches: [],
    storeBuffers: false,
    memory: TRACE_MEMORY_MEBIBYTES,
  };
  const observed = observe(new System(systemOptions(wordsOf(flags), wishes)), flags);
  const { system } = observed;
  system.boot();
  const replay = new TraceReplay(system, file, () => reader.line);
  const reader = new LackeyReader(file, replay);
  const progress = new Progress(() => `${replay.accesses} accesses`);
  for await (const chunk of workload.chunks()) {
    reader.push(chunk);
    await progress.update();
    if (interruption.happened) break;
  }
  progress.end();
  if (!interruption.happened) {
    reader.end();
    replay.end();
  }
  const { accesses, faults, systemCalls, migrations, implicitPages, forbiddenAccesses } = replay;
  return observed.finish({
    workload: {
      file,
      kind: 'trace',
      title: file,
      accesses,
      pageFaults: faults,
      systemCalls,
      migrations,
      implicitPages,
      forbiddenAccesses,
    },
    stopped: interruption.happened ? 'interrupted' : null,
    unexpected: [],
  });
}

interface ObservedSystem {
  readonly system: System;
  readonly finish: (outcome: RunOutcome) => Run;
}

/** Statistics always listen; a trace is written as it happens. */
function observe(system: System, { trace }: RunFlags): ObservedSystem {
  const { stream, options } = system;
  const statistics = new Statistics(options.processors);
  stream.observe(statistics.observe);
  const finishTrace = trace === undefined ? () => {} : writeTrace(system, trace);
  const finish = (outcome: RunOutcome): Run => {
    finishTrace();
    return { report: reportOn(system, outcome), statistics };
  };
  return { system, finish };
}

/** Result: what ends the trace. Throws InputError when the file cannot be written. */
function writeTrace({ stream, detector, options }: System, file: string): () => void {
  const descriptor = openForWriting(file);
  const write = (chunk: Uint8Array): void => {
    writeSync(descriptor, chunk);
  };
  const perfetto = new PerfettoTrace({ processors: options.processors, write });
  let violationsWritten = 0;
  stream.observe((event, time) => {
    perfetto.observe(event, time);
    if (detector === null) return;
    for (let index = 0; index < options.processors; index++) {
      perfetto.counter('stale entries', index, detector.staleOn(index), time);
    }
    for (const { number, severity, use } of detector.violations.slice(violationsWritten)) {
      violationsWritten++;
      perfetto.violation(use.processor, time, `violation ${number}: ${severity}`, { where: use.where ?? '' });
    }
  });
  return () => {
    perfetto.finish(stream.time);
    closeSync(descriptor);
  };
}

function wordsOf({ cpus, era, policy, set, seed, memory, detect }: RunFlags): SystemWords {
  return { processors: cpus, era, policy, switches: set, seed, memory, detect };
}

function exitStatus({ verdict, stopped }: RunReport): ExitStatus {
  switch (verdict) {
    case 'violation':
    case 'unexpected':
      return ExitStatus.violation;
    case 'limit':
      return ExitStatus.limit;
    default:
      return stopped === null ? ExitStatus.clean : ExitStatus.limit;
  }
}

function writeJson(target: string, report: RunReport): void {
  const text = `${JSON.stringify(toJson(report), null, 2)}\n`;
  if (target === '-') process.stdout.write(text);
  else writeFileSync(target, text);
}

function openForWriting(file: string): number {
  try {
    return openSync(file, 'w');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
    throw new InputError(`cannot be written (${code})`, { file });
  }
}

interface Interruption {
  readonly happened: boolean;
  readonly stopListening: () => void;
}

/** Ctrl-C ends the run early; what was found so far is reported. A second one ends the process. */
function listenForInterruption(): Interruption {
  let happened = false;
  const interrupted = (): void => {
    happened = true;
  };
  process.once('SIGINT', interrupted);
  return {
    get happened() {
      return happened;
    },
    stopListening: () => process.off('SIGINT', interrupted),
  };
}
