/** Parses one instruction of a litmus test. */
import type { Cr4Bit, EntryRef, Instruction } from './litmus-ast.ts';
import { CR4_BITS } from './litmus-ast.ts';
import {
  entryFollows,
  isRegister,
  MAIN_SPACE,
  MOST_PCID,
  parseAccess,
  parseCell,
  parseChanges,
  parseEntry,
  parseEntryValue,
  parseName,
  parseNumberOrRegister,
  parseOperand,
  parseProcessor,
  parseRegister,
  parseValue,
} from './litmus-term-parser.ts';
import type { Place } from './scenario-ast.ts';
import type { TokenReader } from './token-reader.ts';

export function parseInstruction(reader: TokenReader): Instruction {
  const { place, text, kind } = reader.peek();
  if (isRegister(text)) return parseIntoRegister(reader, place);
  if (kind !== 'word') return parseStore(reader, place, null);
  const follower = reader.peek(1).text;
  if (text !== 'wait' && ['|->', '@', '(', '['].includes(follower)) {
    return text === 'user' ? parseStore(reader, place, null) : parseEntryWrite(reader, place);
  }
  switch (text) {
    case 'mfence':
    case 'serialize':
      reader.take();
      return { kind: text, place };
    case 'sti':
    case 'cli':
      reader.take();
      return { kind: 'interrupts', enabled: text === 'sti', place };
    case 'invlpg':
      reader.take();
      return { kind: 'invlpg', page: parseName(reader, 'the name of a page'), place };
    case 'invpcid':
      reader.take();
      return parseInvpcid(reader, place);
    case 'cr3':
      reader.take();
      return { kind: 'mov-cr3', ...parseRoot(reader), noFlush: reader.accept('no-flush'), place };
    case 'cr4':
      return { kind: 'mov-cr4', ...parseCr4(reader), place };
    case 'ipi':
      reader.take();
      return { kind: 'ipi', processor: parseProcessor(reader), handler: parseName(reader, 'a handler'), place };
    case 'wait': {
      reader.take();
      const cell = parseCell(reader);
      reader.expect('=');
      return { kind: 'wait', cell, value: parseValue(reader), place };
    }
    case 'lock': {
      reader.take();
      const entry = parseEntry(reader);
      const changes = parseChanges(reader);
      if (changes.length === 0) throw reader.unexpected(reader.peek(), '"set" or "clear" and a bit');
      return { kind: 'change-bits', entry, changes, place };
    }
    default:
      throw reader.unexpected(reader.peek(), 'an instruction');
  }
}

/** `r0 = …`, or a store that tells how it ended: `r0 : [x] = 1`. */
function parseIntoRegister(reader: TokenReader, place: Place): Instruction {
  const register = parseRegister(reader);
  if (reader.accept(':')) return parseStore(reader, place, register);
  reader.expect('=');
  if (reader.accept('xchg')) {
    const operand = parseOperand(reader);
    const value = operand.kind === 'entry' ? parseEntryValue(reader) : parseNumberOrRegister(reader);
    return { kind: 'exchange', register, with: operand, value, place };
  }
  const access = parseAccess(reader, reader.accept('fetch') ? 'fetch' : 'read');
  if (access.kind === 'read' && !access.user && entryFollows(reader)) {
    return { kind: 'load', register, from: { kind: 'entry', entry: parseEntry(reader) }, access, place };
  }
  return { kind: 'load', register, from: { kind: 'cell', cell: parseCell(reader) }, access, place };
}

function parseStore(reader: TokenReader, place: Place, register: string | null): Instruction {
  const access = parseAccess(reader, 'write');
  const to = { kind: 'cell', cell: parseCell(reader) } as const;
  reader.expect('=');
  return { kind: 'store', to, value: parseNumberOrRegister(reader), register, access, place };
}

function parseEntryWrite(reader: TokenReader, place: Place): Instruction {
  const entry: EntryRef = parseEntry(reader);
  reader.expect('|->');
  const access = { kind: 'write', user: false } as const;
  return { kind: 'store', to: { kind: 'entry', entry }, value: parseEntryValue(reader), register: null, access, place };
}

function parseInvpcid(reader: TokenReader, place: Place): Instruction {
  switch (reader.choice('a type of INVPCID', ['address', 'context', 'all', 'non-global'])) {
    case 'address': {
      const pcid = reader.count('a PCID', MOST_PCID);
      return { kind: 'invpcid-address', pcid, page: parseName(reader, 'the name of a page'), place };
    }
    case 'context':
      return { kind: 'invpcid-context', pcid: reader.count('a PCID', MOST_PCID), place };
    case 'all':
      return { kind: 'invpcid-all', place };
    case 'non-global':
      return { kind: 'invpcid-non-global', place };
  }
}

/** `= B pcid 2`. */
export function parseRoot(reader: TokenReader): { space: string; pcid: number } {
  reader.expect('=');
  const space = reader.accept(MAIN_SPACE) ? MAIN_SPACE : parseName(reader, 'the name of a space');
  const pcid = reader.accept('pcid') ? reader.count('a PCID', MOST_PCID) : 0;
  return { space, pcid };
}

/** `cr4.pge = 1`. */
export function parseCr4(reader: TokenReader): { bit: Cr4Bit; value: boolean } {
  reader.expect('cr4');
  reader.expect('.');
  const bit = reader.choice('a bit of CR4', CR4_BITS);
  reader.expect('=');
  return { bit, value: reader.count('0 or 1', 1) === 1 };
}
