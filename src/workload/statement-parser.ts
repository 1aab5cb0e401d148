/** Parses what a thread does: blocks, statements, locations, ranges and outcomes (grammar: docs/WORKLOADS.md). */

import { unreachable } from '../base/assert.ts';
import { didYouMean } from './near-name.ts';
import type { Location, Outcome, PageRange, Protection, Statement, StatementBody } from './scenario-ast.ts';
import { SCENARIO_LIMITS } from './scenario-limits.ts';
import type { TokenReader } from './token-reader.ts';

export const PROTECTIONS = ['none', 'r', 'rw', 'rx', 'rwx'] as const satisfies readonly Protection[];

/** Operations that bind a variable: `a = mmap …`. */
const BINDINGS = ['mmap', 'mremap', 'brk', 'vmalloc'] as const;
const OPERATIONS = [
  'munmap',
  'mprotect',
  'madvise',
  'fork',
  'read',
  'write',
  'fetch',
  'signal',
  'await',
  'run',
  'repeat',
  'reclaim',
  'migrate',
  'vfree',
  'offline',
  'online',
  'speculate',
  'evict',
  'flush',
] as const;

const UINT64_LIMIT = 2n ** 64n - 1n;
const PROCESSOR_LIMIT = SCENARIO_LIMITS.processors - 1;

/** A block in braces. `depth`: how many repeats are around it. */
export function parseBlock(reader: TokenReader, depth: number): Statement[] {
  const open = reader.expect('{');
  const statements: Statement[] = [];
  reader.skipLineEnds();
  while (!reader.accept('}')) {
    if (reader.peek().kind === 'end') throw reader.error('the block that begins here is never closed', open.place);
    const { place } = reader.peek();
    statements.push({ ...parseStatement(reader, depth), place });
    reader.endOfStatement();
    reader.skipLineEnds();
  }
  return statements;
}

function parseStatement(reader: TokenReader, depth: number): StatementBody {
  const first = reader.peek();
  const second = reader.peek(1);
  if (first.kind === 'word' && second.kind === 'punctuation' && second.text === '=') return parseBinding(reader);
  if (first.kind !== 'word') throw reader.unexpected(first, 'a statement');
  if (BINDINGS.some((binding) => binding === first.text)) {
    throw reader.error(`${first.text} needs a variable for what it makes: "a = ${first.text} …"`, first.place);
  }
  if (!OPERATIONS.some((operation) => operation === first.text)) {
    const near = didYouMean(first.text, [...OPERATIONS, ...BINDINGS]);
    throw reader.error(`there is no statement "${first.text}"${near}`, first.place);
  }
  const kind = reader.choice('a statement', OPERATIONS);
  switch (kind) {
    case 'munmap':
      return { kind, range: parseRange(reader) };
    case 'mprotect':
      return { kind, range: parseRange(reader), protection: reader.choice('a protection', PROTECTIONS) };
    case 'madvise':
      return { kind, range: parseRange(reader), advice: reader.choice('an advice', ['dontneed', 'free']) };
    case 'fork':
      return { kind, space: reader.name('the name of a space') };
    case 'read':
    case 'fetch':
      return { kind, location: parseLocation(reader), outcome: parseOutcome(reader) };
    case 'write': {
      const location = parseLocation(reader);
      const value = reader.integer('the value to write', UINT64_LIMIT);
      return { kind, location, value, outcome: parseOutcome(reader) };
    }
    case 'signal':
    case 'await':
      return { kind, event: reader.name('the name of an event') };
    case 'run':
      reader.expect('on');
      return { kind: 'run-on', processor: parseProcessor(reader) };
    case 'repeat': {
      if (depth >= SCENARIO_LIMITS.repeatDepth) {
        throw reader.error(`repeats nest at most ${SCENARIO_LIMITS.repeatDepth} deep`, first.place);
      }
      const count = reader.count('the number of rounds', SCENARIO_LIMITS.statements);
      return { kind, count, body: parseBlock(reader, depth + 1) };
    }
    case 'reclaim':
    case 'migrate': {
      const range = parseRange(reader);
      reader.expect('of');
      const space = reader.name('the name of a space');
      return { kind: kind === 'reclaim' ? 'reclaim' : 'migrate-pages', space, range };
    }
    case 'vfree':
      return { kind, variable: reader.name('a variable of the kernel') };
    case 'offline':
    case 'online':
      return { kind, processor: parseProcessor(reader) };
    case 'speculate':
    case 'evict': {
      const location = parseLocation(reader);
      reader.expect('of');
      const space = reader.name('the name of a space');
      reader.expect('on');
      return { kind, processor: parseProcessor(reader), space, location };
    }
    case 'flush':
      return { kind, what: reader.choice('what to flush', ['mm', 'all']) };
    default:
      return unreachable(kind);
  }
}

function parseBinding(reader: TokenReader): StatementBody {
  const variable = reader.name('a variable');
  reader.expect('=');
  const kind = reader.choice('what makes a mapping', BINDINGS);
  switch (kind) {
    case 'mmap':
      return parseMmap(reader, variable);
    case 'mremap': {
      const range = parseRange(reader);
      const pages = parsePages(reader);
      return { kind, range, to: variable, pages, move: reader.accept('move') };
    }
    case 'brk':
    case 'vmalloc':
      return { kind, variable, pages: parsePages(reader) };
    default:
      return unreachable(kind);
  }
}

/** After `a = mmap`: `4 rw`, then in any order `shared`, `2M`, `at 0x7000_0000`. */
function parseMmap(reader: TokenReader, variable: string): StatementBody {
  const pages = parsePages(reader);
  const protection = reader.choice('a protection', PROTECTIONS);
  let shared: boolean | null = null;
  let size: '4K' | '2M' | null = null;
  let at: bigint | null = null;
  for (;;) {
    const { text } = reader.peek();
    if (shared === null && (text === 'shared' || text === 'private')) {
      shared = reader.choice('who sees writes', ['shared', 'private']) === 'shared';
    } else if (size === null && (text === '4K' || text === '2M')) {
      size = reader.choice<'4K' | '2M'>('a page size', ['4K', '2M']);
    } else if (at === null && reader.accept('at')) {
      at = reader.integer('a linear address', UINT64_LIMIT);
    } else {
      return { kind: 'mmap', variable, pages, protection, shared: shared ?? false, size: size ?? '4K', at };
    }
  }
}

function parsePages(reader: TokenReader): number {
  return reader.count('the number of pages', SCENARIO_LIMITS.mappingPages);
}

function parseProcessor(reader: TokenReader): number {
  return reader.count('a processor', PROCESSOR_LIMIT);
}

function parsePageIndex(reader: TokenReader): number {
  return reader.count('the index of a page', SCENARIO_LIMITS.mappingPages - 1);
}

function parseLocation(reader: TokenReader): Location {
  const variable = reader.name('a variable');
  reader.expect('[');
  const page = parsePageIndex(reader);
  reader.expect(']');
  const offset = reader.accept('+') ? reader.count('an offset in a page', 4095) : 0;
  return { variable, page, offset };
}

function parseRange(reader: TokenReader): PageRange {
  const variable = reader.name('a variable');
  if (!reader.accept('[')) return { variable, pages: null };
  const first = parsePageIndex(reader);
  const last = reader.accept('..') ? parsePageIndex(reader) : first;
  reader.expect(']');
  return { variable, pages: { first, last } };
}

function parseOutcome(reader: TokenReader): Outcome {
  if (!reader.accept('->')) return { kind: 'any' };
  if (reader.accept('fault')) return { kind: 'fault' };
  return { kind: 'value', value: reader.integer('a value, or "fault"', UINT64_LIMIT) };
}
