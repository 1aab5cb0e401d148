/** Random legal scenarios: two spaces, threads on two or three processors, kernel threads that reclaim and migrate. */
import { Random } from '../../src/base/random.ts';
import type {
  PageRange,
  Protection,
  Scenario,
  Statement,
  StatementBody,
  ThreadDeclaration,
} from '../../src/workload/scenario-ast.ts';

const NOWHERE = { line: 1, column: 1 } as const;
const VARIABLES = { a: { pages: 4, at: 0x1000_0000n }, b: { pages: 3, at: 0x4000_0000n } } as const;
type Variable = keyof typeof VARIABLES;

export function randomScenario(seed: number, statements: number): Scenario {
  const random = new Random(seed);
  const processors = 2 + random.below(2);
  const spaces = ['A', 'B'].slice(0, 1 + random.below(2));
  const threads: ThreadDeclaration[] = [];
  for (const space of spaces) {
    for (let index = 0; index < 2; index++) {
      const prelude =
        index === 0
          ? [map('a'), map('b'), { kind: 'signal', event: `ready${space}` } as const]
          : [{ kind: 'await', event: `ready${space}` } as const];
      const body = Array.from({ length: statements }, () => userStatement(random, processors));
      threads.push(thread(`${space}${index}`, space, random.below(processors), [...prelude, ...body]));
    }
  }
  const kernelBody = Array.from({ length: Math.ceil(statements / 2) }, () =>
    kernelStatement(random, { processors, space: random.pick(spaces) }),
  );
  const waits = spaces.map((space) => ({ kind: 'await', event: `ready${space}` }) as const);
  threads.push(thread('K', null, random.below(processors), [...waits, ...kernelBody]));
  return {
    title: `random ${seed}`,
    processors,
    switches: [],
    spaces: spaces.map((name) => ({ name, place: NOWHERE })),
    threads,
    expectations: [],
  };
}

function userStatement(random: Random, processors: number): StatementBody {
  const variable = random.pick(['a', 'b'] as const);
  const page = random.below(VARIABLES[variable].pages);
  const location = { variable, page, offset: 8 * random.below(2) };
  const range = randomRange(random, variable);
  const outcome = { kind: 'any' } as const;
  switch (random.below(14)) {
    case 0:
      return { kind: 'munmap', range };
    case 1:
      return map(variable);
    case 2:
    case 3:
      return { kind: 'mprotect', range, protection: random.pick<Protection>(['none', 'r', 'rw', 'rx', 'rwx']) };
    case 4:
      return { kind: 'madvise', range, advice: random.pick(['dontneed', 'free'] as const) };
    case 5:
      return { kind: 'run-on', processor: random.below(processors) };
    case 6:
      return { kind: 'fetch', location, outcome };
    case 7:
    case 8:
    case 9:
      return { kind: 'read', location, outcome };
    default:
      return { kind: 'write', location, value: BigInt(random.below(1000)), outcome };
  }
}

function kernelStatement(random: Random, { processors, space }: { processors: number; space: string }): StatementBody {
  const variable = random.pick(['a', 'b'] as const);
  const range = randomRange(random, variable);
  switch (random.below(5)) {
    case 0:
      return { kind: 'reclaim', space, range };
    case 1:
      return { kind: 'migrate-pages', space, range };
    case 2:
      return { kind: 'run-on', processor: random.below(processors) };
    case 3:
      return {
        kind: 'speculate',
        processor: random.below(processors),
        space,
        location: { variable, page: 0, offset: 0 },
      };
    default:
      return { kind: 'flush', what: 'all' };
  }
}

function map(variable: Variable): StatementBody {
  const { pages, at } = VARIABLES[variable];
  return { kind: 'mmap', variable, pages, protection: 'rwx', shared: variable === 'b', size: '4K', at };
}

function randomRange(random: Random, variable: Variable): PageRange {
  const { pages } = VARIABLES[variable];
  const first = random.below(pages);
  return { variable, pages: { first, last: first + random.below(pages - first) } };
}

function thread(
  name: string,
  space: string | null,
  processor: number,
  bodies: readonly StatementBody[],
): ThreadDeclaration {
  const body: Statement[] = bodies.map((statement, index) => ({ ...statement, place: { line: index + 1, column: 1 } }));
  return { name, space, processor, body, place: NOWHERE };
}
