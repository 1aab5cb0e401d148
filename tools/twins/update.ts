/**
 * Writes the report of each twin beside it: `npx tsx tools/twins/update.ts [NAME...]`. Read the difference before it is
 * committed: a report that changes is a claim about the machine that changes.
 */
import { writeFileSync } from 'node:fs';
import { runScenario } from './run.ts';
import { inRepository, readTwins } from './twins.ts';

const wanted = process.argv.slice(2);
for (const { twin, side, file, text, golden } of readTwins()) {
  if (wanted.length > 0 && !wanted.includes(twin)) continue;
  const { report, text: printed } = runScenario(text, file);
  writeFileSync(inRepository(golden), printed);
  const found = report.coherence?.violations.map(({ severity, stage }) => `${severity} ${stage}`) ?? [];
  const findings = report.coherence?.findings.map(({ kind }) => kind) ?? [];
  const odd = report.unexpected.length === 0 ? '' : `  UNEXPECTED: ${report.unexpected.join('; ')}`;
  process.stdout.write(`${twin} ${side}: ${[report.verdict, ...found, ...findings].join(', ')}${odd}\n`);
}
