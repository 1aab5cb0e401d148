/**
 * The same workload under the same seed gives the same bytes: of the report, of its JSON, of the events as lines, and of
 * the drawing for Perfetto. Whether somebody listens, how a trace is cut into chunks, and what else the process has run
 * change nothing. Other seeds give other runs.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { drawRun } from '../../src/cli/perfetto-file.ts';
import { printReport } from '../../src/cli/report-text.ts';
import { toJson } from '../../src/coherence/report-json.ts';
import { type RunOutcome, reportOn } from '../../src/scenario/run-report.ts';
import { ScenarioRun } from '../../src/scenario/scenario-run.ts';
import type { System } from '../../src/scenario/system.ts';
import type { SystemWords } from '../../src/scenario/system-options.ts';
import { TraceRun } from '../../src/scenario/trace-run.ts';
import { EventLinesWriter } from '../../src/trace/json-lines.ts';
import { Statistics } from '../../src/trace/statistics.ts';

/** SHA-256 of each thing that a run leaves behind. */
interface Outputs {
  readonly report: string;
  readonly json: string;
  readonly events: string;
  readonly drawing: string;
  readonly violations: number;
}

/** In MiB: what the seed decides does not depend on it. */
const MEMORY = 64;
const STEP_LIMIT = 1_000_000;

/** Listens to everything; `go` runs the system to its end. */
function outputsOf(system: System, go: () => RunOutcome): Outputs {
  const events = createHash('sha256');
  const drawing = createHash('sha256');
  const lines = new EventLinesWriter((line) => events.update(`${line}\n`));
  system.stream.observe(lines.observe);
  const finishDrawing = drawRun(system, (chunk) => drawing.update(chunk));
  const texts = textsOf(system, go);
  finishDrawing();
  return {
    ...texts,
    events: events.digest('hex'),
    drawing: drawing.digest('hex'),
    violations: system.detector?.violationCount ?? 0,
  };
}

function textsOf(system: System, go: () => RunOutcome): Pick<Outputs, 'report' | 'json'> {
  const statistics = new Statistics(system.options.processors);
  system.stream.observe(statistics.observe);
  const report = reportOn(system, go());
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  return { report: hash(printReport(report, statistics)), json: hash(JSON.stringify(toJson(report))) };
}

function beginScenario(file: string, words: Partial<SystemWords>): { system: System; go: () => RunOutcome } {
  const run = new ScenarioRun(readFileSync(file, 'utf8'), file, { detect: true, memory: MEMORY, ...words });
  const go = (): RunOutcome => {
    expect(run.advance(STEP_LIMIT)).toBe(false);
    return run.outcome();
  };
  return { system: run.system, go };
}

function scenario(file: string, words: Partial<SystemWords> = {}): Outputs {
  const { system, go } = beginScenario(file, words);
  return outputsOf(system, go);
}

function trace(
  { file, bytes }: { readonly file: string; readonly bytes: Uint8Array },
  { chunk = 1 << 16, ...words }: Partial<SystemWords> & { readonly chunk?: number } = {},
): Outputs {
  const run = new TraceRun(file, { detect: true, memory: MEMORY, ...words });
  return outputsOf(run.system, () => {
    for (let from = 0; from < bytes.length; from += chunk) run.push(bytes.subarray(from, from + chunk));
    run.end();
    const outcome = run.outcome();
    expect(outcome.stopped).toBeNull();
    expect(outcome.workload.accesses).toBeGreaterThan(1000);
    return outcome;
  });
}

/** The beginning of a recorded program, up to the end of a line. */
function prefix(file: string, bytes: number): { readonly file: string; readonly bytes: Uint8Array } {
  const all = gunzipSync(readFileSync(file));
  return { file, bytes: all.subarray(0, all.lastIndexOf('\n', bytes) + 1) };
}

const WORKLOADS = readdirSync('fixtures/workloads')
  .filter((name) => name.endsWith('.tlb'))
  .map((name) => `fixtures/workloads/${name}`);
const WITH_VIOLATIONS = ['freed-frame-in-other-hands', 'reclaim-behind-mprotect', 'mask-read-too-early'].map(
  (twin) => `fixtures/twins/${twin}.bad.tlb`,
);
const TRACES = [prefix('fixtures/traces/threads.trace.gz', 1 << 20), prefix('fixtures/traces/forks.trace.gz', 1 << 20)];

describe('a scenario', () => {
  it.each([...WORKLOADS, ...WITH_VIOLATIONS])('%s: twice the same bytes', (file) => {
    expect(scenario(file)).toEqual(scenario(file));
    expect(scenario(file, { seed: 77 })).toEqual(scenario(file, { seed: 77 }));
  });

  it.each(['worst', 'emulator', 'profile:skylake-client', 'profile:zen-2'])('under policy %s', (policy) => {
    const [file = ''] = WITH_VIOLATIONS;
    expect(scenario(file, { policy })).toEqual(scenario(file, { policy }));
  });

  it.each(WITH_VIOLATIONS)('%s: the same report whether or not somebody else listens', (file) => {
    const { system, go } = beginScenario(file, {});
    const { report, json } = scenario(file);
    expect(textsOf(system, go)).toEqual({ report, json });
  });

  it('and without a detector takes the same steps', () => {
    const stepsOf = (detect: boolean): number => {
      const { system, go } = beginScenario('fixtures/workloads/migration.tlb', { detect });
      go();
      return system.stream.time;
    };
    expect(stepsOf(false)).toBe(stepsOf(true));
  });

  it.each(WORKLOADS)('%s: other seeds, other runs', (file) => {
    const events = Array.from({ length: 8 }, (_, seed) => scenario(file, { seed }).events);
    expect(new Set(events).size).toBeGreaterThan(1);
  });

  it('the seed decides the report too', () => {
    const file = 'fixtures/twins/return-before-acknowledgement.bad.tlb';
    const reports = Array.from({ length: 16 }, (_, seed) => scenario(file, { seed }).report);
    expect(new Set(reports).size).toBeGreaterThan(8);
  });
});

describe('a recorded trace', () => {
  it.each(TRACES)('$file: twice the same bytes, however it is cut', (recorded) => {
    const whole = trace(recorded);
    expect(trace(recorded)).toEqual(whole);
    expect(trace(recorded, { chunk: 4093 })).toEqual(whole);
  });

  it.each(TRACES)('$file: another seed, another run', (recorded) => {
    const { events, drawing } = trace(recorded, { seed: 2 });
    const other = trace(recorded, { seed: 3 });
    expect(other.events).not.toBe(events);
    expect(other.drawing).not.toBe(drawing);
  });

  it('under a faulty era: violations too', () => {
    const recorded = prefix('fixtures/traces/threads.trace.gz', 1 << 22);
    const faulty = trace(recorded, { era: 'E1-no-remote' });
    expect(faulty.violations).toBeGreaterThan(0);
    expect(trace(recorded, { era: 'E1-no-remote' })).toEqual(faulty);
  });
});
