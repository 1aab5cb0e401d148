/** The museum in plain text: the list, the page of an exhibit, and what a run of it came to. */
import { printFinding, printViolation } from '../coherence/print-violation.ts';
import { executions } from '../explore/verdict.ts';
import type { Exhibit, Missing } from '../museum/exhibit.ts';
import type { CoherenceReport } from '../coherence/violation.ts';
import type { Catch, SearchName, SearchReport, Tour } from '../museum/tour.ts';
import { printStory, type StoryLine } from '../trace/story.ts';
import { printCount, printTable } from '../trace/table.ts';
import type { Paint } from './paint.ts';

/** What was caught, with what the detector says at the end of the schedule, and how it came about. */
export interface ToldCatch extends Omit<Catch, 'report'>, Pick<CoherenceReport, 'violations' | 'findings'> {
  readonly story: readonly StoryLine[];
}

export interface ToldTour extends Omit<Tour, 'catch'> {
  readonly catch: ToldCatch | null;
}

const WIDTH = 120;

export function printExhibits(exhibits: readonly Exhibit[], missing: readonly Missing[]): string {
  const column = (title: string) => ({ title, align: 'left' as const });
  const shown = printTable(
    [column('bug'), column('vulnerable'), column('fixed'), column('what')],
    exhibits.map(({ id, vulnerable, fixed, title }) => [id, vulnerable, fixed, title]),
  );
  const absent = printTable(
    [column('not shown'), column('what, and why not')],
    missing.flatMap(({ id, title, reason }) => [
      [id, title],
      ['', `  ${reason}`],
    ]),
  );
  return `${[...shown, '', ...absent].join('\n')}\n`;
}

export function printExhibit(exhibit: Exhibit, paint: Paint): string {
  const { id, title, sources, kernels, vulnerable, fixed, search, vanishes } = exhibit;
  const facts = [
    [
      'sources',
      sources.map(({ kind, text }) => `${kind === 'elsewhere' || kind === 'cve' ? '' : `${kind} `}${text}`).join('; '),
    ],
    ['kernels', kernels],
    ['here', `era ${vulnerable}; mended: ${fixed}`],
    ['search', printBound(exhibit)],
    ['finds', exhibit.expected],
    ['needs', exhibit.needs.join('; ')],
    ...vanishes.map(({ switches, why }) => ['gone with', `${switches.join(' ')}: ${why}`]),
  ];
  return [
    paint.heading(`${id}  ${title}`),
    ...facts.flatMap(([name = '', text = '']) => rows(name, text)),
    '',
    ...wrap(exhibit.story),
    '',
    ...exhibit.scenario
      .trimEnd()
      .split('\n')
      .map((line) => `    ${line}`.trimEnd()),
    '',
    ...rows('to learn', exhibit.lesson),
    ...rows('remedy', exhibit.remedy),
    '',
    `tlbsan bugs run ${id}   # within ${search.preemptions === 1 ? 'one preemption' : `${search.preemptions} preemptions`}`,
    '',
  ].join('\n');
}

function printBound({ search: { from, preemptions } }: Exhibit): string {
  const what = `every schedule with at most ${preemptions} preemption${preemptions === 1 ? '' : 's'}`;
  return from === null ? what : `${what} from the moment on at which '${from}' is signalled`;
}

export function printTour(exhibit: Exhibit, { verdict, searches, catch: caught }: ToldTour, paint: Paint): string {
  const word = {
    confirmed: paint.good('CONFIRMED'),
    refuted: paint.bad('REFUTED'),
    limit: paint.bad('LIMIT, which confirms nothing'),
  }[verdict];
  return [
    paint.heading(`${exhibit.id}  ${exhibit.title}: ${word}`),
    ...rows('searched', printBound(exhibit)),
    ...searches.flatMap((search) => rows(searchTitle(search.name), printSearch(search, exhibit))),
    ...(caught === null ? [] : printCatch(caught)),
    '',
    '',
  ].join('\n');
}

export function printSearchName(name: SearchName): string {
  return name.kind === 'absence' ? `with ${name.switches.join(' ')}` : `the ${name.kind}`;
}

export function printSummary(tours: readonly ToldTour[], time: number, paint: Paint): string {
  const count = (verdict: Tour['verdict']): number => tours.filter((each) => each.verdict === verdict).length;
  const text = `${count('confirmed')} of ${tours.length} confirmed, ${count('refuted')} refuted, ${count('limit')} stopped at a limit; ${seconds(time)}`;
  return `${count('confirmed') === tours.length ? paint.good(text) : paint.bad(text)}\n`;
}

function searchTitle({ kind }: SearchName): string {
  return { bug: 'bug', fix: 'fix', absence: 'without' }[kind];
}

function printSearch(search: SearchReport, { expected }: Exhibit): string {
  const { name, era, verdict, limit, counts, time, asStated, found } = search;
  const where = name.kind === 'absence' ? `${name.switches.join(' ')}, era ${era}` : `era ${era}`;
  const came =
    verdict === 'violation'
      ? `found ${found.join('; ')}`
      : verdict === 'exhausted'
        ? 'exhausted, clean'
        : `limit (${limit}): nothing found in what was explored`;
  const wanted = name.kind === 'bug' ? expected : 'exhausted, clean';
  const took = time === null ? '' : `, ${seconds(time)}`;
  return `${where}: ${came} (${printCount(executions(counts))} executions${took})${asStated ? '' : `, NOT AS STATED: ${wanted}`}`;
}

function printCatch({ token, steps, preemptions, changes, violations, findings, story }: ToldCatch): string[] {
  const reports = [...violations.map(printViolation), ...findings.map(printFinding)];
  return [
    ...rows('schedule', token),
    ...rows('', `${steps} steps, preemptions ${preemptions}, changes of thread ${changes}`),
    '',
    ...reports.flatMap((text) => text.trimEnd().split('\n')),
    ...(story.length === 0 ? [] : ['', 'how it came about, by step', ...printStory(story)]),
  ];
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function rows(name: string, text: string): string[] {
  return wrap(text, WIDTH - 12).map((line, index) => `  ${(index === 0 ? name : '').padEnd(9)} ${line}`);
}

function wrap(text: string, width = WIDTH): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
