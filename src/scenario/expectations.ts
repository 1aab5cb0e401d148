/** Holds what a run found against what its scenario says is there to be found. */
import type { CoherenceReport, Violation } from '../coherence/violation.ts';
import type { Expectation, Scenario } from '../workload/scenario-ast.ts';

/** One line for each expectation that is not met. Nothing is expected of a run without a detector. */
export function unmetExpectations(scenario: Scenario, file: string, report: CoherenceReport | null): string[] {
  if (report === null) return [];
  return scenario.expectations
    .filter((expectation) => !isMet(expectation, scenario, report))
    .map((expectation) => {
      const { line, column } = expectation.place;
      return `${file}:${line}:${column}: expected ${describe(expectation)}, found ${found(report)}`;
    });
}

/**
 * Of a search: what no run of it showed of the violations that the scenario says are there to be found. Null if it says so
 * of none.
 */
export function unmetByAll(
  scenario: Scenario,
  file: string,
  reports: readonly Pick<CoherenceReport, 'violations'>[],
): string[] | null {
  const expected = scenario.expectations.filter((expectation) => expectation.kind === 'violation');
  if (expected.length === 0) return null;
  return expected
    .filter((expectation) =>
      reports.every(({ violations }) => violations.every((each) => !matches(each, expectation, scenario))),
    )
    .map((expectation) => {
      const { line, column } = expectation.place;
      return `${file}:${line}:${column}: expected ${describe(expectation)}`;
    });
}

function isMet(expectation: Expectation, scenario: Scenario, report: CoherenceReport): boolean {
  if (expectation.kind === 'clean') return report.clean;
  return report.violations.some((violation) => matches(violation, expectation, scenario));
}

function matches(
  { severity, stage, use }: Violation,
  expectation: Expectation & { kind: 'violation' },
  scenario: Scenario,
): boolean {
  if (severity !== expectation.severity) return false;
  if (expectation.stage !== null && stage !== expectation.stage) return false;
  if (expectation.thread === null) return true;
  const known = scenario.threads.some(({ name }) => name === expectation.thread);
  return known && (use.where?.includes(`(${expectation.thread}:`) ?? false);
}

function describe(expectation: Expectation): string {
  if (expectation.kind === 'clean') return 'no violation';
  const { severity, stage, thread } = expectation;
  return `a violation ${severity}${stage === null ? '' : ` ${stage}`}${thread === null ? '' : ` by ${thread}`}`;
}

function found({ violations, findings }: CoherenceReport): string {
  const all = [...violations.map(({ severity, stage }) => `${severity} ${stage}`), ...findings.map(({ kind }) => kind)];
  return all.length === 0 ? 'none' : all.slice(0, 4).join(', ');
}
