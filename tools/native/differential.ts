/**
 * Holds an engine, golden unless said otherwise, to the host processor on random instances of every form.
 *
 *   npx tsx tools/native/differential.ts --count 1000000 --seed 1 [--engine fast] [--group vector] [--operation ADD] [--record FILE]
 *
 * Exit status 1 when anything differs. `--record` writes the instances with the host's outcomes, for the tests.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Random } from '../../src/base/random.ts';
import { definedOutcome, difference } from './compare.ts';
import { comparedForms, type Group, groups } from './compared-forms.ts';
import { FastRunner } from './fast-outcome.ts';
import { generateInstance } from './generate.ts';
import { GoldenRunner } from './golden-outcome.ts';
import type { Instance, Outcome } from './instance.ts';
import { NativeHarness } from './native-harness.ts';
import { packVectors } from './vectors.ts';

const batch = 20_000;
const shownPerOperation = 2;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

class Comparison {
  compared = 0;
  differences = 0;
  faults = 0;
  milliseconds = 0;
  readonly #shown = new Map<string, number>();
  readonly #runner: GoldenRunner | FastRunner;

  constructor(runner: GoldenRunner | FastRunner) {
    this.#runner = runner;
  }

  compare(instance: Instance, native: Outcome): void {
    const ours = this.#runner.run(instance);
    const { instruction } = this.#runner;
    const found = difference(native, ours, definedOutcome(instruction, instance));
    this.compared++;
    if (native.vector !== undefined) this.faults++;
    if (found === undefined) return;
    this.differences++;
    const { operation } = instruction.form;
    const shown = this.#shown.get(operation) ?? 0;
    this.#shown.set(operation, shown + 1);
    if (shown < shownPerOperation) console.log(`${operation} ${hex(instance.code)}: ${found}`);
  }

  summary(): void {
    for (const [operation, count] of this.#shown) console.log(`  ${operation}: ${count} different`);
  }
}

/** All of them without a name. */
function groupsNamed(name: string | undefined): readonly Group[] {
  const named = groups.filter((group) => (name ?? group) === group);
  if (named.length === 0) throw new Error(`no group '${name}': there are ${groups.join(', ')}`);
  return named;
}

function main(): void {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '200000' },
      seed: { type: 'string', default: '1' },
      engine: { type: 'string', default: 'golden' },
      group: { type: 'string' },
      operation: { type: 'string' },
      record: { type: 'string' },
    },
  });
  const random = new Random(Number(values.seed));
  const forms = groupsNamed(values.group)
    .flatMap(comparedForms)
    .filter(({ operation }) => (values.operation ?? operation) === operation);
  const harness = new NativeHarness();
  const comparison = new Comparison(values.engine === 'fast' ? new FastRunner() : new GoldenRunner());
  const started = performance.now();
  const total = Number(values.count);
  const recorded: { instance: Instance; outcome: Outcome }[] = [];
  for (let done = 0; done < total; ) {
    const size = Math.min(batch, total - done);
    const instances = Array.from({ length: size }, (_, at) => {
      const form = forms[(done + at) % forms.length];
      if (form === undefined) throw new Error('no form of that operation is compared');
      return generateInstance(form, random);
    });
    const outcomes = harness.run(instances);
    for (const [at, instance] of instances.entries()) {
      const outcome = outcomes[at];
      if (outcome === undefined) continue;
      comparison.compare(instance, outcome);
      if (values.record !== undefined) recorded.push({ instance, outcome });
    }
    done += size;
  }
  harness.close();
  const seconds = (performance.now() - started) / 1000;
  const { compared, differences, faults } = comparison;
  console.log(
    `${forms.length} forms, seed ${values.seed}: ${compared} compared, ${faults} of them faults, ` +
      `${differences} different (${Math.round(compared / seconds)}/s)`,
  );
  comparison.summary();
  if (values.record !== undefined) writeFileSync(values.record, packVectors(recorded));
  process.exitCode = differences === 0 ? 0 : 1;
}

main();
