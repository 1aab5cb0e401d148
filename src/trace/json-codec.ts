/**
 * Values to JSON and back, from a description of their shape. A description has the type of what it describes, so a
 * field that is added to an event and not here does not compile.
 *
 * A `bigint` is a string of hexadecimal digits after `0x`, whatever its size; numbers are exact integers.
 */
import type { CachedTranslation } from '../event/cached-translation.ts';

/** Translations that a line has already told in full, by serial: later lines refer to them by that. */
export type KnownTranslations = Map<number, CachedTranslation>;

export interface JsonCodec<T> {
  print(value: T, known: KnownTranslations): unknown;
  /** Throws Mismatch. */
  parse(json: unknown, known: KnownTranslations): T;
}

/** What JSON had where something else belongs. Never leaves this folder: readers turn it into an InputError. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';

  /** The same, one field further out. */
  within(field: string): Mismatch {
    return new Mismatch(`${field}: ${this.message}`);
  }
}

export function mismatch(json: unknown, expected: string): Mismatch {
  const text = JSON.stringify(json) ?? 'nothing';
  return new Mismatch(`expected ${expected}, found ${text.length > 40 ? `${text.slice(0, 40)}…` : text}`);
}

function scalar<T>(expected: string, is: (json: unknown) => boolean): JsonCodec<T> {
  return {
    print: (value) => value,
    parse: (json) => {
      if (!is(json)) throw mismatch(json, expected);
      return json as T;
    },
  };
}

/** An integer of at most 53 bits, not negative. */
export function natural<T extends number = number>(): JsonCodec<T> {
  return scalar<T>(
    'a natural number',
    (json) => Number.isSafeInteger(json) && (json as number) >= 0 && !Object.is(json, -0),
  );
}

export const text: JsonCodec<string> = scalar('a string', (json) => typeof json === 'string');

export const flag: JsonCodec<boolean> = scalar('true or false', (json) => typeof json === 'boolean');

/** 64 bits. */
export function bits<T extends bigint = bigint>(): JsonCodec<T> {
  return {
    print: (value) => `0x${value.toString(16)}`,
    parse: (json) => {
      if (typeof json !== 'string' || !/^0x(?:0|[1-9a-f][0-9a-f]{0,15})$/.test(json)) {
        throw mismatch(json, 'a string of 0x and up to 16 hexadecimal digits');
      }
      return BigInt(json) as T;
    },
  };
}

/** One of a few strings; the keys of the record are all of them. */
export function oneOf<T extends string>(values: Readonly<Record<T, true>>): JsonCodec<T> {
  const names = Object.keys(values);
  return scalar(`one of ${names.join(', ')}`, (json) => typeof json === 'string' && names.includes(json));
}

export function oneOfNumbers<T extends number>(...values: readonly T[]): JsonCodec<T> {
  return scalar(`one of ${values.join(', ')}`, (json) => values.some((value) => Object.is(value, json)));
}

export function nullable<T>(codec: JsonCodec<T>): JsonCodec<T | null> {
  return {
    print: (value, known) => (value === null ? null : codec.print(value, known)),
    parse: (json, known) => (json === null ? null : codec.parse(json, known)),
  };
}

/** For a field that may be missing. */
export function optional<T>(codec: JsonCodec<T>): JsonCodec<T | undefined> {
  return {
    print: (value, known) => (value === undefined ? undefined : codec.print(value, known)),
    parse: (json, known) => (json === undefined ? undefined : codec.parse(json, known)),
  };
}

export function list<T>(codec: JsonCodec<T>): JsonCodec<readonly T[]> {
  return {
    print: (values, known) => values.map((value) => codec.print(value, known)),
    parse: (json, known) => {
      if (!Array.isArray(json)) throw mismatch(json, 'a list');
      return json.map((item: unknown, index) => inField(`[${index}]`, () => codec.parse(item, known)));
    },
  };
}

/** A codec for each field. */
export type Fields<T> = { readonly [F in keyof T]-?: JsonCodec<T[F]> };

/** An object with exactly these fields; a field that is undefined is left out. */
export function object<T extends object>(fields: Fields<T>): JsonCodec<T> {
  const entries = Object.entries(fields) as [string, JsonCodec<unknown>][];
  return {
    print: (value, known) => {
      const json: Record<string, unknown> = {};
      for (const [name, codec] of entries) {
        const field = codec.print((value as Record<string, unknown>)[name], known);
        if (field !== undefined) json[name] = field;
      }
      return json;
    },
    parse: (json, known) => {
      if (typeof json !== 'object' || json === null || Array.isArray(json)) throw mismatch(json, 'an object');
      const value: Record<string, unknown> = {};
      for (const [name, codec] of entries) {
        const field = inField(name, () => codec.parse((json as Record<string, unknown>)[name], known));
        if (field !== undefined) value[name] = field;
      }
      for (const name of Object.keys(json)) {
        if (!Object.hasOwn(fields, name)) throw new Mismatch(`unexpected field "${name}"`);
      }
      return value as T;
    },
  };
}

function inField<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof Mismatch ? error.within(name) : error;
  }
}
