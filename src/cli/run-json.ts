/** The report of a run as JSON (docs/schema/run-report-1.json): what was found, and all the figures. */
import { type Json, toJson } from '../coherence/report-json.ts';
import type { RunReport } from '../scenario/run-report.ts';
import type { Counts, Statistics } from '../trace/statistics.ts';

export function runJson(report: RunReport, statistics: Statistics): Json {
  const processors = statistics.processors.map(countsJson);
  return toJson({ ...report, statistics: { total: countsJson(statistics.total()), processors } });
}

/** Tables become objects, their keys sorted. */
function countsJson({ of, by }: Counts): object {
  const tables = Object.entries(by).map(([name, counts]) => [name, Object.fromEntries([...counts].sort(byKey))]);
  return { ...of, by: Object.fromEntries(tables) };
}

function byKey([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1;
}
