/**
 * `tlbsan eras`: the kernels whose TLB code a run can choose, and their broken and harmless variants. With --diff, what
 * changed between two of them, in words and in figures.
 */
import { InputError } from '../base/errors.ts';
import { listEras, pathBetween } from '../scenario/era-list.ts';
import type { SystemWords } from '../scenario/system-options.ts';
import { printTable } from '../trace/table.ts';
import { figuresOf, reasonsOf, runForComparison } from './eras-difference.ts';
import { printDifference } from './eras-difference-text.ts';
import { ExitStatus } from './exit-status.ts';
import type { Streams } from './streams.ts';

const ERAS_SCHEMA = 1;

export interface ErasFlags {
  readonly json: boolean;
  /** Two eras, the older first. */
  readonly diff?: readonly string[];
  readonly workload?: string;
  readonly cpus?: number;
  readonly set: readonly string[];
  readonly seed?: number;
}

/** Throws InputError for an era or a workload that is none. */
export async function erasCommand(flags: ErasFlags, streams: Streams): Promise<ExitStatus> {
  const { diff } = flags;
  if (diff === undefined) {
    if (flags.workload !== undefined) throw new InputError('is for --diff', { file: '--workload' });
    return list(flags, streams);
  }
  const [from, to] = diff;
  if (from === undefined || to === undefined || diff.length > 2) {
    throw new InputError('takes two eras, the older first', { file: '--diff' });
  }
  return compare(flags, [from, to], streams);
}

function list({ json }: ErasFlags, { out }: Streams): ExitStatus {
  const eras = listEras();
  if (json) {
    out.write(`${JSON.stringify({ schema: ERAS_SCHEMA, eras }, null, 2)}\n`);
    return ExitStatus.clean;
  }
  const rows = eras.map(({ id, kernels, summary, variantOf }) =>
    variantOf === null
      ? [id, kernels, summary]
      : [`  ${id}`, variantOf.harmless ? 'harmless variant' : 'broken variant', variantOf.change],
  );
  const columns = ['era', 'kernel', 'what it does'].map((title) => ({ title, align: 'left' as const }));
  out.write(`${printTable(columns, rows).join('\n')}\n`);
  return ExitStatus.clean;
}

async function compare(flags: ErasFlags, [from, to]: readonly [string, string], { out }: Streams): Promise<ExitStatus> {
  const path = pathBetween(from, to);
  const { workload, json, cpus, set, seed } = flags;
  const words: SystemWords = { processors: cpus, switches: set, seed, detect: true };
  const before = await runForComparison(workload, { ...words, era: path.from.id });
  const after = await runForComparison(workload, { ...words, era: path.to.id });
  const report = before.reports[0];
  const difference = {
    path,
    workload: { file: report?.workload.file ?? '', title: report?.workload.title ?? '', runs: before.reports.length },
    machine: { processors: report?.configuration.processors ?? 0, switches: set },
    figures: figuresOf(before, after),
    reasons: reasonsOf(before, after),
  };
  if (json) {
    const { path: eras, ...rest } = difference;
    out.write(`${JSON.stringify({ schema: ERAS_SCHEMA, ...eras, ...rest }, null, 2)}\n`);
  } else out.write(printDifference(difference));
  return ExitStatus.clean;
}
