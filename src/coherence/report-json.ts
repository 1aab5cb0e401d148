/** A report as JSON: the same fields; linear addresses and entries, which JSON's numbers cannot hold, as `0x` strings. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** What reports are made of. */
type Plain = null | undefined | boolean | number | bigint | string | readonly Plain[] | object;

export function toJson(value: Plain): Json {
  if (value === null || value === undefined) return null;
  switch (typeof value) {
    case 'bigint':
      return `0x${value.toString(16)}`;
    case 'object':
      if (Array.isArray(value)) return value.map(toJson);
      return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, toJson(field as Plain)]));
    default:
      return value;
  }
}
