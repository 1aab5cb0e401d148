/** A cursor over tokens, with the expectations that the parser has of them; each throws InputError at the token. */

import { present } from '../base/assert.ts';
import { InputError } from '../base/errors.ts';
import { didYouMean } from './near-name.ts';
import type { Place } from './scenario-ast.ts';
import type { Token } from './scenario-lexer.ts';

export class TokenReader {
  readonly #file: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  /** The tokens end with one of kind `end`. */
  constructor(file: string, tokens: readonly Token[]) {
    this.#file = file;
    this.#tokens = tokens;
  }

  peek(ahead = 0): Token {
    const index = Math.min(this.#next + ahead, this.#tokens.length - 1);
    return present(this.#tokens[index], 'a token');
  }

  take(): Token {
    const token = this.peek();
    this.#next++;
    return token;
  }

  /** Takes the next token if it is this word or punctuation mark. */
  accept(text: string): boolean {
    const { kind, text: found } = this.peek();
    if ((kind !== 'word' && kind !== 'punctuation') || found !== text) return false;
    this.#next++;
    return true;
  }

  expect(text: string): Token {
    const token = this.peek();
    if (!this.accept(text)) throw this.unexpected(token, `"${text}"`);
    return token;
  }

  string(what: string): Token {
    const token = this.take();
    if (token.kind !== 'string') throw this.unexpected(token, what);
    return token;
  }

  name(what: string): string {
    const token = this.take();
    if (token.kind !== 'word') throw this.unexpected(token, what);
    return token.text;
  }

  /** One of the given words. */
  choice<T extends string>(what: string, choices: readonly T[]): T {
    const token = this.take();
    const found = choices.find((choice) => choice === token.text && token.kind !== 'string');
    if (found !== undefined) return found;
    const near = token.kind === 'word' ? didYouMean(token.text, choices) : '';
    throw this.unexpected(token, `${what} (${choices.join(', ')})`, near);
  }

  /** A number in decimal, or in hexadecimal after 0x, at most `limit`; underscores may separate digits. */
  integer(what: string, limit: bigint): bigint {
    const token = this.take();
    const digits = token.text.replaceAll('_', '');
    if (token.kind !== 'number' || !/^(?:[0-9]{1,20}|0x[0-9a-fA-F]{1,16})$/.test(digits)) {
      throw this.unexpected(token, what);
    }
    const value = BigInt(digits);
    if (value > limit) throw this.error(`${what} is at most ${limit}, not ${token.text}`, token.place);
    return value;
  }

  count(what: string, limit: number): number {
    return Number(this.integer(what, BigInt(limit)));
  }

  /** The end of a statement: a line end, or the brace that closes the block, which stays. */
  endOfStatement(): void {
    const token = this.peek();
    if (token.kind === 'end' || (token.kind === 'punctuation' && token.text === '}')) return;
    if (token.kind !== 'line-end') throw this.unexpected(token, 'the end of the line');
    this.#next++;
  }

  skipLineEnds(): void {
    while (this.peek().kind === 'line-end') this.#next++;
  }

  unexpected(token: Token, expected: string, near = ''): InputError {
    return this.error(`expected ${expected}, found ${described(token)}${near}`, token.place);
  }

  error(message: string, place: Place): InputError {
    return new InputError(message, { file: this.#file, line: place.line, column: place.column });
  }
}

function described({ kind, text }: Token): string {
  if (kind === 'end') return 'the end of the text';
  if (kind === 'line-end') return 'the end of the line';
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return kind === 'string' ? 'a quoted string' : JSON.stringify(shown);
}
