/**
 * `npx tsx tools/guests/variants.ts [SEEDS] [ERA...]`: runs the guest programs under stress on eras and their variants, and
 * says of each whether its output was right, and what was reported. For harmless ones anything found is a false alarm:
 * exit status 1.
 */
import { eraById, VARIANTS_OF_ERAS } from './eras.ts';
import { expectedOutput, runGuest } from '../../test/scenario/program/guest.ts';

const GUESTS = ['mappings', 'forks', 'shared', 'signals'];
const [count = '1', ...chosen] = process.argv.slice(2);
let alarms = 0;
for (const id of chosen.length > 0 ? chosen : VARIANTS_OF_ERAS) {
  const { broken } = eraById(id);
  for (const guest of GUESTS) {
    for (let seed = 1; seed <= Number(count); seed++) {
      const started = Date.now();
      const { stdout, ending, report } = runGuest(guest, {
        era: id,
        seed,
        stress: 'all',
        instructionsLimit: 20_000_000,
      });
      const right = stdout === expectedOutput(guest) && ending?.kind === 'exited';
      const end =
        ending === null
          ? (report.reason ?? report.stopped)
          : ending.kind === 'exited'
            ? ''
            : `killed by ${ending.signal}`;
      const found = report.coherence?.violationCount ?? 0;
      const findings = report.coherence?.findings.length ?? 0;
      console.log(
        `${id} ${guest} seed ${seed}: ${right ? 'right' : 'WRONG'} ${report.verdict} violations ${found} findings ${findings} ${end ?? ''} ${Date.now() - started} ms`,
      );
      if (!broken && (report.verdict !== 'clean' || !right)) alarms++;
    }
  }
}
if (alarms > 0) {
  console.log(`${alarms} runs of correct eras that are not clean`);
  process.exitCode = 1;
}
