/**
 * Parses scenario text (grammar: docs/WORKLOADS.md) into the tree of scenario-ast.ts. Here: the directives and the
 * blocks; statements are in statement-parser.ts, and what the grammar cannot say is checked in scenario-validate.ts.
 */

import { InputError } from '../base/errors.ts';
import { didYouMean } from './near-name.ts';
import type {
  Expectation,
  Place,
  Scenario,
  Severity,
  SpaceDeclaration,
  Stage,
  Switch,
  ThreadDeclaration,
} from './scenario-ast.ts';
import { scenarioTokens } from './scenario-lexer.ts';
import { SCENARIO_LIMITS } from './scenario-limits.ts';
import { validateScenario } from './scenario-validate.ts';
import { parseBlock } from './statement-parser.ts';
import { TokenReader } from './token-reader.ts';

export const SEVERITIES = [
  'lost-accessed-dirty',
  'stale-permission',
  'stale-frame',
  'page-size-mix',
  'freed-table-walked',
] as const satisfies readonly Severity[];
export const STAGES = ['used', 'frame-freed', 'frame-reused'] as const satisfies readonly Stage[];

const DIRECTIVES = [
  'scenario',
  'processors',
  'era',
  'seed',
  'policy',
  'set',
  'space',
  'thread',
  'kernel',
  'expect',
] as const;

/** The scenario that a text describes. Throws InputError, naming `file`, line and column, when it describes none. */
export function parseScenario(text: string, file: string): Scenario {
  const scenario = new ScenarioParser(file, text).parse();
  validateScenario(scenario, file);
  return scenario;
}

class ScenarioParser {
  readonly #reader: TokenReader;
  readonly #file: string;
  readonly #given = new Set<string>();
  readonly #switches: Switch[] = [];
  readonly #spaces: SpaceDeclaration[] = [];
  readonly #threads: ThreadDeclaration[] = [];
  readonly #expectations: Expectation[] = [];
  #title = '';
  #processors = 0;
  #settings: { era?: string; seed?: number; policy?: string } = {};

  constructor(file: string, text: string) {
    this.#file = file;
    this.#reader = new TokenReader(file, scenarioTokens(text, file));
  }

  parse(): Scenario {
    const reader = this.#reader;
    reader.skipLineEnds();
    if (reader.peek().text !== 'scenario') throw reader.unexpected(reader.peek(), '"scenario" and a title');
    while (reader.peek().kind !== 'end') {
      this.#directive();
      if (reader.peek().kind !== 'end') {
        if (reader.peek().kind !== 'line-end') throw reader.unexpected(reader.peek(), 'the end of the line');
        reader.skipLineEnds();
      }
    }
    if (!this.#given.has('processors')) {
      throw new InputError('a scenario says how many processors it has: "processors 2"', { file: this.#file });
    }
    return {
      title: this.#title,
      processors: this.#processors,
      ...this.#settings,
      switches: this.#switches,
      spaces: this.#spaces,
      threads: this.#threads,
      expectations: this.#expectations,
    };
  }

  #directive(): void {
    const reader = this.#reader;
    const token = reader.peek();
    const { place } = token;
    if (token.kind === 'word' && !DIRECTIVES.some((directive) => directive === token.text)) {
      throw reader.error(`there is no directive "${token.text}"${didYouMean(token.text, DIRECTIVES)}`, place);
    }
    switch (reader.choice('a directive', DIRECTIVES)) {
      case 'scenario':
        this.#once('scenario', place);
        this.#title = reader.string('the title, in quotation marks').text;
        return;
      case 'processors':
        this.#once('processors', place);
        this.#processors = reader.count('the number of processors', SCENARIO_LIMITS.processors);
        return;
      case 'era':
        this.#once('era', place);
        this.#settings.era = reader.name('the name of an era');
        return;
      case 'seed':
        this.#once('seed', place);
        this.#settings.seed = reader.count('the seed', SCENARIO_LIMITS.seed);
        return;
      case 'policy':
        this.#once('policy', place);
        this.#settings.policy = this.#policy();
        return;
      case 'set':
        this.#switches.push(this.#switch(place));
        return;
      case 'space':
        this.#spaces.push({ name: reader.name('the name of the space'), place });
        return;
      case 'thread': {
        const name = reader.name('the name of the thread');
        reader.expect('in');
        this.#threads.push(this.#thread(name, reader.name('the name of a space'), place));
        return;
      }
      case 'kernel':
        this.#threads.push(this.#thread(reader.name('the name of the kernel thread'), null, place));
        return;
      case 'expect':
        this.#expectations.push(this.#expectation(place));
        return;
    }
  }

  #once(directive: string, place: Place): void {
    if (this.#given.has(directive)) throw this.#reader.error(`"${directive}" is given twice`, place);
    this.#given.add(directive);
  }

  /** `worst`, or a policy and which of its kind: `profile:zen-2`. */
  #policy(): string {
    const name = this.#reader.name('the name of a policy');
    return this.#reader.accept(':') ? `${name}:${this.#reader.name('the name of a profile')}` : name;
  }

  #switch(place: Place): Switch {
    const name = this.#reader.name('the name of a switch');
    this.#reader.expect('=');
    const value = this.#reader.take();
    if (value.kind === 'word' || value.kind === 'number') return { name, value: value.text, place };
    throw this.#reader.unexpected(value, `the value of ${name}, as in "set pcid=on"`);
  }

  #thread(name: string, space: string | null, place: Place): ThreadDeclaration {
    this.#reader.expect('on');
    const processor = this.#reader.count('a processor', SCENARIO_LIMITS.processors - 1);
    return { name, space, processor, body: parseBlock(this.#reader, 0), place };
  }

  #expectation(place: Place): Expectation {
    const reader = this.#reader;
    if (reader.choice('an expectation', ['clean', 'violation']) === 'clean') return { kind: 'clean', place };
    const severity = reader.choice('a severity', SEVERITIES);
    const next = reader.peek();
    const stage = next.kind === 'word' && next.text !== 'by' ? reader.choice('a stage, or "by"', STAGES) : null;
    const thread = reader.accept('by') ? reader.name('the name of a thread') : null;
    return { kind: 'violation', severity, stage, thread, place };
  }
}
