/**
 * Validates values against the part of JSON Schema 2020-12 that docs/schema uses. A keyword that it does not know is an
 * error, so that no constraint goes unchecked.
 */
import { InvariantError } from '../../src/base/errors.ts';

export type Schema = Readonly<Record<string, unknown>>;

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
};

type Check = (argument: never, value: unknown, at: At) => string[];

interface At {
  readonly root: Schema;
  /** The schema that the keyword stands in. */
  readonly schema: Schema;
  /** JSON pointer to the value. */
  readonly path: string;
}

const silent = (): string[] => [];

const KEYWORDS: Readonly<Record<string, Check>> = {
  $schema: silent,
  $id: silent,
  $defs: silent,
  title: silent,
  description: silent,
  $ref: (target: string, value, at) => validate(definition(at.root, target), value, at.root, at.path),
  type: (name: string, value, at) => unless(TYPES[name]?.(value), at, `is no ${name}`),
  const: (expected: unknown, value, at) => unless(value === expected, at, `is not ${JSON.stringify(expected)}`),
  enum: (choices: unknown[], value, at) => unless(choices.includes(value), at, `is none of ${JSON.stringify(choices)}`),
  pattern: (pattern: string, value, at) =>
    unless(typeof value !== 'string' || new RegExp(pattern, 'u').test(value), at, `does not match ${pattern}`),
  minimum: (least: number, value, at) => unless(typeof value !== 'number' || value >= least, at, `is below ${least}`),
  maximum: (most: number, value, at) => unless(typeof value !== 'number' || value <= most, at, `is above ${most}`),
  required: (names: string[], value, at) =>
    isObject(value)
      ? names.filter((name) => !Object.hasOwn(value, name)).map((name) => `${at.path}/${name} is missing`)
      : [],
  properties: (properties: Record<string, Schema>, value, at) =>
    isObject(value)
      ? Object.entries(properties).flatMap(([name, schema]) =>
          Object.hasOwn(value, name) ? validate(schema, value[name], at.root, `${at.path}/${name}`) : [],
        )
      : [],
  additionalProperties: (schema: Schema | false, value, at) => {
    if (!isObject(value)) return [];
    const known = Object.keys((at.schema['properties'] ?? {}) as object);
    const others = Object.keys(value).filter((name) => !known.includes(name));
    return others.flatMap((name) =>
      schema === false
        ? [`${at.path}/${name} is not in the schema`]
        : validate(schema, value[name], at.root, `${at.path}/${name}`),
    );
  },
  items: (schema: Schema, value, at) =>
    Array.isArray(value) ? value.flatMap((item, index) => validate(schema, item, at.root, `${at.path}/${index}`)) : [],
  anyOf: (schemas: Schema[], value, at) => {
    const tries = schemas.map((schema) => validate(schema, value, at.root, at.path));
    if (tries.some((errors) => errors.length === 0)) return [];
    // The one that was meant: of this type, and where alternatives are tagged, of this kind.
    const refused = [`${at.path} is`, `${at.path}/kind is`];
    const meant = (errors: string[]): boolean =>
      !errors.some((error) => refused.some((start) => error.startsWith(start)));
    return tries.find(meant) ?? [`${at.path === '' ? 'the value' : at.path} is none of the alternatives`];
  },
};

/** What is wrong with the value, each with a JSON pointer to where. */
export function validate(schema: Schema, value: unknown, root: Schema = schema, path = ''): string[] {
  return Object.entries(schema).flatMap(([keyword, argument]) => {
    const check = KEYWORDS[keyword];
    if (check === undefined) throw new InvariantError(`the keyword ${keyword} is not known here`);
    return check(argument as never, value, { root, schema, path });
  });
}

function definition(root: Schema, target: string): Schema {
  const found = target.startsWith('#/$defs/') ? (root['$defs'] as Record<string, Schema>)[target.slice(8)] : undefined;
  if (found === undefined) throw new InvariantError(`${target} is not defined`);
  return found;
}

function unless(holds: boolean | undefined, { path }: At, message: string): string[] {
  return holds === true ? [] : [`${path === '' ? 'the value' : path} ${message}`];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
