/** Printing is the inverse of parsing, on the fixtures and on scenarios made at random. */

import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  Expectation,
  Location,
  Outcome,
  PageRange,
  Scenario,
  Statement,
  StatementBody,
} from '../../src/workload/scenario-ast.ts';
import { parseScenario, SEVERITIES, STAGES } from '../../src/workload/scenario-parser.ts';
import { printScenario } from '../../src/workload/scenario-printer.ts';
import { PROTECTIONS } from '../../src/workload/statement-parser.ts';

const FIXTURES = new URL('../../fixtures/workloads/', import.meta.url);
const PLACE = { line: 1, column: 1 };

/** The scenario with every place the same, so that texts laid out differently compare equal. */
function unplaced(scenario: Scenario): unknown {
  return JSON.parse(
    JSON.stringify(scenario, (key, value) => {
      if (key === 'place') return PLACE;
      return typeof value === 'bigint' ? `${value}n` : value;
    }),
  );
}

describe('fixtures', () => {
  const files = readdirSync(FIXTURES).filter((file) => file.endsWith('.tlb'));

  it('are there', () => {
    expect(files.length).toBeGreaterThanOrEqual(9);
  });

  it.each(files)('%s: print and parse give the same scenario, and the same text again', (file) => {
    const scenario = parseScenario(readFileSync(new URL(file, FIXTURES), 'utf8'), file);
    const text = printScenario(scenario);
    expect(unplaced(parseScenario(text, file))).toEqual(unplaced(scenario));
    expect(printScenario(parseScenario(text, file))).toBe(text);
  });

  it('use every kind of statement together', () => {
    const kinds = new Set<string>();
    const collect = (body: readonly Statement[]): void => {
      for (const statement of body) {
        kinds.add(statement.kind);
        if (statement.kind === 'repeat') collect(statement.body);
      }
    };
    for (const file of files) {
      for (const { body } of parseScenario(readFileSync(new URL(file, FIXTURES), 'utf8'), file).threads) collect(body);
    }
    expect([...kinds].sort()).toEqual([...ALL_KINDS].sort());
  });
});

const ALL_KINDS: readonly StatementBody['kind'][] = [
  'mmap',
  'munmap',
  'mprotect',
  'mremap',
  'madvise',
  'brk',
  'fork',
  'read',
  'write',
  'fetch',
  'signal',
  'await',
  'run-on',
  'repeat',
  'reclaim',
  'migrate-pages',
  'vmalloc',
  'vfree',
  'offline',
  'online',
  'speculate',
  'evict',
  'flush',
];

const PROCESSORS = 4;
const PAGES = 32;

const processor = fc.nat(PROCESSORS - 1);
const value = fc.bigInt(0n, 2n ** 64n - 1n);
const protection = fc.constantFrom(...PROTECTIONS);

function location(variable: string): fc.Arbitrary<Location> {
  return fc.record({
    variable: fc.constant(variable),
    page: fc.nat(PAGES - 1),
    offset: fc.nat(511).map((word) => word * 8),
  });
}

function range(variable: string): fc.Arbitrary<PageRange> {
  const pages = fc.tuple(fc.nat(PAGES - 1), fc.nat(PAGES - 1)).map(([one, other]) => {
    return { first: Math.min(one, other), last: Math.max(one, other) };
  });
  return fc.record({ variable: fc.constant(variable), pages: fc.option(pages) });
}

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.constant({ kind: 'any' } as const),
  fc.constant({ kind: 'fault' } as const),
  value.map((read) => ({ kind: 'value', value: read }) as const),
);

function kind<K extends StatementBody['kind']>(name: K): fc.Arbitrary<K> {
  return fc.constant(name);
}

/** Statements of a thread in space A, whose variable `a` has PAGES pages. */
const userStatement: fc.Arbitrary<StatementBody> = fc.oneof(
  fc.record({ kind: kind('munmap'), range: range('a') }),
  fc.record({ kind: kind('mprotect'), range: range('a'), protection }),
  fc.record({
    kind: kind('mmap'),
    variable: fc.constantFrom('b', 'mmap', 'b-2'),
    pages: fc.integer({ min: 1, max: 2048 }),
    protection,
    shared: fc.boolean(),
    size: fc.constantFrom('4K', '2M'),
    at: fc.option(fc.bigInt(0n, 2n ** 20n).map((huge) => huge << 21n)),
  }),
  fc.record({
    kind: kind('mremap'),
    range: range('a'),
    to: fc.constantFrom('a', 'c'),
    pages: fc.integer({ min: 1, max: 64 }),
    move: fc.boolean(),
  }),
  fc.record({ kind: kind('madvise'), range: range('a'), advice: fc.constantFrom('dontneed', 'free') }),
  fc.record({ kind: kind('brk'), variable: fc.constant('h'), pages: fc.nat(64) }),
  fc.record({ kind: kind('read'), location: location('a'), outcome }),
  fc.record({ kind: kind('fetch'), location: location('a'), outcome }),
  fc
    .record({ kind: kind('write'), location: location('a'), value, outcome })
    .map((write) => (write.outcome.kind === 'value' ? { ...write, value: write.outcome.value } : write)),
  fc.record({ kind: kind('flush'), what: fc.constantFrom('mm', 'all') }),
);

const kernelStatement: fc.Arbitrary<StatementBody> = fc.oneof(
  fc.record({ kind: kind('reclaim'), space: fc.constant('A'), range: range('a') }),
  fc.record({ kind: kind('migrate-pages'), space: fc.constant('A'), range: range('a') }),
  fc.record({ kind: kind('vmalloc'), variable: fc.constantFrom('v', 'w'), pages: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: kind('vfree'), variable: fc.constant('v') }),
  fc.record({ kind: kind('read'), location: location('v'), outcome }),
);

const anyStatement: fc.Arbitrary<StatementBody> = fc.oneof(
  fc.record({ kind: kind('signal'), event: fc.constantFrom('x', 'y', 'signal') }),
  fc.record({ kind: kind('await'), event: fc.constantFrom('x', 'y') }),
  fc.record({ kind: kind('run-on'), processor }),
  fc.record({ kind: kind('offline'), processor }),
  fc.record({ kind: kind('online'), processor }),
  fc.record({ kind: kind('speculate'), processor, space: fc.constant('A'), location: location('a') }),
  fc.record({ kind: kind('evict'), processor, space: fc.constant('A'), location: location('a') }),
);

function body(statement: fc.Arbitrary<StatementBody>): fc.Arbitrary<Statement[]> {
  const flat = fc.array(fc.oneof(statement, anyStatement).map(placed), { maxLength: 8 });
  const repeat = fc.record({ kind: kind('repeat'), count: fc.integer({ min: 1, max: 50 }), body: flat }).map(placed);
  return fc.array(fc.oneof({ weight: 4, arbitrary: fc.oneof(statement, anyStatement).map(placed) }, repeat), {
    maxLength: 12,
  });
}

function placed(statement: StatementBody): Statement {
  return { ...statement, place: PLACE };
}

const expectations: fc.Arbitrary<readonly Expectation[]> = fc.oneof(
  fc.constant<Expectation[]>([]),
  fc.constant<Expectation[]>([{ kind: 'clean', place: PLACE }]),
  fc.array(
    fc.record<Extract<Expectation, { kind: 'violation' }>>({
      kind: fc.constant('violation'),
      severity: fc.constantFrom(...SEVERITIES),
      stage: fc.option(fc.constantFrom(...STAGES)),
      thread: fc.option(fc.constantFrom('T', 'K')),
      place: fc.constant(PLACE),
    }),
  ),
);

const scenarios: fc.Arbitrary<Scenario> = fc
  .record({
    title: fc.string({ unit: 'binary', maxLength: 100 }),
    seed: fc.option(fc.integer({ min: 0, max: 2 ** 32 - 1 })),
    pcid: fc.constantFrom('on', 'off', '57', '4K'),
    user: body(userStatement),
    kernel: body(kernelStatement),
    expectations,
  })
  .map(({ title, seed, pcid, user, kernel, ...rest }): Scenario => {
    const make = (statement: StatementBody): Statement => placed(statement);
    const shape = { protection: 'rw', shared: false, size: '4K', at: null } as const;
    return {
      title,
      processors: PROCESSORS,
      era: 'E1',
      ...(seed === null ? {} : { seed }),
      switches: [{ name: 'pcid', value: pcid, place: PLACE }],
      spaces: [
        { name: 'A', place: PLACE },
        { name: 'B', place: PLACE },
      ],
      threads: [
        {
          name: 'T',
          space: 'A',
          processor: 3,
          body: [
            make({ kind: 'mmap', variable: 'a', pages: PAGES, ...shape }),
            make({ kind: 'fork', space: 'B' }),
            ...user,
          ],
          place: PLACE,
        },
        {
          name: 'K',
          space: null,
          processor: 0,
          body: [
            make({ kind: 'vmalloc', variable: 'v', pages: PAGES }),
            make({ kind: 'signal', event: 'x' }),
            make({ kind: 'signal', event: 'y' }),
            ...kernel,
          ],
          place: PLACE,
        },
      ],
      ...rest,
    };
  });

describe('scenarios made at random', () => {
  it('are parsed back from their text, and printed the same again', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const text = printScenario(scenario);
        const parsed = parseScenario(text, 'random');
        expect(unplaced(parsed)).toEqual(unplaced(scenario));
        expect(printScenario(parsed)).toBe(text);
      }),
      { seed: 20261122, numRuns: 400 },
    );
  });
});

describe('the name of a policy', () => {
  const text = (policy: string): string => `scenario "p"\nprocessors 1\npolicy ${policy}\n`;

  it.each(['worst', 'emulator', 'profile:skylake-client', 'profile:zen-2'])('may be %s', (policy) => {
    const scenario = parseScenario(text(policy), 'p.tlb');
    expect(scenario.policy).toBe(policy);
    expect(parseScenario(printScenario(scenario), 'p.tlb').policy).toBe(policy);
  });

  it('names a profile after a colon', () => {
    expect(() => parseScenario(text('profile:'), 'p.tlb')).toThrow('p.tlb:3:16');
  });
});
