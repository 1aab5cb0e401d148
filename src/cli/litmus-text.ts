/** Reports on litmus tests as plain text: verdict first, then each condition, the outcomes, the witnesses, the counts. */
import type { Counts } from '../explore/verdict.ts';
import { executions } from '../explore/verdict.ts';
import type { ConditionResult, LitmusResult, LitmusVerdict, Witness } from '../scenario/litmus/litmus-search.ts';
import { printCount } from '../trace/table.ts';
import type { Paint } from './paint.ts';

export interface LitmusReport extends LitmusResult {
  readonly file: string;
  readonly title: string;
  readonly cite: string | null;
  readonly because: string | null;
}

const IN_WORDS = {
  'as-expected': 'AS EXPECTED',
  'not-as-expected': 'NOT AS EXPECTED',
  unknown: 'UNKNOWN',
} as const satisfies Record<LitmusVerdict, string>;

export function printLitmus(report: LitmusReport, paint: Paint, { steps }: { readonly steps: boolean }): string {
  const { file, title, cite, because, conditions, outcomes, limit } = report;
  const reason = [cite, because].filter((each) => each !== null).join(': ');
  const lines = [
    `verdict     ${painted(report.verdict, paint)}${limit === null ? '' : `: the search ended at a limit (${limit})`}`,
    `test        ${file}: ${title}`,
    ...(reason === '' ? [] : [`decided by  ${reason}`]),
    `explored    ${inWords(report.counts)}`,
    'outcomes    executions, then what they came to',
    ...outcomes.map(
      ([outcome, count]) => `${printCount(count).padStart(10)}  ${outcome === '' ? '(nothing)' : outcome}`,
    ),
    ...conditions.flatMap((condition) => describe(condition, paint, steps)),
  ];
  return `${lines.join('\n')}\n\n`;
}

export function printBrief({ verdict, file, conditions, counts }: LitmusReport, paint: Paint): string {
  const expected = conditions.map((each) => each.expected).join(', ');
  const numbers = `${printCount(counts.complete)} ends, ${printCount(counts.states)} states`;
  return `${painted(verdict, paint)}  ${file}: ${expected}; ${numbers}\n`;
}

export function printTotal(reports: readonly LitmusReport[], paint: Paint): string {
  const count = (verdict: LitmusVerdict): number => reports.filter((each) => each.verdict === verdict).length;
  const sum = (of: (counts: Counts) => number): string =>
    printCount(reports.reduce((total, { counts }) => total + of(counts), 0));
  const failed = count('not-as-expected');
  const unknown = count('unknown');
  const good = `${printCount(count('as-expected'))} of ${printCount(reports.length)} tests as expected`;
  const bad = `${failed > 0 ? `, ${printCount(failed)} not` : ''}${unknown > 0 ? `, ${printCount(unknown)} unknown` : ''}`;
  const told = failed + unknown === 0 ? paint.good(good) : paint.bad(good + bad);
  return `${told}: ${sum(executions)} executions, ${sum(({ states }) => states)} states, ${sum(({ steps }) => steps)} steps\n`;
}

export function printReplay({
  file,
  title,
  witness,
}: {
  readonly file: string;
  readonly title: string;
  readonly witness: Witness;
}): string {
  const outcome = witness.outcome ?? 'none: somebody waits for ever, or the schedule ends before';
  const lines = [`test        ${file}: ${title}`, `outcome     ${outcome}`, ...told(witness)];
  return `${lines.join('\n')}\n`;
}

function describe(
  { expected, condition, line, verdict, witness }: ConditionResult,
  paint: Paint,
  steps: boolean,
): string[] {
  const head = `${`line ${line}`.padEnd(12)}${expected} ${condition}: ${painted(verdict, paint)}`;
  if (witness === null) return [head];
  return [head, `  witness   ${witness.token}`, ...(steps ? told(witness) : [])];
}

function told({ steps }: Witness): string[] {
  return steps.map((step, index) => `${String(index + 1).padStart(10)}  ${step}`);
}

function painted(verdict: LitmusVerdict, paint: Paint): string {
  return verdict === 'as-expected' ? paint.good(IN_WORDS[verdict]) : paint.bad(IN_WORDS[verdict]);
}

function inWords(counts: Counts): string {
  const parts = [`${printCount(executions(counts))} executions`, `${printCount(counts.states)} states`];
  if (counts.blocked > 0) parts.push(`${printCount(counts.blocked)} executions in which somebody waits for ever`);
  if (counts.truncated > 0) parts.push(`${printCount(counts.truncated)} given up as too long`);
  return `${parts.join(', ')}, ${printCount(counts.steps)} steps`;
}
