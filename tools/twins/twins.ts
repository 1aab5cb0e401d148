/**
 * The pairs of fixtures/twins: NAME.good.tlb and NAME.bad.tlb, which differ in one line, and beside each the report that
 * `tlbsan run` prints of it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);
const FOLDER = 'fixtures/twins';
const SIDES = ['good', 'bad'] as const;
export type Side = (typeof SIDES)[number];

export interface TwinFile {
  readonly twin: string;
  readonly side: Side;
  /** From the root of the repository, as reports name it. */
  readonly file: string;
  readonly text: string;
  /** Where its report is kept. */
  readonly golden: string;
}

/** In the order of their names, each good one before its bad one. Throws if a file has no twin. */
export function readTwins(): readonly TwinFile[] {
  const files = readdirSync(new URL(FOLDER, ROOT)).filter((name) => name.endsWith('.tlb'));
  const names = [...new Set(files.map((name) => name.replace(/\.(good|bad)\.tlb$/, '')))].sort();
  return names.flatMap((twin) =>
    SIDES.map((side): TwinFile => {
      const file = `${FOLDER}/${twin}.${side}.tlb`;
      return {
        twin,
        side,
        file,
        text: readFileSync(inRepository(file), 'utf8'),
        golden: `${FOLDER}/${twin}.${side}.txt`,
      };
    }),
  );
}

export function inRepository(file: string): string {
  return fileURLToPath(new URL(file, ROOT));
}
