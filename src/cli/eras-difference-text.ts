/** Two eras compared, as text: first in words, then in figures. */
import type { EraPath } from '../scenario/era-list.ts';
import { type Cell, type Column, printCount, printTable } from '../trace/table.ts';
import type { Figure, ReasonFigure } from './eras-difference.ts';

export interface Difference {
  readonly path: EraPath;
  readonly workload: { readonly file: string; readonly title: string; readonly runs: number };
  /** `switches`: those that were set by hand. */
  readonly machine: { readonly processors: number; readonly switches: readonly string[] };
  readonly figures: readonly Figure[];
  readonly reasons: readonly ReasonFigure[];
}

const LINE_WIDTH = 100;

export function printDifference({ path, workload, machine, figures, reasons }: Difference): string {
  const { from, to, steps } = path;
  const columns = columnsFor(from.id, to.id);
  const set = machine.switches.length === 0 ? '' : `, ${machine.switches.join(' ')}`;
  const runs = workload.runs === 1 ? 'one run' : `${workload.runs} runs with different seeds`;
  return [
    `${from.id} (${from.kernels}) and ${to.id} (${to.kernels})`,
    '',
    'what changed',
    ...(steps.length === 0 ? ['  nothing'] : steps.flatMap(printStep)),
    '',
    `on ${workload.file}: ${workload.title}`,
    `${machine.processors} processors${set}; ${runs} under each era`,
    '',
    ...printTable(columns, figures.map(rowOf)),
    '',
    ...printTable([{ title: 'why flushed or not', align: 'left' }, ...columns.slice(1)], reasons.map(reasonRow)),
    '',
  ].join('\n');
}

function columnsFor(from: string, to: string): readonly Column[] {
  return [
    { title: 'figures', align: 'left' },
    { title: from, align: 'right' },
    { title: to, align: 'right' },
    { title: 'change', align: 'right' },
  ];
}

function printStep({ id, changes }: EraPath['steps'][number]): readonly string[] {
  return changes.flatMap((change, index) => {
    const label = index === 0 ? id : '';
    const indent = Math.max(id.length, 4);
    return wrap(change, LINE_WIDTH - indent - 4).map(
      (line, at) => `  ${(at === 0 ? label : '').padEnd(indent)}  ${line}`,
    );
  });
}

function rowOf({ name, from, to }: Figure): readonly Cell[] {
  return [name, from, to, changeOf(from, to)];
}

/** Where flushes found nothing, how many. */
function reasonRow({ name, from, to, wastedFrom, wastedTo }: ReasonFigure): readonly Cell[] {
  const wasted = wastedFrom + wastedTo === 0 ? '' : ` (wasted ${printCount(wastedFrom)}, ${printCount(wastedTo)})`;
  return [`${name}${wasted}`, from, to, changeOf(from, to)];
}

function changeOf(from: number, to: number): string {
  if (from === to) return '=';
  if (from === 0) return `+${printCount(to)}`;
  const percent = Math.round(((to - from) / from) * 100);
  return `${percent > 0 ? '+' : ''}${percent} %`;
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
