/**
 * Shows an exhibit: finds the bug without being told how, makes the schedule short, and covers the same bound once more with
 * the fix, and with each piece of hardware gone that the bug needs. A limit confirms nothing.
 */
import type { Limits, Reporting } from '../explore/limits.ts';
import type { Counts, LimitKind, Result } from '../explore/verdict.ts';
import { Exploration } from '../scenario/exploration/exploration.ts';
import { ScenarioModel } from '../scenario/exploration/scenario-model.ts';
import type { RunReport } from '../scenario/run-report.ts';
import type { System } from '../scenario/system.ts';
import type { Exhibit } from './exhibit.ts';
import { preparedSearch } from './prepared-search.ts';

const SHRINK_ATTEMPTS = 400;

export interface TourOptions extends Limits, Reporting {
  /** The program's version: tokens are no other version's. */
  readonly version: string;
  /** Told before each search. */
  readonly begins?: (search: SearchName) => void;
  /** Shown the system in which the caught schedule is repeated, before anything happens in it. */
  readonly watch?: (system: System) => void;
}

export type SearchName =
  | { readonly kind: 'bug' }
  | { readonly kind: 'fix' }
  | { readonly kind: 'absence'; readonly switches: readonly string[] };

export interface SearchReport {
  readonly name: SearchName;
  readonly era: string;
  readonly verdict: Result['verdict'];
  readonly limit: LimitKind | null;
  readonly counts: Counts;
  /** In the unit of `now`; null without a clock. */
  readonly time: number | null;
  /** Whether it came out as the exhibit says. */
  readonly asStated: boolean;
  readonly found: readonly string[];
}

export interface Catch {
  readonly id: string;
  readonly message: string;
  /** Replays the shortest schedule found, on the exhibit's scenario under its vulnerable era. */
  readonly token: string;
  readonly steps: number;
  readonly preemptions: number;
  readonly changes: number;
  readonly report: RunReport;
}

/** `refuted`: a search came to another end than the exhibit states. `limit`: none did, and one did not come to its end. */
export type TourVerdict = 'confirmed' | 'refuted' | 'limit';

export interface Tour {
  readonly id: string;
  readonly verdict: TourVerdict;
  readonly searches: readonly SearchReport[];
  /** Null where the bug was not found. */
  readonly catch: Catch | null;
}

export function tour(exhibit: Exhibit, options: TourOptions): Tour {
  const bug = searched(exhibit, { kind: 'bug' }, options);
  const searches = [bug.report, searched(exhibit, { kind: 'fix' }, options).report];
  for (const { switches } of exhibit.vanishes) {
    searches.push(searched(exhibit, { kind: 'absence', switches }, options).report);
  }
  return { id: exhibit.id, verdict: verdictOf(searches), searches, catch: caught(bug, options.watch) };
}

interface Searched {
  readonly report: SearchReport;
  readonly result: Result;
  readonly exploration: Exploration;
}

function searched(exhibit: Exhibit, name: SearchName, options: TourOptions): Searched {
  const { version, begins, watch: _, ...limits } = options;
  begins?.(name);
  const era = name.kind === 'fix' ? exhibit.fixed : exhibit.vulnerable;
  const switches = name.kind === 'absence' ? name.switches : [];
  const file = fileOf(exhibit);
  const exploration = new Exploration({ text: exhibit.scenario, file, words: { era, switches }, version });
  const model = new ScenarioModel({ scenario: exploration.scenario, file, system: exploration.options });
  const started = limits.now?.() ?? null;
  const result = preparedSearch(model, exhibit.search, limits);
  const found = result.findings.map(({ violation }) => violation.id);
  const { verdict, limit, counts } = result;
  const asStated = name.kind === 'bug' ? found.some((id) => id.startsWith(exhibit.expected)) : verdict === 'exhausted';
  const time = limits.now === undefined || started === null ? null : limits.now() - started;
  return { report: { name, era, verdict, limit, counts, time, asStated, found }, result, exploration };
}

/** The name that reports give to an exhibit's scenario. */
export function fileOf({ id }: Exhibit): string {
  return `${id}.tlb`;
}

function verdictOf(searches: readonly SearchReport[]): TourVerdict {
  if (searches.every(({ asStated }) => asStated)) return 'confirmed';
  return searches.some(({ asStated, verdict }) => !asStated && verdict !== 'limit') ? 'refuted' : 'limit';
}

function caught({ result, exploration }: Searched, watch?: (system: System) => void): Catch | null {
  const [finding] = result.findings;
  if (finding === undefined) return null;
  const shrunk = exploration.shrink(finding, SHRINK_ATTEMPTS);
  const token = exploration.token(shrunk);
  const { id, message } = finding.violation;
  const { preemptions, changes } = shrunk.cost;
  const { report } = exploration.replay(token, watch);
  return { id, message, token, steps: shrunk.schedule.length, preemptions, changes, report };
}
