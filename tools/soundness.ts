/**
 * The long form of the soundness property: random legal scenarios under every correct era end without a violation; with
 * one flush left out, the detector reports exactly when brute force says that a stale translation was used.
 *
 *     npx tsx tools/soundness.ts --runs 2000 --seed 1
 */
import { parseArgs } from 'node:util';
import { checkRuns } from '../test/property/soundness.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '500' }, seed: { type: 'string', default: '1' } },
});
const summary = checkRuns({ runs: Number(values.runs), seed: Number(values.seed), statements: 12 });
console.log(JSON.stringify(summary, null, 2));
process.exitCode = summary.disagreements.length === 0 && summary.falseAlarms.length === 0 ? 0 : 1;
