/** Parses the condition of a litmus test: atoms about registers, memory and entries, with and, or, not. */
import type { Condition, Subject } from './litmus-ast.ts';
import { ENTRY_BITS, FAULTS } from './litmus-ast.ts';
import { LITMUS_LIMITS } from './litmus-lexer.ts';
import { parseCell, parseEntry, parseName, parseProcessor, parseRegister, parseValue } from './litmus-term-parser.ts';
import type { TokenReader } from './token-reader.ts';

const RESULTS = [...FAULTS, 'ok'] as const;

export function parseCondition(reader: TokenReader, depth = 0): Condition {
  const of = [parseConjunction(reader, depth)];
  while (reader.accept('or')) of.push(parseConjunction(reader, depth));
  const [only] = of;
  return of.length === 1 && only !== undefined ? only : { kind: 'or', of };
}

function parseConjunction(reader: TokenReader, depth: number): Condition {
  const of = [parseNegation(reader, depth)];
  while (reader.accept('and')) of.push(parseNegation(reader, depth));
  const [only] = of;
  return of.length === 1 && only !== undefined ? only : { kind: 'and', of };
}

function parseNegation(reader: TokenReader, depth: number): Condition {
  if (depth > LITMUS_LIMITS.nesting) throw reader.error('the condition is nested too deeply', reader.peek().place);
  if (reader.accept('not')) return { kind: 'not', of: parseNegation(reader, depth + 1) };
  if (reader.accept('(')) {
    const inner = parseCondition(reader, depth + 1);
    reader.expect(')');
    return inner;
  }
  return parseAtom(reader);
}

function parseAtom(reader: TokenReader): Condition {
  const subject = parseSubject(reader);
  if (reader.accept('has')) return { kind: 'bit', subject, bit: reader.choice('a bit', ENTRY_BITS), set: true };
  if (reader.accept('lacks')) return { kind: 'bit', subject, bit: reader.choice('a bit', ENTRY_BITS), set: false };
  if (subject.kind !== 'cell' && reader.accept('|->')) {
    const to = parseName(reader, 'what the entry refers to, or "invalid"');
    return { kind: 'refers', subject, to: to === 'invalid' ? null : to };
  }
  if (subject.kind === 'entry') throw reader.unexpected(reader.peek(), '"has", "lacks" or "|->"');
  reader.expect('=');
  if (subject.kind === 'register' && reader.peek().kind === 'word') {
    return { kind: 'faults', subject, fault: reader.choice('a result', RESULTS) };
  }
  return { kind: 'equals', subject, value: parseValue(reader) };
}

function parseSubject(reader: TokenReader): Subject {
  if (reader.peek().text === '[') return { kind: 'cell', cell: parseCell(reader) };
  if (reader.peek(1).text !== ':') return { kind: 'entry', entry: parseEntry(reader) };
  const processor = parseProcessor(reader);
  reader.expect(':');
  return { kind: 'register', processor, register: parseRegister(reader) };
}
