/**
 * How fast the decoder is, on a linear sweep over the middle of an executable.
 *
 *   npx tsx tools/decode/speed.ts [FILE]
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import { Instruction } from '../../src/cpu/instruction.ts';

const sweepBytes = 4 << 20;

function middleOf(file: string): Uint8Array {
  const descriptor = openSync(file, 'r');
  const { size } = fstatSync(descriptor);
  const bytes = new Uint8Array(Math.min(size, sweepBytes));
  readSync(descriptor, bytes, 0, bytes.length, Math.floor((size - bytes.length) / 2));
  closeSync(descriptor);
  return bytes;
}

function sweep(decoder: Decoder, into: Instruction, bytes: Uint8Array): { instructions: number; undefined: number } {
  const counts = { instructions: 0, undefined: 0 };
  for (let at = 0; at + 15 < bytes.length; counts.instructions++) {
    const status = decoder.decode(into, 64, bytes, at, bytes.length);
    if (status !== 'valid') counts.undefined++;
    at += status === 'valid' ? into.length : 1;
  }
  return counts;
}

const started = performance.now();
const decoder = new Decoder();
console.log(`tables built in ${(performance.now() - started).toFixed(1)} ms`);
const bytes = middleOf(process.argv[2] ?? process.execPath);
const into = new Instruction();
for (let round = 0; round < 5; round++) {
  const start = performance.now();
  const counts = sweep(decoder, into, bytes);
  const seconds = (performance.now() - start) / 1000;
  const rate = (counts.instructions / seconds / 1e6).toFixed(2);
  console.log(`${counts.instructions} instructions (${counts.undefined} undefined): ${rate} million/s`);
}
