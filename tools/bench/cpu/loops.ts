/** The loops of loops.S: their names in order, and how many instructions a round has. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Loop {
  readonly name: string;
  /** On average, of long runs. */
  readonly instructionsPerRound: number;
}

/** A repeated move of 16 counts as one instruction. */
export const loops: readonly Loop[] = [
  { name: 'integer', instructionsPerRound: 9 },
  { name: 'memory', instructionsPerRound: 9 },
  { name: 'calls', instructionsPerRound: 10 },
  { name: 'branches', instructionsPerRound: 8 },
  { name: 'strings', instructionsPerRound: 6 },
  { name: 'vectors', instructionsPerRound: 9 },
  { name: 'floats', instructionsPerRound: 5 },
];

export const loopBytes = 256;

export interface Built {
  /** The code of all loops. */
  readonly code: Uint8Array;
  /** A static program that times them. */
  readonly program: string;
  remove(): void;
}

/** With the host's gcc and objcopy. */
export function buildLoops(): Built {
  const folder = mkdtempSync(join(tmpdir(), 'loops-'));
  const source = (name: string): string => new URL(name, import.meta.url).pathname;
  const object = join(folder, 'loops.o');
  const binary = join(folder, 'loops.bin');
  const program = join(folder, 'harness');
  execFileSync('gcc', ['-c', source('loops.S'), '-o', object]);
  execFileSync('objcopy', ['-O', 'binary', '-j', '.text', object, binary]);
  // Branches within the section are resolved already; nothing else is to be linked.
  execFileSync('gcc', ['-O2', '-static', source('harness.c'), object, '-o', program]);
  return { code: readFileSync(binary), program, remove: () => rmSync(folder, { recursive: true }) };
}
