/**
 * The public face of tlbsan as a library. Everything here runs in a browser as it does in Node: no files, no clock, no
 * randomness of its own. Inputs are strings and bytes, results are data; the same inputs give the same results.
 *
 *     const run = new ScenarioRun(text, 'scenario.tlb', { detect: true });
 *     while (run.advance(10_000));
 *     const { verdict, coherence } = reportOn(run.system, run.outcome());
 */

// Running a workload, and what comes of it.
export { ScenarioRun } from './scenario/scenario-run.ts';
export { TraceRun } from './scenario/trace-run.ts';
export { reportOn, REPORT_SCHEMA } from './scenario/run-report.ts';
export type { RunOutcome, RunReport, Verdict, WorkloadSummary } from './scenario/run-report.ts';
export type { SystemWords } from './scenario/system-options.ts';
export type { System, SystemOptions } from './scenario/system.ts';

// What a run can choose.
export { listEras } from './scenario/era-list.ts';
export type { EraSummary } from './scenario/era-list.ts';
export { listPolicies, listSwitches } from './scenario/switch-list.ts';
export type { SwitchSummary } from './scenario/switch-list.ts';

// What the detector found.
export { printFinding, printViolation } from './coherence/print-violation.ts';
export { toJson } from './coherence/report-json.ts';
export type { Json } from './coherence/report-json.ts';
export type { FlushMatrixReport, MatrixRow } from './coherence/flush-matrix.ts';
export type {
  ChangeSummary,
  CoherenceReport,
  Finding,
  LatentTranslation,
  TranslationSummary,
  UseSummary,
  Violation,
} from './coherence/violation.ts';

// Watching a run: observers of `run.system.stream`.
export { EventStream } from './event/stream.ts';
export type { Observer } from './event/stream.ts';
export type { HardwareEvent, KernelEvent, MachineEvent } from './event/event.ts';
export { PerfettoTrace } from './trace/perfetto.ts';
export type { PerfettoOptions } from './trace/perfetto.ts';
export { Recorder } from './trace/recorder.ts';
export type { TimedEvent } from './trace/timed-event.ts';
export { Statistics } from './trace/statistics.ts';
export type { Breakdown, Counter, Counts } from './trace/statistics.ts';
export { printReport } from './cli/report-text.ts';

// Workloads as text.
export { parseScenario } from './workload/scenario-parser.ts';
export { printScenario } from './workload/scenario-printer.ts';
export type * from './workload/scenario-ast.ts';
export { LackeyReader } from './workload/lackey-reader.ts';
export type { AccessKind, LackeyHandler, SystemCallRecord } from './workload/lackey-handler.ts';
export { workloadFormat } from './workload/workload-format.ts';
export type { WorkloadFormat } from './workload/workload-format.ts';

// What goes wrong.
export { InputError, InvariantError, UnsupportedError } from './base/errors.ts';
export type { InputPlace } from './base/errors.ts';
