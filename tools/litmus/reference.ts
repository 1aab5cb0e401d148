/**
 * The long form of test/scenario/litmus/reference.test.ts: random litmus tests, explored on the machine and by a second semantics.
 *
 *     npx tsx tools/litmus/reference.ts [TESTS] [SEED] [MOST STATES]
 */
import { Random } from '../../src/base/random.ts';
import { compareRandomTest } from '../../test/scenario/litmus/random-litmus.ts';

const [tests = '1000', seed = '1', states = '40000'] = process.argv.slice(2);
const random = new Random(Number(seed));
let compared = 0;
let outcomes = 0;
let failures = 0;
for (let number = 0; number < Number(tests); number++) {
  const comparison = compareRandomTest(random, Number(states));
  if (comparison === null) continue;
  const { text, found, expected } = comparison;
  compared++;
  outcomes += expected.length;
  if (found.join('\n') === expected.join('\n')) continue;
  failures++;
  console.log(`${text}\nfound:\n${found.join('\n')}\nexpected:\n${expected.join('\n')}\n`);
}
console.log(`${compared} of ${tests} tests compared, ${outcomes} outcomes, seed ${seed}: ${failures} failures`);
process.exitCode = failures === 0 ? 0 : 1;
