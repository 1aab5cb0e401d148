/** The three kinds of failure; a guest fault is none of them: it is a value. */

/** Our bug: an invariant of the program itself does not hold. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** The guest did something that the architecture defines and that we do not model. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError';
}

/** Where in an input something was wrong. Lines and columns count from 1, byte offsets from 0. */
export interface InputPlace {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly offset?: number;
}

/** Bad input: what was wrong, where, and, in the message, what would be right. Always one line. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly place: InputPlace;

  constructor(message: string, place: InputPlace) {
    super(`${printPlace(place)}: ${message.replaceAll(/\s*[\r\n]+\s*/g, ' ')}`);
    this.place = place;
  }
}

function printPlace({ file, line, column, offset }: InputPlace): string {
  if (line !== undefined) return column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`;
  return offset === undefined ? file : `${file} at byte ${offset}`;
}
