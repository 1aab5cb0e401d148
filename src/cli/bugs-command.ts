/** `tlbsan bugs`: the museum. Lists the exhibits, shows one, and runs them: each finds its bug anew. */
import { toJson } from '../coherence/report-json.ts';
import { UnsupportedError } from '../base/errors.ts';
import { executions } from '../explore/verdict.ts';
import { EXHIBITS, exhibitByName } from '../museum/catalogue.ts';
import type { Exhibit } from '../museum/exhibit.ts';
import { MISSING } from '../museum/missing.ts';
import { type Catch, type SearchName, type Tour, tour } from '../museum/tour.ts';
import { Recorder } from '../trace/recorder.ts';
import { printCount } from '../trace/table.ts';
import type { TimedEvent } from '../trace/timed-event.ts';
import {
  printExhibit,
  printExhibits,
  printSearchName,
  printSummary,
  printTour,
  type ToldCatch,
  type ToldTour,
} from './bugs-text.ts';
import { ExitStatus } from './exit-status.ts';
import type { OutputStream, Streams } from './streams.ts';
import { paintFor } from './terminal-paint.ts';
import { violationStory } from './violation-story.ts';

const BUGS_SCHEMA = 1;

export interface BugsFlags {
  readonly json: boolean;
}

export interface BugsShowFlags extends BugsFlags {
  /** Only the scenario's text, for `tlbsan explore` and `tlbsan replay`. */
  readonly scenario: boolean;
}

export interface BugsRunFlags extends BugsFlags {
  readonly all: boolean;
  readonly seconds: number;
}

export function bugsListCommand({ json }: BugsFlags, { out }: Streams): ExitStatus {
  if (json) out.write(`${JSON.stringify({ schema: BUGS_SCHEMA, exhibits: EXHIBITS, missing: MISSING }, null, 2)}\n`);
  else out.write(printExhibits(EXHIBITS, MISSING));
  return ExitStatus.clean;
}

/** Throws InputError for a bug that there is not. */
export function bugsShowCommand(name: string, { json, scenario }: BugsShowFlags, { out }: Streams): ExitStatus {
  const exhibit = exhibitByName(name);
  if (scenario) {
    out.write(exhibit.scenario);
    return ExitStatus.clean;
  }
  out.write(
    json ? `${JSON.stringify({ schema: BUGS_SCHEMA, exhibit }, null, 2)}\n` : printExhibit(exhibit, paintFor(out)),
  );
  return ExitStatus.clean;
}

const STATUS = {
  confirmed: ExitStatus.clean,
  refuted: ExitStatus.violation,
  limit: ExitStatus.limit,
} as const satisfies Record<Tour['verdict'], ExitStatus>;

/** Throws InputError for a bug that there is not. The status is the worst of all that were run. */
export function bugsRunCommand(
  names: readonly string[],
  { all, seconds, json }: BugsRunFlags,
  version: string,
  { out, error: aside }: Streams,
): ExitStatus {
  const exhibits = all || names.length === 0 ? EXHIBITS : names.map(exhibitByName);
  const started = performance.now();
  const tours: ToldTour[] = [];
  for (const exhibit of exhibits) {
    const toured = run(exhibit, { seconds, version, aside });
    tours.push(toured);
    if (!json) out.write(printTour(exhibit, toured, paintFor(out)));
  }
  const time = performance.now() - started;
  if (json) out.write(`${JSON.stringify(toJson({ schema: BUGS_SCHEMA, time, tours }), null, 2)}\n`);
  else out.write(printSummary(tours, time, paintFor(out)));
  const verdicts = new Set(tours.map(({ verdict }) => verdict));
  if (verdicts.has('refuted')) return STATUS.refuted;
  return verdicts.has('limit') ? STATUS.limit : STATUS.confirmed;
}

function run(
  exhibit: Exhibit,
  { seconds, version, aside }: { readonly seconds: number; readonly version: string; readonly aside: OutputStream },
): ToldTour {
  const line = progressLine(aside);
  const recorder = new Recorder();
  let search: SearchName = { kind: 'bug' };
  try {
    const toured = tour(exhibit, {
      version,
      now: () => performance.now(),
      time: seconds * 1000,
      begins: (name) => {
        search = name;
      },
      watch: ({ stream }) => stream.observe(recorder.observe),
      every: 50,
      progress: ({ counts }) => {
        line.write(`${exhibit.id}: ${printSearchName(search)}: ${printCount(executions(counts))} executions`);
        return true;
      },
    });
    return { ...toured, catch: toured.catch === null ? null : told(toured.catch, recorder.events()) };
  } catch (error) {
    if (error instanceof UnsupportedError) throw new Error(`exhibit ${exhibit.id}: ${error.message}`, { cause: error });
    throw error;
  } finally {
    line.end();
  }
}

function told({ report, ...rest }: Catch, events: readonly TimedEvent[]): ToldCatch {
  const { violations = [], findings = [] } = report.coherence ?? {};
  const first = violations[0];
  return { ...rest, violations, findings, story: first === undefined ? [] : violationStory(first, events) };
}

/** Nothing when piped. */
function progressLine(stream: OutputStream): { write(text: string): void; end(): void } {
  let last = performance.now();
  let written = false;
  return {
    write(text) {
      const now = performance.now();
      if (stream.isTTY !== true || now - last < 500) return;
      last = now;
      written = true;
      stream.write(`\r${text} \u001b[K`);
    },
    end() {
      if (written) stream.write('\r\u001b[K');
    },
  };
}
