/**
 * Trace accesses per second, with the detector and without, in turn; and what both cost beside reading the text alone.
 * `npx tsx tools/bench/traces.ts [ROUNDS] [TRACE ...]`, after `node --expose-gc` for steadier figures.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { System } from '../../src/scenario/system.ts';
import { systemOptions } from '../../src/scenario/system-options.ts';
import { TraceReplay } from '../../src/scenario/trace-replay.ts';
import type { LackeyHandler } from '../../src/workload/lackey-handler.ts';
import { LackeyReader } from '../../src/workload/lackey-reader.ts';

const rounds = Number(process.argv[2] ?? '5');
const files =
  process.argv.length > 3
    ? process.argv.slice(3)
    : ['sort', 'threads', 'forks', 'ls'].map((name) => `fixtures/traces/${name}.trace.gz`);
const CHUNK_BYTES = 1 << 18;

const NOBODY: LackeyHandler = {
  access: () => {},
  thread: () => {},
  blocked: () => {},
  threadExit: () => {},
  fork: () => {},
  systemCall: () => {},
};

function seconds(work: () => void): number {
  const begun = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - begun) / 1e9;
}

function read(bytes: Uint8Array, reader: LackeyReader): void {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) reader.push(bytes.subarray(at, at + CHUNK_BYTES));
  reader.end();
}

function replay(bytes: Uint8Array, file: string, detect: boolean): { accesses: number; seconds: number } {
  const wishes = { file, processors: 4, switches: [], storeBuffers: false, memory: 2048 };
  const system = new System(systemOptions({ detect }, wishes));
  system.boot();
  const replayed = new TraceReplay(system, file, () => reader.line);
  const reader = new LackeyReader(file, replayed);
  const taken = seconds(() => read(bytes, reader));
  replayed.end();
  return { accesses: replayed.accesses, seconds: taken };
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const millions = (perSecond: number): string => `${(perSecond / 1e6).toFixed(2)} M/s`;

for (const file of files) {
  const bytes = gunzipSync(readFileSync(file));
  const figures = { text: [] as number[], off: [] as number[], on: [] as number[] };
  let accesses = 0;
  for (let round = 0; round <= rounds; round++) {
    const text = seconds(() => read(bytes, new LackeyReader(file, NOBODY)));
    const off = replay(bytes, file, false);
    const on = replay(bytes, file, true);
    accesses = on.accesses;
    if (round === 0) continue;
    figures.text.push(text);
    figures.off.push(off.seconds);
    figures.on.push(on.seconds);
  }
  const [text, off, on] = [median(figures.text), median(figures.off), median(figures.on)];
  console.log(
    `${file}: ${accesses} accesses; text alone ${millions(accesses / text)}, detector off ${millions(accesses / off)}, ` +
      `on ${millions(accesses / on)}: costs ${(on / off).toFixed(2)}x`,
  );
}
