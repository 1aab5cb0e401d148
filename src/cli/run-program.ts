/** `tlbsan run PROG [-- ARGS]`: hosts a program, passes its streams through, and reports on standard error. */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import type { RunFlags } from './run-command.ts';
import { isElf } from '../process/elf.ts';
import type { HostStreams } from '../process/files/host-port.ts';
import { reportOn } from '../scenario/run-report.ts';
import { ProgramRun } from '../scenario/program/program-run.ts';
import { Statistics } from '../trace/statistics.ts';
import { printCount } from '../trace/table.ts';
import { ExitStatus } from './exit-status.ts';
import { DirectoryRoot } from './host-root.ts';
import { InputError } from '../base/errors.ts';
import { listenForInterruption } from './interruption.ts';
import { OutputFile } from './output-file.ts';
import { drawRun } from './perfetto-file.ts';
import { Progress } from './progress.ts';
import { printReport } from './report-text.ts';
import { runJson } from './run-json.ts';
import type { OutputStream, Streams } from './streams.ts';
import { paintFor } from './terminal-paint.ts';

export interface ProgramFlags {
  readonly engine?: string;
  readonly root?: string;
  readonly symbols?: string;
  readonly stress?: string;
  readonly maxInstructions?: number;
  readonly errorExitcode?: number;
  readonly env?: readonly string[];
  readonly quiet?: boolean;
}

/** Steps between two looks at the clock, the limit and Ctrl-C. */
const SLICE_STEPS = 2_000;
const VIOLATION_STATUS = 66;
const INSTRUCTIONS_LIMIT = 100_000_000_000;
const SIGNAL_STATUS = 128;
const MAGIC_BYTES = 4;
const ENVIRONMENT = ['PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', 'HOME=/', 'LC_ALL=C'];

/** Whether the file is a program, by how it begins. Whatever cannot be read is left to who reads workloads to complain of. */
export function isProgram(file: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return false;
  }
  try {
    const start = new Uint8Array(MAGIC_BYTES);
    return fstatSync(descriptor).isFile() && readSync(descriptor, start) === start.length && isElf(start);
  } finally {
    closeSync(descriptor);
  }
}

const PROGRAM_OPTIONS: readonly (readonly [keyof ProgramFlags, string])[] = [
  ['engine', '--engine'],
  ['root', '--root'],
  ['symbols', '--symbols'],
  ['env', '--env'],
  ['stress', '--stress'],
  ['maxInstructions', '--max-instructions'],
  ['errorExitcode', '--error-exitcode'],
  ['quiet', '--quiet'],
];

/** Throws InputError where something is said of a program, and the file is none. */
export function refuseWhatProgramsTake(file: string, args: readonly string[], flags: ProgramFlags): void {
  if (args.length > 0) throw new InputError('takes no arguments: it is no program', { file });
  for (const [name, option] of PROGRAM_OPTIONS) {
    const given = flags[name];
    if (given !== undefined && given !== false)
      throw new InputError(`is for programs; ${file} is none`, { file: option });
  }
}

/** Throws InputError for whatever is wrong with the program or the flags. */
export async function runProgram(
  file: string,
  args: readonly string[],
  flags: RunFlags & ProgramFlags,
  { out, error: aside, programs }: Streams,
): Promise<number> {
  if (flags.maxSteps !== undefined)
    throw new InputError('is for scenarios; programs have --max-instructions', { file: '--max-steps' });
  const { cpus, era, policy, set, seed, memory, detect, engine, stress } = flags;
  const run = new ProgramRun(
    {
      file,
      path: resolve(file),
      bytes: readFileSync(file),
      symbols: flags.symbols === undefined ? null : symbolFile(flags.symbols),
      args: [file, ...args],
      environment: flags.env ?? ENVIRONMENT,
      root: flags.root === undefined ? null : new DirectoryRoot(flags.root),
      streams: programs ?? textStreams(out, aside),
    },
    { processors: cpus, era, policy, switches: set, seed, memory, detect, engine, stress },
  );
  const statistics = new Statistics(run.system.options.processors);
  run.system.stream.observe(statistics.observe);
  const json = flags.json === undefined || flags.json === '-' ? null : new OutputFile(flags.json, { keep: [file] });
  const trace = flags.trace === undefined ? null : new OutputFile(flags.trace, { keep: [file] });
  const finishTrace = trace === null ? () => {} : drawRun(run.system, trace.write.bind(trace));

  const stopped = await toItsEnd(run, flags.maxInstructions ?? INSTRUCTIONS_LIMIT, aside);
  const report = reportOn(run.system, run.outcome(stopped));
  const text = `${JSON.stringify(runJson(report, statistics), null, 2)}\n`;
  if (flags.json === '-') aside.write(text);
  else if (flags.quiet !== true || report.verdict !== 'clean')
    aside.write(printReport(report, statistics, paintFor(aside)));
  json?.write(Buffer.from(text));
  json?.close();
  finishTrace();
  trace?.close();
  switch (report.verdict) {
    case 'violation':
    case 'unexpected':
      return flags.errorExitcode ?? VIOLATION_STATUS;
    case 'limit':
      return ExitStatus.limit;
    case 'died':
      return ExitStatus.guestDied;
    case 'clean':
      return statusOf(run);
  }
}

function symbolFile(file: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new InputError(`cannot be read: ${(error as NodeJS.ErrnoException).code}`, { file: `--symbols: ${file}` });
  }
  if (!isElf(bytes)) throw new InputError('is no ELF file', { file: `--symbols: ${file}` });
  return bytes;
}

/** As a shell tells it. */
function statusOf({ ending }: ProgramRun): number {
  if (ending === null) return ExitStatus.guestDied;
  return ending.kind === 'exited' ? ending.status : SIGNAL_STATUS + ending.signal;
}

async function toItsEnd(
  run: ProgramRun,
  limit: number,
  aside: Streams['error'],
): Promise<'interrupted' | 'step limit' | null> {
  const interruption = listenForInterruption();
  const progress = new Progress(() => `${printCount(run.world.instructions)} instructions`, aside);
  try {
    while (run.advance(SLICE_STEPS)) {
      await progress.update();
      if (interruption.happened) return 'interrupted';
      if (run.world.work >= limit) return 'step limit';
    }
    return null;
  } finally {
    progress.end();
    interruption.stopListening();
  }
}

/** Programs' output as text, for whoever collects text. */
function textStreams(out: OutputStream, aside: OutputStream): HostStreams {
  const decoders = { 1: new TextDecoder(), 2: new TextDecoder() };
  return {
    read: () => new Uint8Array(0),
    write: (stream, bytes) => {
      (stream === 1 ? out : aside).write(decoders[stream].decode(bytes, { stream: true }));
    },
  };
}
