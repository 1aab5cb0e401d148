/**
 * Holds the fast engine to the golden one on random programs.
 *
 *   npx tsx tools/lockstep/run.ts [--seed 1] [--machines 20] [--runs 2000] [--bits 32] [--operation ADD]
 *
 * Prints what differs, and where; exit status 1 then.
 */
import { parseArgs } from 'node:util';
import { Random } from '../../src/base/random.ts';
import { SKYLAKE_CLIENT } from '../../src/mmu/geometry.ts';
import { emulatorPolicy } from '../../src/mmu/policy/emulator.ts';
import { profilePolicy } from '../../src/mmu/policy/profile.ts';
import { worstPolicy } from '../../src/mmu/policy/worst.ts';
import { modelledForms, RandomRun } from './random-run.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    machines: { type: 'string', default: '20' },
    runs: { type: 'string', default: '2000' },
    bits: { type: 'string', default: '64' },
    operation: { type: 'string' },
  },
});
const policies = [worstPolicy, () => profilePolicy(SKYLAKE_CLIENT), emulatorPolicy];
const bits = Number(values.bits);
if (bits !== 16 && bits !== 32 && bits !== 64) throw new Error('--bits is 16, 32 or 64');
const these = modelledForms(bits).filter(({ operation }) => (values.operation ?? operation) === operation);
const totals = new Map<string, number>();
let failures = 0;
for (let machine = 0; machine < Number(values.machines); machine++) {
  const seed = Number(values.seed) + machine;
  const policy = policies[machine % policies.length] ?? worstPolicy;
  const run = new RandomRun(new Random(seed), {
    policy,
    processors: 1 + (machine % 2),
    filter: machine % 7 !== 6,
    codeSize: bits,
    forms: these,
  });
  try {
    run.step(Number(values.runs));
  } catch (error) {
    failures++;
    console.log(`seed ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  for (const [what, count] of run.counts) totals.set(what, (totals.get(what) ?? 0) + count);
}
console.log(Object.fromEntries([...totals].sort()));
console.log(`${values.machines} machines of ${values.runs} runs from seed ${values.seed}: ${failures} differ`);
process.exitCode = failures === 0 ? 0 : 1;
