/**
 * Holds the decoder to iced-x86 on random byte strings, and on every opcode map exhaustively.
 *
 *   npx tsx tools/decode/differential.ts --count 5000000 --seed 1 --mode 64 [--exhaustive] [--all]
 *
 * Exit status 1 when anything differs beyond stated-differences.ts.
 */
import { parseArgs } from 'node:util';
import { Random } from '../../src/base/random.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import type { CodeSize } from '../../src/cpu/instruction.ts';
import { fillSlots } from './byte-strings.ts';
import { ComparisonRun, slotBytes } from './comparison-run.ts';
import { enumerateEncodings } from './enumerate.ts';

const batch = 65_536;

function codeSizes(text: string): readonly CodeSize[] {
  if (text === 'all') return [64, 32, 16];
  if (text === '64') return [64];
  if (text === '32') return [32];
  if (text === '16') return [16];
  throw new Error(`--mode ${text}: one of 64, 32, 16 or all`);
}

function report(title: string, run: ComparisonRun, milliseconds: number): void {
  const perSecond = Math.round(run.compared / (milliseconds / 1000));
  console.log(
    `${title}, ${run.codeSize}-bit: ${run.compared} compared, ${run.equal} equal, ${run.bothInvalid} invalid in both, ` +
      `${run.stated} stated, ${run.departed} departures, ${run.differences} different (${perSecond}/s)`,
  );
  for (const { bytes, iced, what } of run.first.values()) console.log(`  ${bytes}  ${iced}: ${what}`);
}

function main(): void {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      mode: { type: 'string', default: 'all' },
      exhaustive: { type: 'boolean', default: false },
    },
  });
  const decoder = new Decoder();
  let differences = 0;
  for (const codeSize of codeSizes(values.mode)) {
    const random = new Random(Number(values.seed));
    let started = performance.now();
    const run = new ComparisonRun(codeSize, decoder);
    for (let left = Number(values.count); left > 0; left -= batch) {
      const slots = new Uint8Array(Math.min(left, batch) * slotBytes);
      fillSlots(slots, random);
      run.compare(slots);
    }
    report(`random, seed ${values.seed}`, run, performance.now() - started);
    differences += run.differences;
    if (values.exhaustive) {
      started = performance.now();
      const every = new ComparisonRun(codeSize, decoder);
      for (const slots of enumerateEncodings(codeSize, 'all')) every.compare(slots);
      report('every encoding', every, performance.now() - started);
      differences += every.differences;
    }
  }
  process.exitCode = differences === 0 ? 0 : 1;
}

main();
