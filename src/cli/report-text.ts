/** The report of a run as plain text: verdict first, then what was found, the figures, and the matrix of flush decisions. */
import type { FlushMatrixReport, MatrixRow } from '../coherence/flush-matrix.ts';
import { printFinding, printViolation } from '../coherence/print-violation.ts';
import type { CoherenceReport } from '../coherence/violation.ts';
import type { RunReport } from '../scenario/run-report.ts';
import type { Statistics } from '../trace/statistics.ts';
import { printCount, printTable } from '../trace/table.ts';
import { type Paint, PLAIN } from './paint.ts';

/** Violations, and findings, printed in full; the JSON report has all that are kept. */
const PRINTED_IN_FULL = 5;

/** Of the text behind a figure. */
const DETAILS_COLUMNS = 60;

export function printReport(report: RunReport, statistics: Statistics, paint: Paint = PLAIN): string {
  const { coherence } = report;
  const sections = [
    heading(report, paint),
    report.unexpected.join('\n'),
    ...(coherence === null ? [] : [...found(coherence, paint), latent(coherence)]),
    table('figures', figures(report, statistics)),
    coherence === null ? 'detector off: nothing was judged' : matrix(coherence.matrix),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function heading(report: RunReport, paint: Paint): string {
  const { workload, configuration, steps } = report;
  const { processors, era, policy, seed, switches } = configuration;
  const off = Object.entries(switches).flatMap(([name, on]) => (on ? [] : [name]));
  const words = verdictInWords(report);
  return [
    `verdict   ${report.verdict === 'clean' ? paint.good(words) : paint.bad(words)}`,
    `workload  ${workload.file}${workload.title === workload.file ? '' : `: ${workload.title}`}`,
    `kernel    era ${era}`,
    `machine   ${plural(processors, 'processor')}, policy ${policy}, seed ${seed}, ${plural(steps, 'step')}`,
    `off       ${off.length === 0 ? 'nothing' : off.join(', ')}`,
  ].join('\n');
}

function verdictInWords({ verdict, coherence, stopped, reason }: RunReport): string {
  const early = reason === null ? (stopped ?? '') : `${stopped}: ${reason}`;
  switch (verdict) {
    case 'clean':
      return coherence === null
        ? 'NOT JUDGED: the detector was off'
        : 'clean: no stale translation was used after the flush that owed it had returned';
    case 'violation':
      return `VIOLATION: ${coherence === null ? '' : counts(coherence)}${early === '' ? '' : `; then stopped (${early})`}`;
    case 'died':
      return `GUEST DIED: ${reason}; no violation until then`;
    case 'unexpected':
      return `UNEXPECTED: no violation, but not what the workload states${early === '' ? '' : `; then stopped (${early})`}`;
    case 'limit':
      return `LIMIT: stopped early (${early}); no violation until then, which is no pass`;
  }
}

function counts({ violationCount, violatingUses, findings }: CoherenceReport): string {
  const uses = `${printCount(violationCount)} distinct, ${plural(violatingUses, 'use')} of stale translations`;
  const breaches = `${plural(findings.length, 'breach', 'breaches')} of the kernel's own book-keeping`;
  return [...(violationCount > 0 ? [uses] : []), ...(findings.length > 0 ? [breaches] : [])].join('; ');
}

function found({ violations, findings, violationCount, limits }: CoherenceReport, paint: Paint): string[] {
  const shown = [
    ...violations.slice(0, PRINTED_IN_FULL).map(printViolation),
    ...andMore(violationCount - PRINTED_IN_FULL, 'violation'),
    ...findings.slice(0, PRINTED_IN_FULL).map(printFinding),
    ...andMore(findings.length - PRINTED_IN_FULL, 'finding'),
    ...limitsReached(limits),
  ];
  return shown.map((text) => text.trimEnd().replace(/^[^\n]*/, paint.heading));
}

function andMore(count: number, what: string): string[] {
  return count > 0 ? [`and ${plural(count, `more ${what}`)}; --json lists them`] : [];
}

/** What bounded memory cost, if anything: ordinary runs come to none of this. */
function limitsReached(limits: CoherenceReport['limits']): string[] {
  const lines = [
    [
      limits.forgottenChanges,
      'changes of entries were forgotten: translations older than those may have gone unjudged',
    ],
    [limits.forgottenPromises, 'promises were forgotten: uses that break only those may have gone unreported'],
    [limits.unexplainedTranslations, 'translations agree with no change that is remembered: they went unjudged'],
    [limits.violationsNotKept, 'distinct violations were counted and are not listed'],
    [limits.findingsNotKept, 'distinct findings were counted and are not listed'],
  ] as const;
  const reached = lines.filter(([count]) => count > 0).map(([count, what]) => `limit     ${printCount(count)} ${what}`);
  return reached.length === 0 ? [] : [reached.join('\n')];
}

/** What could have gone wrong, and so far has not through these entries or has been reported above. */
function latent({ latent: { due, dueAndReachable } }: CoherenceReport): string {
  if (due === 0) return '';
  const apart = `${printCount(dueAndReachable)} within reach of an access, ${printCount(due - dueAndReachable)} under a PCID that is not loaded`;
  return `latent    ${plural(due, 'stale translation')} still cached after the flush that owed ${due === 1 ? 'it' : 'them'}:\n          ${apart}`;
}

/** Name, count, details. */
type Figure = readonly [string, number, string];

function figures({ workload, mmu }: RunReport, statistics: Statistics): Figure[] {
  const sum = (pick: (counters: (typeof mmu)[number]) => number): number =>
    mmu.reduce((total, each) => total + pick(each), 0);
  const { of, by } = statistics.total();
  const hits = sum((counters) => counters.hits);
  const lookups = hits + sum((counters) => counters.misses);
  const walks = sum((counters) => counters.walks);
  const shortened = sum(({ structureHits }) => total(Object.values(structureHits)));
  const speculative = printCount(sum((counters) => counters.speculativeWalks));
  const entryReads = printCount(sum((counters) => counters.entryReads));
  const { program } = workload;
  const calls = workload.kind !== 'scenario';
  return [
    ['accesses', workload.accesses, `page faults ${printCount(workload.pageFaults)}`],
    ...(program === undefined
      ? []
      : [
          [
            'instructions',
            program.instructions,
            `processes ${printCount(program.processes)}, threads ${printCount(program.threads)}, signals handled ${printCount(program.signals)}`,
          ] satisfies Figure,
        ]),
    ...(calls ? [['system calls', workload.systemCalls, missingCalls(program)] satisfies Figure] : []),
    ['TLB hits', hits, share(hits, lookups, 'of the accesses')],
    ['page walks', walks, `speculative ${speculative}, entries read ${entryReads}`],
    ['paging-structure-cache hits', shortened, share(shortened, walks, 'of the walks')],
    ['flushes', of.flushes, list(by.flushReasons)],
    ['decisions to flush or not', total(by.decisions.values()), list(by.decisions)],
    ['lazy skips', of.lazySkips, ''],
    ['IPIs', of.ipisSent, `coalesced ${printCount(of.ipisCoalesced)}`],
    ...(of.broadcasts > 0 ? [['broadcasts', of.broadcasts, 'INVLPGB'] satisfies Figure] : []),
    ['invalidations', total(by.invalidations.values()), list(by.invalidations)],
    ['context switches', of.contextSwitches, calls ? `threads moved ${printCount(workload.migrations)}` : ''],
    ...(workload.implicitPages > 0
      ? [['implicit pages', workload.implicitPages, 'mapped before the recording began'] satisfies Figure]
      : []),
    ...(workload.forbiddenAccesses > 0
      ? [['signals', workload.forbiddenAccesses, "accesses that the program's mappings forbid"] satisfies Figure]
      : []),
  ];
}

function missingCalls(program: RunReport['workload']['program']): string {
  const missing = Object.entries(program?.missingCalls ?? {});
  return missing.length === 0 ? '' : `not served: ${list(new Map(missing))}`;
}

function table(title: string, rows: readonly Figure[]): string {
  const columns = [
    { title, align: 'left' },
    { title: '', align: 'right' },
    { title: '', align: 'left' },
  ] as const;
  const cells = rows.flatMap(([name, count, details]) => {
    const [first = '', ...more] = wrap(details);
    return [[name, count, first], ...more.map((line) => ['', '', line])];
  });
  return printTable(columns, cells).join('\n');
}

/** Broken after commas. */
function wrap(details: string): string[] {
  const lines: string[] = [];
  for (const item of details.split(/(?<=, )/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + item.trimEnd().length <= DETAILS_COLUMNS)
      lines[lines.length - 1] = last + item;
    else lines.push(item);
  }
  return lines;
}

const ACTION_ORDER = ['full', 'partial', 'skip'];

function matrix({ total: sum, precision, byReason }: FlushMatrixReport): string {
  const row = (name: string, counted: MatrixRow): (string | number)[] => [
    name,
    counted.necessary,
    counted.wasted,
    counted.correctlySkipped,
    counted.deferred,
    counted.missed,
  ];
  const right = ['necessary', 'wasted', 'rightly skipped', 'deferred', 'MISSED'].map((title) => ({
    title,
    align: 'right' as const,
  }));
  const rank = ({ why }: (typeof byReason)[number]): number => ACTION_ORDER.findIndex((word) => why.startsWith(word));
  const ordered = [...byReason].sort((a, b) => rank(a) - rank(b));
  const rows = [...ordered.map(({ why, row: counted }) => row(why, counted)), row('all', sum)];
  const words =
    precision === null
      ? 'precision: nothing was flushed'
      : `precision ${(precision * 100).toFixed(1)} %: so many of the flushes found something stale`;
  return [...printTable([{ title: 'flush decisions', align: 'left' }, ...right], rows), words].join('\n');
}

function total(counted: Iterable<number>): number {
  return [...counted].reduce((sum, count) => sum + count, 0);
}

function list(counted: ReadonlyMap<string, number>): string {
  return [...counted]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${printCount(count)}`)
    .join(', ');
}

function share(part: number, whole: number, of: string): string {
  return whole === 0 ? '' : `${((100 * part) / whole).toFixed(2)} % ${of}`;
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${printCount(count)} ${count === 1 ? one : many}`;
}
