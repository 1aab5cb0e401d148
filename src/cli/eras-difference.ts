/**
 * What two eras come to on the same workload, figure by figure. A scenario runs under several seeds, for one schedule says
 * little; a recorded trace runs once. Same processors, policy, switches and seeds for both.
 */
import type { FlushMatrixReport, MatrixRow } from '../coherence/flush-matrix.ts';
import { ERA_WORKLOAD, ERA_WORKLOAD_NAME } from '../scenario/era-workload.ts';
import { reportOn, type RunReport } from '../scenario/run-report.ts';
import { ScenarioRun } from '../scenario/scenario-run.ts';
import type { SystemWords } from '../scenario/system-options.ts';
import { TraceRun } from '../scenario/trace-run.ts';
import { Counts, Statistics } from '../trace/statistics.ts';
import { openWorkload } from './input-file.ts';

export interface ComparedRuns {
  readonly reports: readonly RunReport[];
  readonly counts: Counts;
}

export interface Figure {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** A reason for a decision to flush or not, and how often it was given under each era. */
export interface ReasonFigure extends Figure {
  readonly wastedFrom: number;
  readonly wastedTo: number;
}

const STEP_LIMIT = 50_000_000;
const SCENARIO_SEEDS = 8;
const DEFAULT_SEED = 1;

/** Runs the workload, or without one that which comes with tlbsan, under one era. Throws InputError. */
export async function runForComparison(file: string | undefined, words: SystemWords): Promise<ComparedRuns> {
  const reports: RunReport[] = [];
  const counts = new Counts();
  const collect = (statistics: Statistics, report: RunReport): void => {
    reports.push(report);
    counts.add(statistics.total());
  };
  const workload = file === undefined ? null : await openWorkload(file);
  if (workload !== null && workload.format !== 'scenario') {
    const run = new TraceRun(workload.file, words);
    const statistics = new Statistics(run.system.options.processors);
    run.system.stream.observe(statistics.observe);
    for await (const chunk of workload.chunks()) if (!run.push(chunk)) break;
    run.end();
    collect(statistics, reportOn(run.system, run.outcome()));
    return { reports, counts };
  }
  const name = workload?.file ?? ERA_WORKLOAD_NAME;
  const text = workload === null ? ERA_WORKLOAD : await workload.text();
  const first = words.seed ?? DEFAULT_SEED;
  for (let seed = first; seed < first + SCENARIO_SEEDS; seed++) {
    const run = new ScenarioRun(text, name, { ...words, seed });
    const statistics = new Statistics(run.system.options.processors);
    run.system.stream.observe(statistics.observe);
    const more = run.advance(STEP_LIMIT);
    collect(statistics, reportOn(run.system, run.outcome(more ? 'step limit' : null)));
  }
  return { reports, counts };
}

/** In the order in which they are told. */
export function figuresOf(from: ComparedRuns, to: ComparedRuns): readonly Figure[] {
  const [before, after] = [measure(from), measure(to)];
  return [...before].map(([name, value]) => ({ name, from: value, to: after.get(name) ?? 0 }));
}

/** Those that were given at all, most often given first. */
export function reasonsOf(from: ComparedRuns, to: ComparedRuns): readonly ReasonFigure[] {
  const [before, after] = [rowsOf(from), rowsOf(to)];
  const reasons = [...new Set([...before.keys(), ...after.keys()])].map((why) => ({
    name: why,
    from: total(before.get(why)),
    to: total(after.get(why)),
    wastedFrom: before.get(why)?.wasted ?? 0,
    wastedTo: after.get(why)?.wasted ?? 0,
  }));
  return reasons.sort((a, b) => b.from + b.to - (a.from + a.to) || (a.name < b.name ? -1 : 1));
}

function measure({ reports, counts: { of, by } }: ComparedRuns): ReadonlyMap<string, number> {
  const sum = (pick: (report: RunReport) => number): number => reports.reduce((all, report) => all + pick(report), 0);
  const matrix = (column: keyof MatrixRow): number => sum((report) => report.coherence?.matrix.total[column] ?? 0);
  const mmu = (pick: (counters: RunReport['mmu'][number]) => number): number =>
    sum((report) => report.mmu.reduce((all, counters) => all + pick(counters), 0));
  return new Map([
    ['flushes asked for', of.flushes],
    ['IPIs', of.ipisSent],
    ['broadcasts', of.broadcasts],
    ['invalidating instructions', [...by.invalidations.values()].reduce((all, count) => all + count, 0)],
    ['processors flushed, with something stale', matrix('necessary')],
    ['processors flushed, with nothing stale: wasted', matrix('wasted')],
    ['processors spared, with nothing stale', matrix('correctlySkipped')],
    ['processors spared until a later check', matrix('deferred')],
    ['processors spared, and something stale was used: missed', matrix('missed')],
    ['flushes spared because lazy', of.lazySkips],
    ['context switches', of.contextSwitches],
    ['TLB misses', mmu(({ misses }) => misses)],
    ['page-table entries read', mmu(({ entryReads }) => entryReads)],
    ['violations', sum((report) => report.coherence?.violationCount ?? 0)],
  ]);
}

function rowsOf({ reports }: ComparedRuns): ReadonlyMap<string, MatrixRow> {
  const rows = new Map<string, MatrixRow>();
  const matrices = reports.flatMap(({ coherence }): FlushMatrixReport[] =>
    coherence === null ? [] : [coherence.matrix],
  );
  for (const { why, row } of matrices.flatMap(({ byReason }) => byReason)) {
    const known = rows.get(why);
    rows.set(why, known === undefined ? row : plus(known, row));
  }
  return rows;
}

function plus(a: MatrixRow, b: MatrixRow): MatrixRow {
  return {
    necessary: a.necessary + b.necessary,
    wasted: a.wasted + b.wasted,
    correctlySkipped: a.correctlySkipped + b.correctlySkipped,
    deferred: a.deferred + b.deferred,
    missed: a.missed + b.missed,
  };
}

function total(row: MatrixRow | undefined): number {
  if (row === undefined) return 0;
  return row.necessary + row.wasted + row.correctlySkipped + row.deferred + row.missed;
}
