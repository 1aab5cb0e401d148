/**
 * Records the memory traffic of a real program with valgrind's lackey tool, as a workload for `tlbsan run`:
 *
 *     npx tsx tools/record/record.ts [--lines N] OUT.trace.gz PROGRAM [ARGUMENT …]
 *
 * The program runs with an empty environment, so that its stack lies where it lay the last time. Its processes are
 * recorded one by one and joined (merge.ts); with --lines the end is cut off. The gzip stream holds no time and no name.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { cutLines, mergeProcesses } from './merge.ts';

const LACKEY = [
  '--tool=lackey',
  '--trace-mem=yes',
  '--trace-syscalls=yes',
  '--trace-sched=yes',
  // Threads take turns at each call that may block, instead of running until they have to stop.
  '--fair-sched=yes',
];

function record(program: readonly string[]): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'lackey-'));
  try {
    const { status, error, signal } = spawnSync(
      'valgrind',
      [...LACKEY, `--log-file=${join(directory, '%p')}`, ...program],
      { stdio: ['ignore', 'inherit', 'inherit'], env: { PATH: '/usr/bin:/bin' } },
    );
    if (error !== undefined) throw error;
    if (signal !== null) throw new Error(`the program was ended by ${signal}`);
    if (status !== 0) process.stderr.write(`the program exited with status ${status}\n`);
    const pids = readdirSync(directory).map(Number);
    const linesOf = new Map(pids.map((pid) => [pid, readLines(join(directory, String(pid)))]));
    const root = pids.find((pid) => !pids.includes(parentOf(linesOf.get(pid) ?? [])));
    if (root === undefined) throw new Error('valgrind wrote no log');
    return mergeProcesses(root, linesOf);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function readLines(file: string): readonly string[] {
  const lines = readFileSync(file, 'latin1').split('\n');
  // An exec cuts the last line off; a trace's last line has an end.
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function parentOf(lines: readonly string[]): number {
  return Number(/Parent PID: (\d+)/.exec(lines.slice(0, 8).join('\n'))?.[1] ?? 0);
}

function main(args: readonly string[]): void {
  const cut = args[0] === '--lines';
  const limit = cut ? Number(args[1]) : Number.POSITIVE_INFINITY;
  const [out, ...program] = cut ? args.slice(2) : args;
  if (out === undefined || program.length === 0 || !(limit > 0)) {
    process.stderr.write('usage: record.ts [--lines N] OUT.trace.gz PROGRAM [ARGUMENT …]\n');
    process.exitCode = 2;
    return;
  }
  const recorded = record(program);
  const lines = cutLines(recorded, limit);
  const packed = gzipSync(Buffer.from(`${lines.join('\n')}\n`, 'latin1'), { level: constants.Z_BEST_COMPRESSION });
  writeFileSync(out, packed);
  process.stdout.write(`${out}: ${lines.length} of ${recorded.length} lines, ${packed.length} bytes\n`);
}

main(process.argv.slice(2));
