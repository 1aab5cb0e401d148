/** Splits the text of a litmus test into tokens (docs/LITMUS.md). Comments and blanks vanish; line ends stay. */
import { InputError } from '../base/errors.ts';
import type { Token } from './scenario-lexer.ts';

/** Bounds on what a test may ask for: generous for people, small enough that no text can exhaust the host. */
export const LITMUS_LIMITS = {
  textCharacters: 64 * 1024,
  nameCharacters: 32,
  processors: 4,
  /** Of one processor, or one handler. */
  instructions: 64,
  names: 32,
  nesting: 16,
} as const;

const LEXEMES =
  /(?<blank>[ \t\r]+|#[^\n]*)|(?<newline>\n)|(?<word>[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*)|(?<number>[0-9][A-Za-z0-9_]*)|(?<punctuation>\|->|\?->|[|()[\]=:,.@])|"(?<string>[^"\\\n\p{Cc}]{0,400})"/uy;

export function litmusTokens(text: string, file: string): Token[] {
  if (text.length > LITMUS_LIMITS.textCharacters) {
    throw new InputError(`a litmus test has at most ${LITMUS_LIMITS.textCharacters} characters`, { file });
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
      if (word.length > LITMUS_LIMITS.nameCharacters) {
        throw new InputError(`a name has at most ${LITMUS_LIMITS.nameCharacters} characters`, { file, ...place });
      }
      tokens.push({ kind: 'word', text: word, place });
    } else if (number !== undefined) tokens.push({ kind: 'number', text: number, place });
    else if (punctuation !== undefined) tokens.push({ kind: 'punctuation', text: punctuation, place });
    else if (string !== undefined) tokens.push({ kind: 'string', text: string, place });
  }
  tokens.push({ kind: 'end', text: '', place: { line, column: position - lineStart + 1 } });
  return tokens;
}

function unreadable(text: string, position: number): string {
  const character = String.fromCodePoint(text.codePointAt(position) ?? 0);
  if (character === '"') return 'the string that begins here does not end on this line, or is too long';
  return `the character ${JSON.stringify(character)} has no meaning here`;
}
