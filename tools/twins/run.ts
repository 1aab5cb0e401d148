/** Runs scenarios to their end, in this process, as `tlbsan run` would. */
import { printReport } from '../../src/cli/report-text.ts';
import { reportOn, type RunReport } from '../../src/scenario/run-report.ts';
import { ScenarioRun } from '../../src/scenario/scenario-run.ts';
import type { SystemWords } from '../../src/scenario/system-options.ts';
import { Statistics } from '../../src/trace/statistics.ts';

export interface FinishedRun {
  readonly report: RunReport;
  /** What `tlbsan run` prints. */
  readonly text: string;
}

/** No scenario here is near it. */
const STEP_LIMIT = 1_000_000;

/** `file` is named in the report; nothing is read. */
export function runScenario(text: string, file: string, words: Partial<SystemWords> = {}): FinishedRun {
  const run = new ScenarioRun(text, file, { detect: true, ...words });
  const { system } = run;
  const statistics = new Statistics(system.options.processors);
  system.stream.observe(statistics.observe);
  const more = run.advance(STEP_LIMIT);
  const report = reportOn(system, run.outcome(more ? 'step limit' : null));
  return { report, text: printReport(report, statistics) };
}
