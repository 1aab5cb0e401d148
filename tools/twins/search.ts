/**
 * Which seeds of a scenario end how: `npx tsx tools/twins/search.ts FILE [FROM] [TO] [ERA]`. For scenarios whose point is
 * an interleaving that their statements cannot force: pin a seed that shows it.
 */
import { readFileSync } from 'node:fs';
import { runScenario } from './run.ts';

const [file = '', from = '0', to = '200', era] = process.argv.slice(2);
const text = readFileSync(file, 'utf8');
const seeds = new Map<string, number[]>();
for (let seed = Number(from); seed < Number(to); seed++) {
  const { report } = runScenario(text, file, era === undefined ? { seed } : { seed, era });
  const { violations = [], findings = [] } = report.coherence ?? {};
  const kinds = [
    ...violations.map(({ severity, stage }) => `${severity} ${stage}`),
    ...findings.map((finding) => (finding.kind === 'assertion' ? `assertion ${finding.id}` : finding.kind)),
  ];
  const outcome = [...new Set(kinds)].sort().join(', ') || report.verdict;
  const known = seeds.get(outcome);
  if (known === undefined) seeds.set(outcome, [seed]);
  else known.push(seed);
}
for (const [outcome, found] of [...seeds].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const first = found.slice(0, 12).join(' ');
  process.stdout.write(
    `${found.length} of ${Number(to) - Number(from)}: ${outcome} (${first}${found.length > 12 ? ' ...' : ''})\n`,
  );
}
