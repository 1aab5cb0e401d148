/** Parses what instructions and conditions of a litmus test speak of: pages, entries and their contents, cells, values. */
import type {
  BitChange,
  CellRef,
  DataAccess,
  EntryContent,
  EntryRef,
  Flag,
  Operand,
  PageRef,
  Value,
} from './litmus-ast.ts';
import { ENTRY_BITS, ENTRY_KINDS, FLAGS } from './litmus-ast.ts';
import { LITMUS_LIMITS } from './litmus-lexer.ts';
import type { TokenReader } from './token-reader.ts';

export const MAIN_SPACE = 'main';
export const MOST_PCID = 4095;
const MOST_VALUE = 0xffff_ffffn;
const REGISTER = /^r[0-9]{1,2}$/;
const PROCESSOR = /^P([0-9]{1,2})$/;

export function isRegister(text: string): boolean {
  return REGISTER.test(text);
}

export function parseRegister(reader: TokenReader): string {
  const token = reader.take();
  if (token.kind !== 'word' || !isRegister(token.text)) throw reader.unexpected(token, 'a register, as r0');
  return token.text;
}

export function parseProcessor(reader: TokenReader): number {
  const token = reader.take();
  const [, digits] = (token.kind === 'word' ? PROCESSOR.exec(token.text) : null) ?? [];
  if (digits === undefined) throw reader.unexpected(token, 'a processor, as P0');
  if (Number(digits) >= LITMUS_LIMITS.processors) {
    throw reader.error(`there are at most ${LITMUS_LIMITS.processors} processors, from P0`, token.place);
  }
  return Number(digits);
}

export function parseValue(reader: TokenReader): bigint {
  return reader.integer('a number', MOST_VALUE);
}

/** `x`, or `x@B` in another address space. */
export function parsePage(reader: TokenReader): PageRef {
  const { place } = reader.peek();
  const page = parseName(reader, 'the name of a page');
  const space = reader.accept('@') ? parseName(reader, 'the name of a space') : MAIN_SPACE;
  return { page, space, place };
}

export function parseName(reader: TokenReader, what: string): string {
  const token = reader.peek();
  const name = reader.name(what);
  if (isRegister(name) || PROCESSOR.test(name)) throw reader.unexpected(token, what);
  return name;
}

/** `PTE(x)`, `PDE(x@B)`, `t2[x]`, or `x` alone for its PTE. */
export function parseEntry(reader: TokenReader): EntryRef {
  const token = reader.peek();
  const kind = ENTRY_KINDS.find((each) => token.kind === 'word' && each === token.text);
  if (kind !== undefined) {
    reader.take();
    reader.expect('(');
    const page = parsePage(reader);
    reader.expect(')');
    return { kind, page };
  }
  if (reader.peek(1).text !== '[') return { kind: 'PTE', page: parsePage(reader) };
  const table = parseName(reader, 'the name of a table');
  reader.expect('[');
  const page = parsePage(reader);
  reader.expect(']');
  return { kind: 'in-table', table, page };
}

/** Whether an entry, not a cell, comes next where both may. */
export function entryFollows(reader: TokenReader): boolean {
  return reader.peek().text !== '[';
}

/** `invalid`, or `pa2 with ro, global`. */
export function parseContent(reader: TokenReader): EntryContent {
  const { place } = reader.peek();
  const to = parseName(reader, 'what the entry refers to, or "invalid"');
  if (to === 'invalid') return { kind: 'invalid' };
  const flags: Flag[] = [];
  if (reader.accept('with')) {
    do flags.push(reader.choice('a flag', FLAGS));
    while (reader.accept(','));
  }
  return { kind: 'refers', to, flags, place };
}

/** `[flag]`, or `[big[x]]`: the piece of a large page that translates x. */
export function parseCell(reader: TokenReader): CellRef {
  reader.expect('[');
  const { place } = reader.peek();
  const name = parseName(reader, 'a name');
  let piece: string | null = null;
  if (reader.accept('[')) {
    piece = parseName(reader, 'the name of a page');
    reader.expect(']');
  }
  reader.expect(']');
  return { name, piece, place };
}

/** `[x]`, whose meaning the names decide later; here it is a cell. */
export function parseOperand(reader: TokenReader): Operand {
  if (entryFollows(reader)) return { kind: 'entry', entry: parseEntry(reader) };
  return { kind: 'cell', cell: parseCell(reader) };
}

/** `r0`, `r0 set D, clear A`, a number. */
export function parseNumberOrRegister(reader: TokenReader): Value {
  if (!isRegister(reader.peek().text)) return { kind: 'number', value: parseValue(reader) };
  return { kind: 'register', register: parseRegister(reader), changes: parseChanges(reader) };
}

/** What is written to an entry: a register or a content. */
export function parseEntryValue(reader: TokenReader): Value {
  if (isRegister(reader.peek().text)) return parseNumberOrRegister(reader);
  return { kind: 'content', content: parseContent(reader) };
}

/** `set D, clear A`: possibly none. */
export function parseChanges(reader: TokenReader): BitChange[] {
  const changes: BitChange[] = [];
  if (reader.peek().text !== 'set' && reader.peek().text !== 'clear') return changes;
  do {
    const set = reader.choice('a change', ['set', 'clear']) === 'set';
    changes.push({ bit: reader.choice('a bit', ENTRY_BITS), set });
  } while (reader.accept(','));
  return changes;
}

/** `user` before an access: made at CPL 3. */
export function parseAccess(reader: TokenReader, kind: DataAccess['kind']): DataAccess {
  return { kind, user: reader.accept('user') };
}
