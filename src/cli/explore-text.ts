/** The report of an exploration as plain text: verdict first, then what was covered, the outcomes, and what was found. */
import { printFinding, printViolation } from '../coherence/print-violation.ts';
import type { CoherenceReport } from '../coherence/violation.ts';
import type { Counts, Result } from '../explore/verdict.ts';
import { executions } from '../explore/verdict.ts';
import type { SystemOptions } from '../scenario/system.ts';
import { printStory, type StoryLine } from '../trace/story.ts';
import { printCount } from '../trace/table.ts';
import type { Paint } from './paint.ts';

export interface FindingReport {
  readonly id: string;
  readonly message: string;
  /** How many of the explored executions did it. */
  readonly executions: number;
  /** The part of the search that found it first. */
  readonly part: number;
  /** Replays the shortest schedule found. */
  readonly token: string;
  readonly steps: number;
  /** Of the shrunk schedule; null when it was not shrunk. */
  readonly preemptions: number | null;
  readonly changes: number | null;
  /** What the detector says at the end of that schedule. */
  readonly coherence: Pick<CoherenceReport, 'violations' | 'findings'>;
  /** How the first violation came about, in the steps that it depends on; empty where no translation was used. */
  readonly story: readonly StoryLine[];
}

export interface ExploreReport extends Omit<Result, 'findings'> {
  readonly schema: number;
  readonly workload: { readonly file: string; readonly title: string };
  readonly configuration: {
    readonly processors: number;
    readonly era: string;
    readonly policy: string;
    readonly switches: SystemOptions['switches'];
  };
  readonly strategy: string;
  /** Which shard of which search this is: index 0 of count 1 for all of it. Shards of one `search` can be merged. */
  readonly shard: { readonly index: number; readonly count: number; readonly search: string };
  /** Violations that the scenario says are there to be found and were not; null where it says so of none. */
  readonly unmet: readonly string[] | null;
  readonly findings: readonly FindingReport[];
}

const OUTCOMES_PRINTED = 12;

export function printExploration(report: ExploreReport, paint: Paint): string {
  const sections = [heading(report, paint), outcomes(report), ...report.findings.map((each) => finding(each, paint))];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function heading(report: ExploreReport, paint: Paint): string {
  const { workload, configuration, strategy, shard, unmet, verdict, counts } = report;
  const { processors, era, policy, switches } = configuration;
  const off = Object.entries(switches).flatMap(([name, on]) => (on ? [] : [name]));
  const words = verdictInWords(report);
  return [
    `verdict     ${verdict === 'exhausted' ? paint.good(words) : paint.bad(words)}`,
    `workload    ${workload.file}: ${workload.title}`,
    `kernel      era ${era}`,
    `machine     ${processors} processors, policy ${policy}`,
    `off         ${off.length === 0 ? 'nothing' : off.join(', ')}`,
    `strategy    ${strategy}${shard.count > 1 ? `, shard ${shard.index} of ${shard.count}` : ''}`,
    ...(unmet ?? []).map((line) => `unmet       ${paint.bad(line)}`),
    `executions  ${printCount(executions(counts))}: ${inWords(counts)}`,
    `steps       ${printCount(counts.steps)}, ${printCount(counts.transitions)} of them for the first time`,
    ...(counts.states > 0 ? [`states      ${printCount(counts.states)}`] : []),
  ].join('\n');
}

function verdictInWords({ verdict, strategy, limit, findings }: ExploreReport): string {
  switch (verdict) {
    case 'exhausted':
      return `EXHAUSTED: every schedule${strategy === 'exhaustive' ? '' : ` within ${strategy}`} is covered, and none violates anything`;
    case 'violation':
      return `VIOLATION: ${findings.map(({ message }) => message).join('; ')}`;
    case 'limit':
      return `LIMIT (${limit}): nothing found in what was explored, which is no pass`;
  }
}

function inWords({ complete, blocked, asleep, cached, truncated, cut }: Counts): string {
  const parts = [`${printCount(complete)} complete`, `${printCount(blocked)} in a deadlock`];
  if (cached > 0) parts.push(`${printCount(cached)} to a known state`);
  if (asleep > 0) parts.push(`${printCount(asleep)} covered by others`);
  if (truncated > 0) parts.push(`${printCount(truncated)} given up as too long`);
  if (cut > 0) parts.push(`${printCount(cut)} choices beyond the bound`);
  return parts.join(', ');
}

/** The most frequent first. */
function outcomes({ outcomes: found }: ExploreReport): string {
  if (found.length === 0) return '';
  const rows = [...found].sort(([a, often], [b, seldom]) => seldom - often || (a < b ? -1 : 1));
  const lines = rows
    .slice(0, OUTCOMES_PRINTED)
    .map(([outcome, count]) => `${printCount(count).padStart(10)}  ${outcome}`);
  const rest = found.length > OUTCOMES_PRINTED ? [`${' '.repeat(12)}and ${found.length - OUTCOMES_PRINTED} more`] : [];
  return ['outcomes: executions, then line:value for each thread', ...lines, ...rest].join('\n');
}

function finding({ id, token, steps, preemptions, changes, coherence, story }: FindingReport, paint: Paint): string {
  const short = preemptions === null ? '' : `, preemptions ${preemptions}, changes of thread ${changes}`;
  const told = [...coherence.violations.map(printViolation), ...coherence.findings.map(printFinding)];
  return [
    paint.heading(`found ${id}`),
    `schedule    ${token}`,
    `            ${steps} steps${short}`,
    ...told.map((text) => `\n${text.trimEnd()}`),
    ...(story.length === 0 ? [] : ['\nhow it came about, by step', ...printStory(story)]),
  ].join('\n');
}
