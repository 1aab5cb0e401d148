/** `--json [file]`, the same on every command: to a file beside the text, or in place of the text, to standard output. */
import type { Json } from '../coherence/report-json.ts';
import { OutputFile } from './output-file.ts';
import type { OutputStream } from './streams.ts';

/** A file, or `-` for standard output. */
export type JsonFlag = string | undefined;

export interface JsonOutput {
  /** Standard output is for the JSON. */
  readonly replacesText: boolean;
  write(json: Json): void;
  close(): void;
}

/** Throws InputError for a file that cannot be written, or that is one of those to be kept. */
export function openJson(
  flag: JsonFlag,
  out: OutputStream,
  { keep }: { readonly keep: readonly string[] },
): JsonOutput {
  if (flag === undefined) return { replacesText: false, write: () => {}, close: () => {} };
  const print = (json: Json): string => `${JSON.stringify(json, null, 2)}\n`;
  if (flag === '-') {
    return { replacesText: true, write: (json) => void out.write(print(json)), close: () => {} };
  }
  const file = new OutputFile(flag, { keep });
  return { replacesText: false, write: (json) => file.write(Buffer.from(print(json))), close: () => file.close() };
}
