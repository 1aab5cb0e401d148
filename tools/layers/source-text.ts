/**
 * TypeScript source with everything that is not code blanked out: comments, and the insides of strings, templates and
 * regular expressions. Every other character keeps its place, so an offset in one text is an offset in the other.
 * A scanner, not a parser: a `/` begins a regular expression where an operand may stand.
 */

export function codeOnly(source: string): string {
  const out = Array.from({ length: source.length }, (_, index) => source.charAt(index));
  let at = 0;
  /** Depth of braces at which each open `${` closes. */
  const templates: number[] = [];
  let braces = 0;
  const blank = (from: number, to: number): void => {
    for (let index = from; index < to && index < out.length; index++) if (out[index] !== '\n') out[index] = ' ';
  };
  const endOfQuoted = (from: number, quote: string): number => {
    let index = from;
    while (index < source.length && source[index] !== quote && source[index] !== '\n')
      index += source[index] === '\\' ? 2 : 1;
    return index;
  };
  const template = (from: number): number => {
    let index = from;
    while (index < source.length && source[index] !== '`') {
      if (source.startsWith('${', index)) {
        blank(from, index);
        templates.push(braces++);
        return index + 2;
      }
      index += source[index] === '\\' ? 2 : 1;
    }
    blank(from, index);
    return index + 1;
  };

  while (at < source.length) {
    const character = source.charAt(at);
    if (source.startsWith('//', at)) {
      const end = lineEnd(source, at);
      blank(at, end);
      at = end;
    } else if (source.startsWith('/*', at)) {
      const close = source.indexOf('*/', at + 2);
      const end = close < 0 ? source.length : close + 2;
      blank(at, end);
      at = end;
    } else if (character === "'" || character === '"') {
      const end = endOfQuoted(at + 1, character);
      blank(at + 1, end);
      at = end + 1;
    } else if (character === '`') {
      at = template(at + 1);
    } else if (character === '/' && operandMayStand(out, at)) {
      const end = endOfRegularExpression(source, at + 1);
      blank(at + 1, end);
      at = end + 1;
    } else {
      if (character === '{') braces++;
      if (character === '}') braces--;
      at++;
      if (character === '}' && templates.at(-1) === braces) {
        templates.pop();
        at = template(at);
      }
    }
  }
  return out.join('');
}

function lineEnd(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  return end < 0 ? source.length : end;
}

function operandMayStand(out: readonly string[], at: number): boolean {
  let index = at - 1;
  while (index >= 0 && /\s/.test(out[index] ?? '')) index--;
  if (index < 0 || '(,=:[!&|?{};<>+-*%~^'.includes(out[index] ?? '')) return true;
  return /\b(?:return|typeof|case|in|of|yield|throw)$/.test(out.slice(Math.max(0, index - 7), index + 1).join(''));
}

function endOfRegularExpression(source: string, from: number): number {
  let inClass = false;
  let index = from;
  while (index < source.length && source[index] !== '\n') {
    const character = source[index];
    if (character === '/' && !inClass) return index;
    if (character === '[') inClass = true;
    if (character === ']') inClass = false;
    index += character === '\\' ? 2 : 1;
  }
  return index;
}
