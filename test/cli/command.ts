/** Runs the command: in this process, or in one of its own as a user does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { execute } from '../../src/cli/execute.ts';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** In this process. File names are relative to the repository. */
export async function tlbsan(args: readonly string[], { isTTY = false } = {}): Promise<Finished> {
  const output = { stdout: '', stderr: '' };
  const collect = (name: keyof typeof output) => ({
    isTTY,
    write: (text: string): void => {
      output[name] += text;
    },
  });
  const status = await execute(args, { out: collect('stdout'), error: collect('stderr') });
  return { status, ...output };
}

/** A process of its own. `whileRunning` is called once it has been started. */
export function spawned(
  command: readonly string[],
  {
    cwd = REPOSITORY,
    whileRunning = () => {},
  }: { readonly cwd?: string; readonly whileRunning?: (child: ChildProcess) => void } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = command;
    const child = spawn(program, args, { cwd, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    }
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, ...output }));
    whileRunning(child);
  });
}

/** Without what npm leaves for its scripts, which would change what an npm started by them does. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
}

/** What starts tlbsan from its sources. */
export const FROM_SOURCES = [process.execPath, '--import', 'tsx', 'src/cli/main.ts'] as const;

/** A folder that goes away after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tlbsan-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
