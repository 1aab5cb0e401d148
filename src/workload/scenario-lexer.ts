/** Splits scenario text into tokens (docs/WORKLOADS.md). Comments and blanks vanish; line ends stay, they end statements. */

import { InputError } from '../base/errors.ts';
import type { Place } from './scenario-ast.ts';
import { SCENARIO_LIMITS } from './scenario-limits.ts';

export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'punctuation' | 'line-end' | 'end';
  /** As written; of a string, what it says. */
  readonly text: string;
  readonly place: Place;
}

/** A word may contain hyphens, not end in one; whatever begins with a digit is a number until it is read as one. */
const LEXEMES =
  /(?<blank>[ \t\r]+|#[^\n]*)|(?<newline>\n)|(?<word>[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*)|(?<number>[0-9][A-Za-z0-9_]*)|(?<punctuation>->|\.\.|[{}[\]=+:])|"(?<string>(?:[^"\\\n]|\\[^\n]){0,2000})"/y;

export function scenarioTokens(text: string, file: string): Token[] {
  if (text.length > SCENARIO_LIMITS.textCharacters) {
    throw new InputError(`a scenario has at most ${SCENARIO_LIMITS.textCharacters} characters`, { file });
  }
  const tokens: Token[] = [];
  let line = 1;
  let lineStart = 0;
  let position = 0;
  while (position < text.length) {
    const place = { line, column: position - lineStart + 1 };
    LEXEMES.lastIndex = position;
    const groups = LEXEMES.exec(text)?.groups;
    if (groups === undefined) throw new InputError(unreadable(text, position), { file, ...place });
    const { newline, word, number, punctuation, string } = groups;
    position = LEXEMES.lastIndex;
    if (newline !== undefined) {
      tokens.push({ kind: 'line-end', text: newline, place });
      line++;
      lineStart = position;
    } else if (word !== undefined) {
      if (word.length > SCENARIO_LIMITS.nameCharacters) {
        throw new InputError(`a name has at most ${SCENARIO_LIMITS.nameCharacters} characters`, { file, ...place });
      }
      tokens.push({ kind: 'word', text: word, place });
    } else if (number !== undefined) tokens.push({ kind: 'number', text: number, place });
    else if (punctuation !== undefined) tokens.push({ kind: 'punctuation', text: punctuation, place });
    else if (string !== undefined) tokens.push({ kind: 'string', text: unescaped(string, file, place), place });
  }
  tokens.push({ kind: 'end', text: '', place: { line, column: position - lineStart + 1 } });
  return tokens;
}

function unreadable(text: string, position: number): string {
  const character = String.fromCodePoint(text.codePointAt(position) ?? 0);
  if (character === '"') return 'the string that begins here does not end on this line, or is too long';
  return `the character ${JSON.stringify(character)} has no meaning here`;
}

function unescaped(string: string, file: string, place: Place): string {
  return string.replaceAll(/\\(u\{([0-9a-fA-F]{1,6})\}|.)/gsu, (whole, escaped: string, digits: string | undefined) => {
    if (escaped === '"' || escaped === '\\') return escaped;
    const code = digits === undefined ? Number.NaN : Number.parseInt(digits, 16);
    if (code <= 0x10_ffff) return String.fromCodePoint(code);
    throw new InputError(`${whole} is no escape: there are \\" \\\\ and \\u{…}`, { file, ...place });
  });
}

/** A string as it is written in a scenario. */
export function quoted(string: string): string {
  const escaped = string.replaceAll(/["\\]|[\p{Cc}\p{Cs}\u2028\u2029]/gu, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
  return `"${escaped}"`;
}
