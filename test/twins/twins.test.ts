/**
 * Good and bad scenarios one line apart (fixtures/twins), each held to the report that lies beside it. After a change
 * that means to change reports: `npx tsx tools/twins/update.ts`, and read the difference.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runScenario } from '../../tools/twins/run.ts';
import { inRepository, readTwins, type TwinFile } from '../../tools/twins/twins.ts';

const TWINS = readTwins();
const pairs = new Map<string, TwinFile[]>();
for (const file of TWINS) pairs.set(file.twin, [...(pairs.get(file.twin) ?? []), file]);

/** Severities and stages that scenarios can bring about: no kernel path here maps one frame with two page sizes. */
const SHOWN = [
  'stale-frame used',
  'stale-frame frame-freed',
  'stale-frame frame-reused',
  'stale-permission used',
  'lost-accessed-dirty used',
  'freed-table-walked frame-freed',
];

describe.each([...pairs.values()].map((files) => [files[0]?.twin ?? '', files] as const))('%s', (_, files) => {
  it('differs in one line, and in what is expected', () => {
    const [good, bad] = files.map(({ text }) => text.split('\n'));
    expect(good?.length).toBe(bad?.length);
    const different = good?.flatMap((line, index) => (line === bad?.[index] ? [] : [[line, bad?.[index] ?? '']])) ?? [];
    expect(different).toHaveLength(2);
    expect(different[1]?.[0]).toBe('expect clean');
    expect(different[1]?.[1]).toMatch(/^expect violation /);
    expect(good?.[0]).toMatch(/^# /);
  });

  it.each(files.map((file) => [file.side, file] as const))('%s: exactly its report', (side, { file, text, golden }) => {
    const { report, text: printed } = runScenario(text, file);
    expect(report.unexpected).toEqual([]);
    expect(report.stopped).toBeNull();
    expect(report.verdict).toBe(side === 'good' ? 'clean' : 'violation');
    expect(existsSync(inRepository(golden))).toBe(true);
    expect(printed).toBe(readFileSync(inRepository(golden), 'utf8'));
  });
});

describe('together', () => {
  it('are at least twenty pairs, and every report belongs to one', () => {
    expect(pairs.size).toBeGreaterThanOrEqual(20);
    const reports = readdirSync(inRepository('fixtures/twins')).filter((name) => name.endsWith('.txt'));
    expect(reports.sort()).toEqual(TWINS.map(({ golden }) => golden.replace('fixtures/twins/', '')).sort());
  });

  it('show each severity at each stage that a scenario can bring it to', () => {
    const expected = TWINS.flatMap(({ text }) => /^expect violation (\S+ \S+)/m.exec(text)?.[1] ?? []);
    expect([...new Set(expected)].sort()).toEqual([...SHOWN].sort());
  });
});
