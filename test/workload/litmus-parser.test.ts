/** The language of litmus tests: what it means, what is refused and where, and that no text does worse than that. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.ts';
import { LITMUS_LIMITS } from '../../src/workload/litmus-lexer.ts';
import { parseLitmus } from '../../src/workload/litmus-parser.ts';

const FOLDER = new URL('../../fixtures/litmus/', import.meta.url);
const TEXTS = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.litmus'))
  .map((name) => readFileSync(new URL(name, FOLDER), 'utf8'));
const SEED = 20_231_122;

function errorOf(text: string): string {
  try {
    parseLitmus(text, 't');
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return 'none';
}

/** A test with an initial state, one column and a condition that any text can follow. */
function withInitial(line: string): string {
  return `litmus "t"\ninitially\n  x |-> pa1\n  [a] = 0\n  ${line}\nP0\nr0 = [x]\nallowed P0:r0 = 0\n`;
}

function withInstruction(instruction: string): string {
  return `litmus "t"\ninitially\n  x |-> pa1\n  [a] = 0\nP0\n${instruction}\nr0 = [x]\nallowed P0:r0 = 0\n`;
}

function withCondition(condition: string): string {
  return `litmus "t"\ninitially\n  x |-> pa1\n  [a] = 0\nP0\nr0 = [x]\nallowed ${condition}\n`;
}

describe('errors name line and column', () => {
  it.each([
    ['', 't:1:1: expected "litmus", found the end of the text'],
    ['litmus "t"', 't: a litmus test has the processors: a line "P0 | P1", and under it a table'],
    ['litmus "t"\nP0\nmfence', 't: a litmus test has "allowed" or "forbidden" and a condition'],
    ['litmus "t\n', 't:1:8: the string that begins here does not end on this line, or is too long'],
    ['litmus "t"\nforbiden P0:r0 = 1', 't:2:1: "forbiden" begins no section; did you mean "forbidden"?'],
    ['litmus "t"\ncite "a"\ncite "b"', 't:3:1: "cite" is given twice'],
    ['litmus "t"\nP0 | P2\n', 't:2:6: the columns are P0, P1 and so on, in this order'],
    ['litmus "t"\nP0\nmfence | mfence\nallowed [a] = 1', 't:3:8: expected the end of the line, found "|"'],
    [
      withInitial('y |-> pa1 with red'),
      't:5:18: expected a flag (ro, kernel, xd, global, old, clean, large, reserved), found "red"',
    ],
    [withInitial('y |-> x'), 't:5:9: "x" is both a frame and a page'],
    [withInitial('x@B |-> pa1'), 't:5:3: there is no space "B"'],
    [withInitial('PTE(x) |-> t1\n  table t1'), 't:5:14: a PTE refers to no table'],
    [
      withInitial('PDE(x) |-> pa1'),
      't:5:14: a PDE is "invalid" here, or, if a PDE, refers to a spare table or a large page',
    ],
    [withInitial('cr3 P1 = main'), 't:5:3: there is no P1'],
    [withInitial('y beside z'), 't:5:3: there is no page "z"'],
    [withInstruction('r0 = [b]'), 't:6:7: there is no frame or cell that the initial state gives a value "b"'],
    [withInstruction('r0 = user [a]'), 't:6:12: only pages are accessed by user code, or fetched: "a"'],
    [withInstruction('invlpg a'), 't:6:1: there is no page "a"'],
    [withInstruction('invpcid context 4096'), 't:6:17: a PCID is at most 4095, not 4096'],
    [
      withInstruction('cr4.pse = 1'),
      't:6:5: expected a bit of CR4 (pge, pcide, smep), found "pse"; did you mean "pge"?',
    ],
    [withInstruction('cr3 = C'), 't:6:1: there is no space "C"'],
    [withInstruction('ipi P0 shoot'), 't:6:1: P0 has no handler "shoot"'],
    [withInstruction('lock PTE(x)'), 't:6:12: expected "set" or "clear" and a bit, found the end of the line'],
    [withInstruction('r0 == 1'), 't:6:5: expected the name of a page, found "="'],
    [withCondition('P0:r7 = 1'), 't:7:1: P0 never writes r7'],
    [withCondition('P0:r0 = great'), 't:7:17: expected a result (fault, absent, denied, reserved, ok), found "great"'],
    [withCondition('PTE(x) = 1'), 't:7:16: expected "has", "lacks" or "|->", found "="'],
    [withCondition('[x] = 1'), 't:7:10: there is no frame or cell that the initial state gives a value "x"'],
    [withCondition('x |-> pa7'), 't:7:1: there is no frame or table "pa7"; did you mean "pa1"?'],
    [withCondition(`${'('.repeat(40)}P0:r0 = 1`), 't:7:26: the condition is nested too deeply'],
  ])('%j', (text, message) => {
    expect(errorOf(text)).toBe(message);
  });

  it('bounds what a text may ask for', () => {
    expect(errorOf(' '.repeat(LITMUS_LIMITS.textCharacters + 1))).toMatch(/at most 65536 characters/);
    expect(errorOf(withInstruction('mfence\n'.repeat(65)))).toMatch(/at most 64 instructions/);
    const pages = Array.from({ length: 40 }, (_, index) => `q${index} |-> pa1`).join('\n  ');
    expect(errorOf(withInitial(pages))).toMatch(/at most 32 names/);
    expect(errorOf('litmus "t"\nP0 | P1 | P2 | P3 | P4\n')).toMatch(/at most 4 processors/);
  });

  it('and accepts what is right', () => {
    expect(errorOf(withInitial('PDE(x) |-> t1\n  table t1'))).toBe('none');
    expect(errorOf(withInstruction('r1 : user [x] = r0'))).toBe('none');
    expect(errorOf(withCondition('not (P0:r0 = fault or [a] = 0) and x |-> pa1 and PTE(x) has A'))).toBe('none');
  });
});

it('reads a test into its tree', () => {
  const { initial, processors, expectations } = parseLitmus(
    withInstruction('PTE(x@main) |-> pa2 with ro, global').replace('allowed P0:r0 = 0', 'forbidden [pa2] = 1 # why'),
    't',
  );
  expect(initial.map(({ kind }) => kind)).toEqual(['entry', 'cell']);
  expect(processors[0]?.body[0]).toMatchObject({
    kind: 'store',
    to: { kind: 'entry', entry: { kind: 'PTE', page: { page: 'x', space: 'main' } } },
    value: { kind: 'content', content: { kind: 'refers', to: 'pa2', flags: ['ro', 'global'] } },
  });
  expect(expectations).toMatchObject([{ allowed: false, text: '[pa2] = 1', condition: { kind: 'equals', value: 1n } }]);
});

describe('whatever the text, it is a test or bad input', () => {
  const changed = fc
    .tuple(
      fc.constantFrom(...TEXTS),
      fc.array(
        fc.record({
          at: fc.nat(2000),
          remove: fc.nat(6),
          insert: fc.oneof(
            fc.constantFrom(
              '|',
              '|->',
              '[',
              ']',
              '(',
              ')',
              '\n',
              ' ',
              'x',
              'pa1',
              'P1',
              'r0',
              'with',
              'PTE',
              '0',
              'end',
            ),
            fc.string({ maxLength: 3 }),
          ),
        }),
        { maxLength: 4 },
      ),
    )
    .map(([text, edits]) =>
      edits.reduce((sofar, { at, remove, insert }) => {
        const place = at % (sofar.length + 1);
        return sofar.slice(0, place) + insert + sofar.slice(place + remove);
      }, text),
    );

  it(`with tests of the catalogue changed here and there, seed ${SEED}`, () => {
    let refused = 0;
    fc.assert(
      fc.property(changed, (text) => {
        if (errorOf(text) !== 'none') refused++;
      }),
      { seed: SEED, numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(500);
    expect(refused).toBeLessThan(2900);
  });

  it(`with any characters, seed ${SEED}`, () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(errorOf(text)).not.toBe('none');
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});
