/**
 * Looks for false alarms: every good twin as it is, and every bad one under the eras without faults, under many seeds.
 * `npx tsx tools/twins/sweep.ts [SEEDS] [FROM] [SWITCH=on ...]`; exit status 1 if anything is reported. E2's walks of freed tables while
 * lazy are its own fault, and expected.
 */
import { runScenario } from './run.ts';
import { readTwins } from './twins.ts';

const seeds = Number(process.argv[2] ?? 1000);
const from = Number(process.argv[3] ?? 0);
const switches = process.argv.slice(4);
const ERAS = [
  'E0a',
  'E0b',
  'E1',
  'E1-M3',
  'E1-M22',
  'E2',
  'E3',
  'E4',
  'E5',
  'E6',
  'E7',
  'E8',
  'E9-fixed',
  'E11',
  'E11-eager',
];
/** In MiB. */
const MEMORY = 8;
/** Bad by what the hardware does, whatever the era. */
const FAULTY_HARDWARE = ['vfree-and-the-global-erratum'];

let runs = 0;
let alarms = 0;
for (const { twin, side, file, text } of readTwins()) {
  if (side === 'bad' && FAULTY_HARDWARE.includes(twin)) continue;
  for (const era of side === 'good' ? [undefined] : ERAS) {
    for (let seed = from; seed < from + seeds; seed++) {
      const { report } = runScenario(text, file, { era, seed, memory: MEMORY, switches });
      const { violations = [], findings = [] } = report.coherence ?? {};
      const unexpected = violations.filter(({ severity }) => era !== 'E2' || severity !== 'freed-table-walked');
      runs++;
      if (unexpected.length + findings.length === 0 && report.stopped === null) continue;
      alarms++;
      process.stdout.write(`${file} --era ${era ?? 'its own'} --seed ${seed}: ${report.verdict}\n`);
    }
  }
}
process.stdout.write(`${runs} runs, seeds ${from} to ${from + seeds - 1}: ${alarms} false alarms\n`);
process.exitCode = alarms === 0 ? 0 : 1;
