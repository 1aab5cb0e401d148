/**
 * Parses the text of a litmus test (grammar: docs/LITMUS.md) into the tree of litmus-ast.ts. Here: the head, the initial
 * state, the table of processors and the handlers; what names mean is checked in litmus-names.ts.
 */
import { InputError } from '../base/errors.ts';
import type { Column, Expectation, Handler, InitialItem, Instruction, LitmusTest } from './litmus-ast.ts';
import { parseCondition } from './litmus-condition-parser.ts';
import { parseCr4, parseInstruction, parseRoot } from './litmus-instruction-parser.ts';
import { LITMUS_LIMITS, litmusTokens } from './litmus-lexer.ts';
import { checkNames } from './litmus-names.ts';
import { parseCell, parseContent, parseEntry, parseName, parseProcessor, parseValue } from './litmus-term-parser.ts';
import { didYouMean } from './near-name.ts';
import type { Place, Switch } from './scenario-ast.ts';
import { TokenReader } from './token-reader.ts';

const SECTIONS = ['cite', 'because', 'twin', 'set', 'initially', 'P0', 'handler', 'allowed', 'forbidden'] as const;

/** The test that a text describes. Throws InputError, naming `file`, line and column, when it describes none. */
export function parseLitmus(text: string, file: string): LitmusTest {
  const test = new LitmusParser(file, text).parse();
  checkNames(test, file);
  return test;
}

class LitmusParser {
  readonly #reader: TokenReader;
  readonly #lines: readonly string[];
  readonly #switches: Switch[] = [];
  readonly #initial: InitialItem[] = [];
  readonly #handlers: Handler[] = [];
  readonly #expectations: Expectation[] = [];
  readonly #given = new Map<string, string>();
  readonly #file: string;
  #columns: Column[] = [];

  constructor(file: string, text: string) {
    this.#file = file;
    this.#lines = text.split('\n');
    this.#reader = new TokenReader(file, litmusTokens(text, file));
  }

  parse(): LitmusTest {
    const reader = this.#reader;
    reader.skipLineEnds();
    reader.expect('litmus');
    const title = reader.string('the title, in quotation marks').text;
    this.#endOfLine();
    while (reader.peek().kind !== 'end') this.#section();
    if (this.#columns.length === 0) throw this.#missing('the processors: a line "P0 | P1", and under it a table');
    if (this.#expectations.length === 0) throw this.#missing('"allowed" or "forbidden" and a condition');
    return {
      title,
      cite: this.#given.get('cite') ?? null,
      because: this.#given.get('because') ?? null,
      twin: this.#given.get('twin') ?? null,
      switches: this.#switches,
      initial: this.#initial,
      processors: this.#columns,
      handlers: this.#handlers,
      expectations: this.#expectations,
    };
  }

  #section(): void {
    const reader = this.#reader;
    const token = reader.peek();
    const { place } = token;
    if (token.kind === 'word' && !SECTIONS.some((section) => section === token.text)) {
      throw reader.error(`"${token.text}" begins no section${didYouMean(token.text, SECTIONS)}`, place);
    }
    const section = reader.choice('a section', SECTIONS);
    switch (section) {
      case 'cite':
      case 'because':
      case 'twin':
        if (this.#given.has(section)) throw reader.error(`"${section}" is given twice`, place);
        this.#given.set(section, reader.string('text in quotation marks').text);
        this.#endOfLine();
        return;
      case 'set': {
        const name = reader.name('the name of a switch');
        reader.expect('=');
        this.#switches.push({ name, value: reader.choice('on or off', ['on', 'off']), place });
        this.#endOfLine();
        return;
      }
      case 'initially':
        this.#endOfLine();
        this.#initially();
        return;
      case 'P0':
        if (this.#columns.length > 0) throw reader.error('there is one table of processors', place);
        this.#table();
        return;
      case 'handler':
        this.#handler(place);
        return;
      case 'allowed':
      case 'forbidden':
        this.#expectation(section === 'allowed', place);
        return;
    }
  }

  #initially(): void {
    const reader = this.#reader;
    while (reader.peek().kind !== 'end' && !SECTIONS.some((section) => section === reader.peek().text)) {
      this.#initial.push(this.#item());
      this.#endOfLine();
      if (this.#initial.length > 4 * LITMUS_LIMITS.names) {
        throw reader.error(`the initial state has at most ${4 * LITMUS_LIMITS.names} lines`, reader.peek().place);
      }
    }
  }

  #item(): InitialItem {
    const reader = this.#reader;
    const { text, place } = reader.peek();
    const next = reader.peek(1);
    if (text === '[') {
      const cell = parseCell(reader);
      reader.expect('=');
      return { kind: 'cell', cell, value: parseValue(reader), place };
    }
    if (text === 'cr4') return { kind: 'cr4', ...parseCr4(reader), place };
    if (text === 'cr3' && next.kind === 'word') {
      reader.take();
      return { kind: 'cr3', processor: parseProcessor(reader), ...parseRoot(reader), place };
    }
    if (next.kind === 'word' && (text === 'space' || text === 'table' || text === 'large')) {
      reader.take();
      return { kind: text, name: parseName(reader, `the name of a ${text}`), place };
    }
    if (next.text === 'beside') {
      const page = parseName(reader, 'the name of a page');
      reader.take();
      return { kind: 'beside', page, neighbour: parseName(reader, 'the name of a page'), place };
    }
    const entry = parseEntry(reader);
    const kind = reader.accept('?->') ? 'past-entry' : 'entry';
    if (kind === 'entry') reader.expect('|->');
    return { kind, entry, content: parseContent(reader), place };
  }

  /** `P0` is taken already. */
  #table(): void {
    const reader = this.#reader;
    let processors = 1;
    while (reader.accept('|')) {
      const { place } = reader.peek();
      const processor = parseProcessor(reader);
      if (processor !== processors++) throw reader.error(`the columns are P0, P1 and so on, in this order`, place);
    }
    this.#endOfLine();
    const bodies: Instruction[][] = Array.from({ length: processors }, () => []);
    while (!this.#sectionFollows()) this.#row(bodies);
    this.#columns = bodies.map((body) => ({ body }));
  }

  #row(bodies: readonly Instruction[][]): void {
    const reader = this.#reader;
    for (const [column, body] of bodies.entries()) {
      if (column > 0 && !reader.accept('|')) break;
      const { text, kind, place } = reader.peek();
      if (text === '|' || kind === 'line-end' || kind === 'end') continue;
      if (body.length >= LITMUS_LIMITS.instructions) {
        throw reader.error(`a processor has at most ${LITMUS_LIMITS.instructions} instructions`, place);
      }
      body.push(parseInstruction(reader));
    }
    this.#endOfLine();
  }

  #sectionFollows(): boolean {
    const { kind, text } = this.#reader.peek();
    return kind === 'end' || text === 'handler' || text === 'allowed' || text === 'forbidden';
  }

  #handler(place: Place): void {
    const reader = this.#reader;
    const name = parseName(reader, 'the name of the handler');
    reader.expect('on');
    const processor = parseProcessor(reader);
    this.#endOfLine();
    const body: Instruction[] = [];
    while (!reader.accept('end')) {
      if (body.length >= LITMUS_LIMITS.instructions) {
        throw reader.error(`a handler has at most ${LITMUS_LIMITS.instructions} instructions`, reader.peek().place);
      }
      body.push(parseInstruction(reader));
      this.#endOfLine();
    }
    this.#endOfLine();
    if (this.#handlers.length >= LITMUS_LIMITS.processors) {
      throw reader.error(`there are at most ${LITMUS_LIMITS.processors} handlers`, place);
    }
    this.#handlers.push({ name, processor, body, place });
  }

  #expectation(allowed: boolean, place: Place): void {
    const reader = this.#reader;
    const start = reader.peek().place;
    const condition = parseCondition(reader);
    const end = reader.peek().place;
    const line = this.#lines[start.line - 1] ?? '';
    const text = line
      .slice(start.column - 1, end.line === start.line ? end.column - 1 : undefined)
      .replace(/#.*/, '')
      .trim();
    if (this.#expectations.length >= LITMUS_LIMITS.names) {
      throw reader.error(`there are at most ${LITMUS_LIMITS.names} conditions`, place);
    }
    this.#expectations.push({ allowed, condition, text, place });
    this.#endOfLine();
  }

  #endOfLine(): void {
    const reader = this.#reader;
    const token = reader.peek();
    if (token.kind !== 'line-end' && token.kind !== 'end') throw reader.unexpected(token, 'the end of the line');
    reader.skipLineEnds();
  }

  #missing(what: string): InputError {
    return new InputError(`a litmus test has ${what}`, { file: this.#file });
  }
}
