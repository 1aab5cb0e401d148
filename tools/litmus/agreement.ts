/**
 * The long check of litmus exploration: every test of the catalogue, as it is and with other hardware, must come to the
 * same outcomes with the reduced search, with and without memory, as with a search that reduces nothing; its steps must
 * touch what they state; and evictions must add no outcome.
 *
 *     npm run litmus:agreement -- [PATTERN] [EXECUTIONS TO AUDIT] [SEED]
 */
import { readdirSync, readFileSync } from 'node:fs';
import { audit } from '../../src/explore/audit.ts';
import { explore, type Strategy } from '../../src/explore/explore.ts';
import { type LitmusOptions, LitmusSetup } from '../../src/scenario/litmus/litmus-setup.ts';
import { litmusModel } from '../../src/scenario/litmus/litmus-model.ts';
import { InputError } from '../../src/base/errors.ts';
import { parseLitmus } from '../../src/workload/litmus-parser.ts';

const FOLDER = new URL('../../fixtures/litmus/', import.meta.url);
const ALL: Strategy = { kind: 'bounded', bound: { kind: 'none' }, remember: true };
const REMEMBERING: Strategy = { kind: 'reduced', remember: true };
const TRACES: Strategy = { kind: 'reduced', remember: false };
/** Beyond this many executions a search without memory is not compared. */
const MOST_EXECUTIONS = 20_000;
const HARDWARE: readonly (readonly string[])[] = [[], ['store-buffers=off'], ['paging-structure-caches=off']];

const [pattern = '', executions = '20', seed = '1'] = process.argv.slice(2);
let compared = 0;
let pairs = 0;
let failures = 0;
for (const file of readdirSync(FOLDER)) {
  if (!file.endsWith('.litmus') || !file.includes(pattern)) continue;
  const test = parseLitmus(readFileSync(new URL(file, FOLDER), 'utf8'), file);
  for (const switches of HARDWARE) {
    const modelOf = (options: LitmusOptions) => litmusModel(new LitmusSetup(test, file, { switches, ...options }));
    const outcomesOf = (options: LitmusOptions, strategy: Strategy): string | null => {
      const limits = { deadlocksAllowed: true, ...(strategy === TRACES ? { executions: MOST_EXECUTIONS } : {}) };
      const { outcomes, limit } = explore(modelOf(options), strategy, limits);
      return limit === null ? outcomes.map(([outcome]) => outcome).join('\n') : null;
    };
    try {
      const expected = outcomesOf({}, ALL);
      const found = {
        reduced: outcomesOf({}, TRACES),
        remembering: outcomesOf({}, REMEMBERING),
        evicting: outcomesOf({ evictions: 1 }, REMEMBERING),
      };
      for (const [strategy, outcomes] of Object.entries(found)) {
        if (outcomes === null) continue;
        compared++;
        if (outcomes !== expected)
          fail(`${file} ${switches.join()} ${strategy}:\n${outcomes}\ninstead of\n${expected}`);
      }
      const options = { executions: Number(executions), seed: Number(seed), stepsPerExecution: 100 };
      const audited = audit(modelOf({ evictions: 1 }), options);
      pairs += audited.pairs;
      for (const { kind, message } of audited.complaints) fail(`${file} ${switches.join()} ${kind}: ${message}`);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
    }
  }
}
console.log(`${compared} comparisons and ${pairs} pairs of steps, seed ${seed}: ${failures} failures`);
process.exitCode = failures === 0 ? 0 : 1;

function fail(message: string): void {
  failures++;
  console.log(message);
}
