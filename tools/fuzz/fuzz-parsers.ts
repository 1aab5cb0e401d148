/**
 * Gives damaged texts to both parsers of workloads. Whatever the text, a parser returns or throws InputError, soon. What it
 * accepts has to hold together too: a scenario prints and parses to itself, and a trace says the same when cut anywhere.
 */

import { InputError } from '../../src/base/errors.ts';
import { Random } from '../../src/base/random.ts';
import type { LackeyHandler } from '../../src/workload/lackey-handler.ts';
import { LackeyReader } from '../../src/workload/lackey-reader.ts';
import { parseScenario } from '../../src/workload/scenario-parser.ts';
import { printScenario } from '../../src/workload/scenario-printer.ts';
import { traceRecord } from '../../src/workload/trace-record.ts';
import { mutate } from './mutate.ts';
import { SCENARIO_WORDS, scenarioCorpus, TRACE_WORDS, traceCorpus } from './parser-corpus.ts';

/** Longer than this for one input is a hang. */
const MILLISECONDS_LIMIT = 5_000;

export interface FuzzCounts {
  accepted: number;
  refused: number;
  slowestMilliseconds: number;
}

/** An input that a parser did not take as it should. */
export interface FuzzFinding {
  readonly parser: 'scenario' | 'trace';
  /** Which input of the run, from 0. */
  readonly index: number;
  readonly input: string;
  readonly reason: string;
}

export interface FuzzReport {
  readonly scenario: FuzzCounts;
  readonly trace: FuzzCounts;
  readonly findings: readonly FuzzFinding[];
}

export interface FuzzRun {
  readonly inputs: number;
  readonly seed: number;
  /** Milliseconds of some clock. */
  readonly now: () => number;
  readonly progress?: (done: number) => void;
  /** The parser to fuzz in place of parseScenario. */
  readonly parse?: typeof parseScenario;
}

export function fuzzParsers({ inputs, seed, now, progress, parse = parseScenario }: FuzzRun): FuzzReport {
  const random = new Random(seed);
  const scenarios = scenarioCorpus();
  const traces = traceCorpus();
  const counts = {
    scenario: { accepted: 0, refused: 0, slowestMilliseconds: 0 },
    trace: { accepted: 0, refused: 0, slowestMilliseconds: 0 },
  };
  const findings: FuzzFinding[] = [];
  for (let index = 0; index < inputs; index++) {
    const parser = index % 2 === 0 ? 'scenario' : 'trace';
    const corpus = parser === 'scenario' ? scenarios : traces;
    const words = parser === 'scenario' ? SCENARIO_WORDS : TRACE_WORDS;
    const input = mutate(random.pick(corpus), corpus, words, random);
    const cut = random.below(input.length + 1);
    const started = now();
    const reason =
      parser === 'scenario' ? scenarioFault(parse, input, counts.scenario) : traceFault(input, cut, counts.trace);
    const took = now() - started;
    counts[parser].slowestMilliseconds = Math.max(counts[parser].slowestMilliseconds, took);
    if (reason !== null) findings.push({ parser, index, input, reason });
    else if (took > MILLISECONDS_LIMIT) findings.push({ parser, index, input, reason: `took ${took} ms` });
    if (index % 10_000 === 0) progress?.(index);
  }
  return { ...counts, findings };
}

/** What is wrong with how the parser took the text; null: nothing. */
function scenarioFault(parse: typeof parseScenario, text: string, counts: FuzzCounts): string | null {
  try {
    const scenario = parse(text, 'fuzz');
    counts.accepted++;
    const printed = printScenario(scenario);
    return printScenario(parse(printed, 'printed')) === printed ? null : 'does not print as it parses';
  } catch (error) {
    if (!(error instanceof InputError)) return String(error);
    if (error.place.file !== 'fuzz') return `printed, it is refused: ${error.message}`;
    counts.refused++;
    return null;
  }
}

function traceFault(text: string, cut: number, counts: FuzzCounts): string | null {
  const whole = readTrace([text]);
  if (whole.unexpected !== null) return whole.unexpected;
  if (whole.refused) counts.refused++;
  else counts.accepted++;
  const parts = readTrace([text.slice(0, cut), text.slice(cut)]);
  return parts.said === whole.said ? null : `cut at ${cut} it says ${parts.said}, whole ${whole.said}`;
}

/** What a trace says, as a short text: counts of what was reported, a checksum over it, and the error that ended it. */
function readTrace(pieces: readonly string[]): { said: string; refused: boolean; unexpected: string | null } {
  let checksum = 0;
  let reports = 0;
  const note = (...values: readonly number[]): void => {
    reports++;
    for (const value of values) checksum = (Math.imul(checksum, 31) + value) | 0;
  };
  const handler: LackeyHandler = {
    access: note,
    thread: note,
    blocked: ({ pid, tid }) => note(pid, tid),
    threadExit: note,
    fork: note,
    systemCall: (record) => {
      const { pid, tid, line, kind } = traceRecord(record, 'fuzz');
      note(pid, tid, line, kind.length, record.args.length);
    },
  };
  let ended = '';
  let unexpected: string | null = null;
  try {
    const reader = new LackeyReader('fuzz', handler);
    for (const piece of pieces) reader.push(Buffer.from(piece, 'latin1'));
    reader.end();
  } catch (error) {
    ended = error instanceof Error ? error.message : String(error);
    if (!(error instanceof InputError)) unexpected = ended;
  }
  return { said: `${reports} reports, ${checksum}: ${ended}`, refused: ended !== '', unexpected };
}
