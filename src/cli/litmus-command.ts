/** `tlbsan litmus FILE...`: explores litmus tests and says whether what they allow and forbid is so. */
import { readFile, stat } from 'node:fs/promises';
import { InputError } from '../base/errors.ts';
import { LitmusSearch, type LitmusVerdict } from '../scenario/litmus/litmus-search.ts';
import { LITMUS_LIMITS } from '../workload/litmus-lexer.ts';
import { ExitStatus } from './exit-status.ts';
import { type LitmusReport, printBrief, printLitmus, printReplay, printTotal } from './litmus-text.ts';
import { Progress } from './progress.ts';
import type { Streams } from './streams.ts';
import { paintFor } from './terminal-paint.ts';

export interface LitmusFlags {
  readonly set: readonly string[];
  readonly executions: number;
  readonly seconds?: number;
  readonly brief: boolean;
  readonly steps: boolean;
  readonly replay?: string;
  readonly json: boolean;
}

const LITMUS_SCHEMA = 1;
const STATUS = {
  'as-expected': ExitStatus.clean,
  'not-as-expected': ExitStatus.violation,
  unknown: ExitStatus.limit,
} as const satisfies Record<LitmusVerdict, ExitStatus>;

/** Throws InputError for whatever is wrong with the files or the flags; nothing has been explored then. */
export async function litmusCommand(
  files: readonly string[],
  flags: LitmusFlags,
  version: string,
  streams: Streams,
): Promise<ExitStatus> {
  const searches: { readonly file: string; readonly search: LitmusSearch }[] = [];
  for (const file of files) {
    const source = { text: await readText(file), file, switches: flags.set, version };
    searches.push({ file, search: new LitmusSearch(source) });
  }
  const [first] = searches;
  if (flags.replay !== undefined) {
    if (first === undefined || searches.length > 1) {
      throw new InputError('a schedule is one of a single test', { file: '--replay' });
    }
    return replay(first.search, first.file, flags.replay, { flags, streams });
  }
  return await explore(searches, flags, streams);
}

async function explore(
  searches: readonly { readonly file: string; readonly search: LitmusSearch }[],
  flags: LitmusFlags,
  { out, error: aside }: Streams,
): Promise<ExitStatus> {
  const paint = paintFor(out);
  const reports: LitmusReport[] = [];
  const progress = new Progress(() => `${reports.length} of ${searches.length} tests`, aside);
  const limits = {
    executions: flags.executions,
    now: () => performance.now(),
    ...(flags.seconds === undefined ? {} : { time: flags.seconds * 1000 }),
  };
  try {
    for (const { file, search } of searches) {
      const { title, cite, because } = search.test;
      const report = { file, title, cite, because, ...search.explore(limits) };
      reports.push(report);
      await progress.update();
      if (flags.json) continue;
      progress.end();
      out.write(flags.brief ? printBrief(report, paint) : printLitmus(report, paint, { steps: flags.steps }));
    }
  } finally {
    progress.end();
  }
  const verdict = together(reports);
  if (flags.json) out.write(`${JSON.stringify({ schema: LITMUS_SCHEMA, verdict, tests: reports }, null, 2)}\n`);
  else if (reports.length > 1) out.write(printTotal(reports, paint));
  return STATUS[verdict];
}

function replay(
  search: LitmusSearch,
  file: string,
  token: string,
  { flags, streams }: { readonly flags: LitmusFlags; readonly streams: Streams },
): ExitStatus {
  const witness = search.replay(token);
  const { title } = search.test;
  streams.out.write(
    flags.json
      ? `${JSON.stringify({ schema: LITMUS_SCHEMA, replay: { file, title, ...witness } }, null, 2)}\n`
      : printReplay({ file, title, witness }),
  );
  return ExitStatus.clean;
}

function together(reports: readonly LitmusReport[]): LitmusVerdict {
  if (reports.some(({ verdict }) => verdict === 'not-as-expected')) return 'not-as-expected';
  return reports.some(({ verdict }) => verdict === 'unknown') ? 'unknown' : 'as-expected';
}

const READ_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EISDIR: 'is a directory',
  EACCES: 'permission denied',
};

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    // As many bytes as characters could have.
    if (size > 4 * LITMUS_LIMITS.textCharacters) {
      throw new InputError(`a litmus test has at most ${LITMUS_LIMITS.textCharacters} characters`, { file });
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    if (error instanceof InputError || !(error instanceof Error)) throw error;
    if (error instanceof TypeError) throw new InputError('not UTF-8 text', { file });
    const code = 'code' in error ? String(error.code) : '';
    throw 'syscall' in error ? new InputError(READ_REASONS[code] ?? `cannot be read (${code})`, { file }) : error;
  }
}
