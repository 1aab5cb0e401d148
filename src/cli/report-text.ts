/** The report of a run as plain text: verdict first, then what was found, then the figures. */
import type { FlushMatrixReport, MatrixRow } from '../coherence/flush-matrix.ts';
import { printFinding, printViolation } from '../coherence/print-violation.ts';
import type { CoherenceReport } from '../coherence/violation.ts';
import type { RunReport } from '../scenario/run-report.ts';
import type { Statistics } from '../trace/statistics.ts';
import { printCount, printTable } from '../trace/table.ts';

/** Violations and findings printed in full; the JSON report has all. */
const PRINTED_IN_FULL = 5;

const VERDICT = {
  clean: 'clean: no stale translation was used after the flush that owed it had returned',
  violation: 'VIOLATION',
  unexpected: 'UNEXPECTED: no violation, but not what the workload states',
  limit: 'LIMIT: stopped before the end; nothing was found until then, which is no pass',
} as const;

export function printReport(report: RunReport, statistics: Statistics): string {
  const sections = [
    heading(report),
    verdict(report),
    report.unexpected.join('\n'),
    ...(report.coherence === null ? [] : details(report.coherence)),
    figures(report, statistics),
    ...(report.coherence === null ? ['detector off: nothing was judged'] : [matrix(report.coherence.matrix)]),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function heading({ workload, configuration, steps }: RunReport): string {
  const { processors, era, policy, seed, switches } = configuration;
  const off = Object.entries(switches).filter(([, on]) => !on);
  return [
    `${workload.title === workload.file ? workload.file : `${workload.file}: ${workload.title}`}`,
    `${processors} processors, era ${era}, policy ${policy}, seed ${seed}, ${printCount(steps)} steps`,
    `switched off: ${off.length === 0 ? 'nothing' : off.map(([name]) => name).join(', ')}`,
  ].join('\n');
}

function verdict({ verdict: word, stopped, coherence }: RunReport): string {
  const what = word === 'violation' && coherence !== null ? `${VERDICT[word]}: ${summary(coherence)}` : VERDICT[word];
  return `verdict  ${what}${stopped === null ? '' : ` (${stopped})`}`;
}

function summary({ violationCount, violatingUses, findings }: CoherenceReport): string {
  const parts = [];
  if (violationCount > 0)
    parts.push(`${violationCount} distinct, ${printCount(violatingUses)} uses of stale translations`);
  if (findings.length > 0) parts.push(`${findings.length} of the kernel's own book-keeping`);
  return parts.join('; ');
}

function details({ violations, findings, violationCount, latent, limits }: CoherenceReport): string[] {
  const shown = violations.slice(0, PRINTED_IN_FULL).map((violation) => printViolation(violation).trimEnd());
  const more = violationCount - shown.length;
  if (more > 0) shown.push(`and ${more} more violations; --json has them`);
  shown.push(...findings.slice(0, PRINTED_IN_FULL).map((finding) => printFinding(finding).trimEnd()));
  if (findings.length > PRINTED_IN_FULL)
    shown.push(`and ${findings.length - PRINTED_IN_FULL} more findings; --json has them`);
  const forgotten = Object.entries(limits).filter(([, count]) => count > 0);
  if (forgotten.length > 0) {
    shown.push(`the detector's memory was bounded: ${forgotten.map(([name, count]) => `${name} ${count}`).join(', ')}`);
  }
  if (latent.due > 0) {
    shown.push(
      `latent   ${printCount(latent.due)} stale translations are still cached that a flush has owed, ${printCount(latent.dueAndReachable)} of them under a loaded PCID; none was used`,
    );
  }
  return shown;
}

function figures({ workload, mmu }: RunReport, statistics: Statistics): string {
  const sum = (pick: (counters: (typeof mmu)[number]) => number): number =>
    mmu.reduce((total, each) => total + pick(each), 0);
  const { of, by } = statistics.total();
  const hits = sum(({ hits }) => hits);
  const misses = sum(({ misses }) => misses);
  const walks = sum(({ walks }) => walks);
  const shortcuts = sum(({ structureHits }) => Object.values(structureHits).reduce((total, count) => total + count, 0));
  const rows: [string, string | number, string][] = [
    [
      'accesses',
      workload.accesses,
      `page faults ${printCount(workload.pageFaults)}, system calls ${printCount(workload.systemCalls)}`,
    ],
    ['TLB hits', hits, `hit rate ${percent(hits, hits + misses)}`],
    [
      'page walks',
      walks,
      `${printCount(sum((counters) => counters.speculativeWalks))} speculative, entries read ${printCount(sum(({ entryReads }) => entryReads))}`,
    ],
    ['from paging-structure caches', shortcuts, `hit rate ${percent(shortcuts, walks)}`],
    ['flushes', of.flushes, list(by.decisions)],
    ['invalidations', total(by.invalidations), list(by.invalidations)],
    ['IPIs', of.ipisSent, `coalesced ${printCount(of.ipisCoalesced)}`],
    [
      'context switches',
      of.contextSwitches,
      `migrations ${printCount(workload.migrations)}, lazy skips ${printCount(of.lazySkips)}`,
    ],
  ];
  if (workload.implicitPages > 0 || workload.forbiddenAccesses > 0) {
    rows.push([
      'implicit pages',
      workload.implicitPages,
      `accesses that end in a signal ${printCount(workload.forbiddenAccesses)}`,
    ]);
  }
  return printTable(
    [
      { title: 'figures', align: 'left' },
      { title: '', align: 'right' },
      { title: '', align: 'left' },
    ],
    rows,
  ).join('\n');
}

function matrix({ total, precision, byReason }: FlushMatrixReport): string {
  const row = (
    name: string,
    { necessary, wasted, correctlySkipped, deferred, missed }: MatrixRow,
  ): (string | number)[] => [name, necessary, wasted, correctlySkipped, deferred, missed];
  const right = ['necessary', 'wasted', 'rightly skipped', 'deferred', 'MISSED'].map((title) => ({
    title,
    align: 'right' as const,
  }));
  const rows = [...byReason.map(({ why, row: counts }) => row(why, counts)), row('all', total)];
  const table = printTable([{ title: 'flush decisions', align: 'left' }, ...right], rows);
  const words =
    precision === null
      ? 'nothing was flushed'
      : `precision ${(precision * 100).toFixed(1)} %: of the flushes, so many had something to flush`;
  return [...table, words].join('\n');
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function list(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${printCount(count)}`)
    .join(', ');
}

function percent(part: number, whole: number): string {
  return whole === 0 ? 'none' : `${((100 * part) / whole).toFixed(2)} %`;
}
