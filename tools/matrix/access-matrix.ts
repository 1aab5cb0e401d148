/**
 * The access-rights matrix in full, or the fraction 1/STRIDE of it that SEED picks:
 * `npx tsx tools/matrix/access-matrix.ts [STRIDE] [SEED]`. Exits with 1 if any case fails.
 */
import { runAccessMatrix } from '../../test/mmu/access-matrix.ts';

const stride = Number(process.argv[2] ?? '1');
const seed = Number(process.argv[3] ?? '0');

const matrices = [
  { levels: 4, largeLevel: 2, supervisorKeys: false },
  { levels: 5, largeLevel: 2, supervisorKeys: false },
  { levels: 4, largeLevel: 2, supervisorKeys: true },
  { levels: 5, largeLevel: 3, supervisorKeys: false },
] as const;

let failed = false;
for (const matrix of matrices) {
  const started = performance.now();
  const { cases, tried, allowed, failures } = runAccessMatrix({ ...matrix, stride, seed });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const name = `${matrix.levels}-level, ${matrix.largeLevel === 2 ? '2M' : '1G'}, ${matrix.supervisorKeys ? 'PKS' : 'PKE'}`;
  console.log(`${name}: ${tried} of ${cases} cases, ${allowed} allowed, ${failures.length} failures, ${seconds} s`);
  for (const failure of failures) console.log(`  ${failure}`);
  failed ||= failures.length > 0;
}
process.exitCode = failed ? 1 : 0;
