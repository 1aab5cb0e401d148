/** Small random litmus tests about two pages, explored on the machine and by the second semantics of reference.ts. */
import type { Random } from '../../../src/base/random.ts';
import { LitmusSearch } from '../../../src/scenario/litmus/litmus-search.ts';
import { type Hardware, type Instruction, outcomesOf } from './reference.ts';

export interface Comparison {
  readonly text: string;
  readonly found: readonly string[];
  readonly expected: readonly string[];
}

/** Null where the test has more than `mostStates` states. */
export function compareRandomTest(random: Random, mostStates: number): Comparison | null {
  const lengths = random.chance(0.5) ? [5] : [3, 2];
  const programs = lengths.map((most, processor) =>
    Array.from({ length: 2 + random.below(most - 1) }, (_, at) => randomInstruction(random, 5 * processor + at)),
  );
  const hardware = { storeBuffers: random.chance(0.7), pagingStructureCaches: random.chance(0.6) };
  const expected = outcomesOf(programs, hardware, mostStates);
  if (expected === null) return null;
  const text = textOf(programs, hardware);
  const { outcomes } = new LitmusSearch({ text, file: 'random', version: 'test' }).explore();
  return { text, found: outcomes.map(([outcome]) => outcome).sort(), expected };
}

function randomInstruction(random: Random, number: number): Instruction {
  const page = random.pick(['x', 'y'] as const);
  switch (random.below(11)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return { op: 'load', page, register: `r${number}` };
    case 4:
      return { op: 'store', page, value: 5 + number, register: `r${number}` };
    case 5:
      return { op: 'pde', to: random.pick(['t1', 't2', 't2', 't2', 'invalid'] as const) };
    case 6:
    case 7: {
      const to = random.pick(['pa1', 'pa2', 'pa1 ro', 'invalid'] as const);
      return { op: 'pte', table: random.pick(['t1', 't2'] as const), page, to };
    }
    case 8:
    case 9:
      return { op: 'invlpg', page };
    default:
      return { op: random.pick(['mfence', 'serialize', 'cr3'] as const) };
  }
}

function written(instruction: Instruction): string {
  switch (instruction.op) {
    case 'load':
      return `${instruction.register} = [${instruction.page}]`;
    case 'store':
      return `${instruction.register} : [${instruction.page}] = ${instruction.value}`;
    case 'pde':
      return `PDE(x) |-> ${instruction.to}`;
    case 'pte':
      return `${instruction.table}[${instruction.page}] |-> ${instruction.to.replace(' ro', ' with ro')}`;
    case 'invlpg':
      return `invlpg ${instruction.page}`;
    case 'cr3':
      return 'cr3 = main';
    case 'mfence':
    case 'serialize':
      return instruction.op;
  }
}

function textOf(
  programs: readonly (readonly Instruction[])[],
  { storeBuffers, pagingStructureCaches }: Hardware,
): string {
  const rows = Math.max(...programs.map(({ length }) => length));
  const row = (index: number): string =>
    programs.map((program) => (program[index] === undefined ? '' : written(program[index]))).join(' | ');
  return [
    'litmus "random"',
    `set store-buffers=${storeBuffers ? 'on' : 'off'}`,
    `set paging-structure-caches=${pagingStructureCaches ? 'on' : 'off'}`,
    'initially',
    ...['table t1', 'table t2', 'PDE(x) |-> t1', 'y beside x', '[pa1] = 1', '[pa2] = 2'],
    ...['t1[x] |-> pa1', 't1[y] |-> pa2', 't2[x] |-> pa2', 't2[y] |-> pa1'],
    programs.map((_, index) => `P${index}`).join(' | '),
    ...Array.from({ length: rows }, (_, index) => row(index)),
    'allowed [pa1] = 1 or [pa2] = 2',
  ].join('\n');
}
