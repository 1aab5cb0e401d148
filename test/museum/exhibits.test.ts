/**
 * Every exhibit: its bug is found by a search that is told nothing about it, its fix is clean within the same bound, and
 * so is the bug without the hardware that it needs.
 */
import { describe, expect, it } from 'vitest';
import { eraById } from '../../src/kernel/tlb/eras.ts';
import { EXHIBITS, exhibitByName } from '../../src/museum/catalogue.ts';
import type { Exhibit } from '../../src/museum/exhibit.ts';
import { MISSING } from '../../src/museum/missing.ts';
import { tour } from '../../src/museum/tour.ts';
import { parseScenario } from '../../src/workload/scenario-parser.ts';

const VERSION = 'test';
/** So many times more than any search here takes: none runs away if a bound is written wrongly. */
const EXECUTIONS = 50_000;

/**
 * Covering the whole bound takes these ten seconds and more: here their bug is found, and of the mended kernel as many
 * schedules as this are clean. `tlbsan bugs run --all` covers all of them.
 */
const COSTLY: ReadonlyMap<string, number> = new Map([
  ['B3', 100],
  ['B35', 100],
  ['B52', 300],
  ['A1', 100],
]);

describe('the bug is found, and gone with the fix and without its hardware', () => {
  it.each(EXHIBITS.filter(({ id }) => !COSTLY.has(id)))('$id: $title', { timeout: 180_000 }, (exhibit) => {
    const { verdict, searches, catch: caught } = tour(exhibit, { version: VERSION, executions: EXECUTIONS });
    expect(searches.filter(({ asStated }) => !asStated)).toEqual([]);
    expect(verdict).toBe('confirmed');
    expect(caught?.report.verdict).toBe('violation');
    expect(caught?.preemptions).toBeLessThanOrEqual(exhibit.search.preemptions);
  });

  it.each(EXHIBITS.filter(({ id }) => COSTLY.has(id)))('$id, in part: $title', { timeout: 180_000 }, (exhibit) => {
    const { searches, catch: caught } = tour(exhibit, { version: VERSION, executions: COSTLY.get(exhibit.id) ?? 0 });
    const [bug, ...others] = searches;
    expect(bug?.asStated).toBe(true);
    expect(caught?.report.verdict).toBe('violation');
    expect(others.map(({ found }) => found)).toEqual(others.map(() => []));
  });
});

describe('a tour that does not come out as stated says so', () => {
  const b1 = exhibitByName('B1');
  const short = { version: VERSION, executions: EXECUTIONS };

  it('where the fix mends nothing', () => {
    const { verdict, searches } = tour({ ...b1, fixed: 'E9-B1', vanishes: [] }, short);
    expect(verdict).toBe('refuted');
    expect(searches.map(({ asStated }) => asStated)).toEqual([true, false]);
  });

  it('where there is no bug', () => {
    const { verdict, catch: caught } = tour({ ...b1, vulnerable: 'E9-fixed', vanishes: [] }, short);
    expect(verdict).toBe('refuted');
    expect(caught).toBeNull();
  });

  it('where the hardware that is taken away is not what the bug needs', () => {
    const wrong = { ...b1, vanishes: [{ switches: ['global-pages=off', 'pcid=off'], why: 'a guess' }] };
    expect(tour(wrong, short).searches.map(({ asStated }) => asStated)).toEqual([true, true, false]);
  });

  it('where a limit came first', () => {
    const { verdict, searches } = tour(b1, { version: VERSION, executions: 1 });
    expect(verdict).toBe('limit');
    expect(searches[0]?.verdict).toBe('limit');
  });
});

describe('the catalogue', () => {
  it('has each bug once', () => {
    const ids = [...EXHIBITS, ...MISSING].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('finds an exhibit by number, commit and CVE', () => {
    for (const name of ['b1', 'fea4e317f9e7', 'cve-2025-37964']) expect(exhibitByName(name).id).toBe('B1');
    expect(() => exhibitByName('B0')).toThrow(/^bugs: no bug 'B0'; there are B1, B3, /);
  });

  const readable = ({ story, lesson, remedy }: Exhibit): boolean =>
    [story, lesson, remedy].every((text) => /^[A-Z].*\.$/.test(text));

  it.each(EXHIBITS)(
    '$id names eras that exist, one of them mended, and its scenario says which has the bug',
    (exhibit) => {
      const { vulnerable, fixed, scenario, id } = exhibit;
      expect(parseScenario(scenario, id).era).toBe(vulnerable);
      expect(eraById(vulnerable).id).toBe(vulnerable);
      expect(eraById(fixed).variantOf?.harmless ?? true).toBe(true);
      expect(readable(exhibit)).toBe(true);
    },
  );
});
