/**
 * `npm run explore:exhaustive -- [--seconds N] [--fixture NAME] [era ...]`: searches every fixture of
 * fixtures/explore/exhaustive under every era that is meant to be correct, worst-case hardware, and prints a row for each:
 * the verdict, executions, states, steps (those of re-execution included), seconds, of them of the processor, and steps a
 * second of the processor. Two processors are searched exhaustively, three under three preemptions.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Strategy } from '../../src/explore/explore.ts';
import { executions } from '../../src/explore/verdict.ts';
import { ERAS } from '../../src/kernel/tlb/eras.ts';
import { Exploration } from '../../src/scenario/exploration/exploration.ts';

const FOLDER = 'fixtures/explore/exhaustive';
/** As released it has windows; its mended form is what is meant to be correct. */
const MENDED: Readonly<Record<string, string>> = { E9: 'E9-fixed' };

const EXHAUSTIVE: Strategy = { kind: 'reduced', remember: true };
const THREE_PREEMPTIONS: Strategy = { kind: 'bounded', bound: { kind: 'preemptions', most: 3 }, remember: true };

const args = process.argv.slice(2);
const option = (name: string): string | null => {
  const at = args.indexOf(name);
  return at === -1 ? null : (args.splice(at, 2)[1] ?? null);
};
const seconds = Number(option('--seconds') ?? 600);
const fixture = option('--fixture');
const correct = ERAS.filter(({ variantOf }) => variantOf === undefined).map(({ id }) => MENDED[id] ?? id);
const eras = args.length > 0 ? args : correct;

const row = (cells: readonly (string | number)[]): string =>
  cells
    .map((cell, column) =>
      column < 4 ? String(cell).padEnd([24, 12, 14, 12][column] ?? 0) : String(cell).padStart(11),
    )
    .join(' ');

console.log(
  row(['fixture', 'era', 'strategy', 'verdict', 'executions', 'states', 'steps', 'seconds', 'processor', 'steps/s']),
);
for (const name of readdirSync(FOLDER).sort()) {
  if (!name.endsWith('.tlb') || (fixture !== null && name !== `${fixture}.tlb`)) continue;
  const file = `${FOLDER}/${name}`;
  for (const era of eras) {
    const exploration = new Exploration({
      text: readFileSync(file, 'utf8'),
      file,
      words: { era, switches: [] },
      version: 'bench',
    });
    const pair = exploration.options.processors === 2;
    const [begun, used] = [performance.now(), process.cpuUsage()];
    const { verdict, counts, findings, limit } = exploration.explore(pair ? EXHAUSTIVE : THREE_PREEMPTIONS, {
      time: seconds * 1000,
      now: () => performance.now(),
    });
    const { user, system } = process.cpuUsage(used);
    const busy = (user + system) / 1e6;
    console.log(
      row([
        name.replace('.tlb', ''),
        era,
        pair ? 'exhaustive' : 'preemptions=3',
        limit === null ? verdict : `${verdict}: ${limit}`,
        executions(counts),
        counts.states,
        counts.steps,
        ((performance.now() - begun) / 1000).toFixed(1),
        busy.toFixed(1),
        Math.round(counts.steps / busy),
      ]),
    );
    for (const { violation } of findings) console.log(`    ${violation.id}: ${violation.message}`);
  }
}
