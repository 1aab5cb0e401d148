/** Runs a guest program of fixtures/guests, or bytes that are one, in this process. */
import { readFileSync } from 'node:fs';
import { ProgramRun, type ProgramWords } from '../../../src/scenario/program/program-run.ts';
import { reportOn, type RunReport } from '../../../src/scenario/run-report.ts';

export interface GuestOutcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly ending: ProgramRun['ending'];
  readonly report: RunReport;
  readonly run: ProgramRun;
}

export interface GuestOptions extends Partial<ProgramWords> {
  readonly args?: readonly string[];
  readonly input?: string;
  readonly root?: ConstructorParameters<typeof ProgramRun>[0]['root'];
  /** Called before the first step. */
  readonly prepare?: (run: ProgramRun) => void;
  readonly instructionsLimit?: number;
}

export function guestBytes(name: string): Uint8Array {
  return readFileSync(new URL(`../../../fixtures/guests/${name}`, import.meta.url));
}

export function expectedOutput(name: string): string {
  return readFileSync(new URL(`../../../fixtures/guests/${name}.out`, import.meta.url), 'latin1');
}

export function runGuest(program: string | Uint8Array, options: GuestOptions = {}): GuestOutcome {
  const { args = [], input = '', root = null, prepare = () => {}, instructionsLimit = 200_000_000, ...words } = options;
  const output = { 1: '', 2: '' };
  let left = Buffer.from(input, 'latin1');
  const name = typeof program === 'string' ? program : 'program';
  const run = new ProgramRun(
    {
      file: name,
      path: `/bin/${name}`,
      bytes: typeof program === 'string' ? guestBytes(program) : program,
      args: [name, ...args],
      environment: ['HOME=/'],
      root,
      symbols: null,
      streams: {
        read: (limit) => {
          const bytes = left.subarray(0, limit);
          left = left.subarray(bytes.length);
          return bytes;
        },
        write: (stream, bytes) => {
          output[stream] += Buffer.from(bytes).toString('latin1');
        },
      },
    },
    { detect: true, memory: 64, ...words },
  );
  prepare(run);
  let stopped: RunReport['stopped'] = null;
  while (run.advance(5_000)) {
    if (run.world.work <= instructionsLimit) continue;
    stopped = 'step limit';
    break;
  }
  const report = reportOn(run.system, run.outcome(stopped));
  return { stdout: output[1], stderr: output[2], ending: run.ending, report, run };
}
