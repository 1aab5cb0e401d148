/**
 * Fuzzes the parsers of workloads (fuzz-parsers.ts):
 *
 *     npx tsx tools/fuzz/parsers.ts [INPUTS [SEED]]        20,000 inputs and seed 1 unless told otherwise
 *
 * Exits with 1 when a parser misbehaved, and prints the inputs that made it.
 */

import { fuzzParsers } from './fuzz-parsers.ts';

const [inputs = 20_000, seed = 1] = process.argv.slice(2).map(Number);
if (!Number.isSafeInteger(inputs) || inputs < 1 || !Number.isSafeInteger(seed)) {
  process.stderr.write('usage: parsers.ts [INPUTS [SEED]]\n');
  process.exit(2);
}
const started = performance.now();
const report = fuzzParsers({
  inputs,
  seed,
  now: () => performance.now(),
  progress: (done) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${inputs}`);
  },
});
const seconds = ((performance.now() - started) / 1000).toFixed(1);
process.stdout.write(`${inputs} inputs, seed ${seed}, ${seconds} s\n`);
for (const parser of ['scenario', 'trace'] as const) {
  const { accepted, refused, slowestMilliseconds } = report[parser];
  process.stdout.write(
    `${parser}: ${accepted} accepted, ${refused} refused, slowest ${slowestMilliseconds.toFixed(0)} ms\n`,
  );
}
for (const { parser, index, reason, input } of report.findings.slice(0, 10)) {
  process.stdout.write(`\n${parser} parser, input ${index}: ${reason}\n${JSON.stringify(input.slice(0, 2000))}\n`);
}
process.stdout.write(`${report.findings.length} findings\n`);
if (report.findings.length > 0) process.exitCode = 1;
