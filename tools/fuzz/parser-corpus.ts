/** What the parsers' fuzzer starts from: the hand-written scenarios, and short pieces of the recorded traces. */

import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const FIXTURES = new URL('../../fixtures/', import.meta.url);

/** Of each trace, so many pieces of so many lines. */
const PIECES = 12;
const PIECE_LINES = 24;

export function scenarioCorpus(): string[] {
  const directory = new URL('workloads/', FIXTURES);
  const files = readdirSync(directory).filter((file) => file.endsWith('.tlb'));
  return files.sort().map((file) => readFileSync(new URL(file, directory), 'utf8'));
}

/** Memory lines are thinned out to one in a row, so that a piece holds many messages; first, someone runs. */
export function traceCorpus(): string[] {
  const directory = new URL('traces/', FIXTURES);
  const files = readdirSync(directory).filter((file) => file.endsWith('.trace.gz'));
  return files.sort().flatMap((file) => pieces(gunzipSync(readFileSync(new URL(file, directory))).toString('latin1')));
}

function pieces(trace: string): string[] {
  const thin = trace.replaceAll(/((?:^(?:I {2}| [SLM] ).*\n))(?:(?:I {2}| [SLM] ).*\n)+/gm, '$1').split('\n');
  const step = Math.max(1, Math.floor(thin.length / PIECES));
  return Array.from({ length: PIECES }, (_, index) => {
    const lines = thin.slice(index * step, index * step + PIECE_LINES);
    const speaker = /SYSCALL\[(\d+),|^--(\d+)--/m.exec(lines.join('\n'));
    const pid = speaker?.[1] ?? speaker?.[2] ?? '1';
    return `--${pid}--   SCHED[1]:  acquired lock (x)\n${lines.join('\n')}\n`;
  });
}

export const SCENARIO_WORDS: readonly string[] =
  'scenario processors era seed policy set space thread in on kernel expect clean violation by mmap munmap mprotect mremap madvise brk fork read write fetch signal await run repeat reclaim migrate of vmalloc vfree offline online speculate evict flush mm all shared 2M at move rw rwx none dontneed free -> fault [0] [0..3] +8 { } = "x" # \n'.split(
    /(?<=\S) /,
  );

export const TRACE_WORDS: readonly string[] = [
  'I  0401000,3\n',
  ' S 1ffeffe7e0,8\n',
  ' L ',
  ' M ',
  'SYSCALL[71,1](11) sys_munmap ( 0x4000, 4096 )',
  '[sync] --> Success(0x0) ',
  ' --> [pre-success] Success(0x48) ',
  ' --> [pre-fail] Failure(0x26) ',
  ' --> [async] ... ',
  ' ... [async] --> Success(0x0) ',
  'NoWriteResult',
  '   clone(fork): process 71 created child 72\n',
  '--71--   SCHED[1]:  acquired lock (x)\n',
  '--72--   SCHED[1]: exiting VG_(scheduler)\n',
  '==71== ',
  '\n',
];
