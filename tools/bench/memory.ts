/**
 * Host memory: 1 GiB of guest memory touched sparsely, and a trace of any length. Prints the peak of the process.
 * `npx tsx tools/bench/memory.ts sparse` or `npx tsx tools/bench/memory.ts long [MILLIONS OF ACCESSES]`.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { System } from '../../src/scenario/system.ts';
import { systemOptions } from '../../src/scenario/system-options.ts';
import { TraceReplay } from '../../src/scenario/trace-replay.ts';
import { LackeyReader } from '../../src/workload/lackey-reader.ts';

const [mode = 'sparse', size = '100'] = process.argv.slice(2);
const FILE = 'bench';
const ascii = new TextEncoder();

function newReplay(): { replay: TraceReplay; reader: LackeyReader } {
  const wishes = { file: FILE, processors: 4, switches: [], storeBuffers: false, memory: 2048 };
  const system = new System(systemOptions({ detect: true }, wishes));
  system.boot();
  const replay = new TraceReplay(system, FILE, () => reader.line);
  const reader = new LackeyReader(FILE, replay);
  return { replay, reader };
}

/** A store to every 16th page of 1 GiB. */
function* sparse(): Generator<Uint8Array> {
  yield ascii.encode(
    'SYSCALL[1,1](9) sys_mmap ( 0x0, 1073741824, 3, 34, 4294967295, 0 ) --> [pre-success] Success(0x40000000) \n',
  );
  for (let page = 0; page < 262_144; page += 16)
    yield ascii.encode(` S ${(0x4000_0000 + page * 4096).toString(16)},8\n`);
}

/** The recorded multithreaded trace's memory lines and calls, as often as it takes. */
function* long(accesses: number): Generator<Uint8Array> {
  const text = gunzipSync(readFileSync('fixtures/traces/sort.trace.gz'));
  const memoryLines = Buffer.from(
    text
      .toString('latin1')
      .split('\n')
      .filter((line) => /^(I {2}| [LSM] )/.test(line))
      .join('\n')
      .concat('\n'),
    'latin1',
  );
  yield ascii.encode('--1--   SCHED[1]:  acquired lock (bench)\n');
  for (let given = 0; given < accesses; given += 1_500_000) yield memoryLines;
}

const { replay, reader } = newReplay();
const begun = Date.now();
for (const chunk of mode === 'long' ? long(Number(size) * 1e6) : sparse()) reader.push(chunk);
reader.end();
const seconds = (Date.now() - begun) / 1000;
replay.end();
const peak = process.resourceUsage().maxRSS / 1024;
console.log(
  `${mode}: ${replay.accesses} accesses in ${seconds.toFixed(1)} s, peak ${peak.toFixed(0)} MiB of host memory`,
);
