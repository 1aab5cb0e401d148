/** Builds the harness with the host's C compiler and runs batches of instances in it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeOutcome, encodeInstance, type Instance, instanceBytes, type Outcome, outcomeBytes } from './instance.ts';

export class NativeHarness {
  readonly #directory = mkdtempSync(join(tmpdir(), 'native-'));
  readonly #program = join(this.#directory, 'harness');

  /** Throws if there is no C compiler, or not for an x86-64 host. */
  constructor() {
    const source = fileURLToPath(new URL('harness.c', import.meta.url));
    execFileSync('cc', ['-O2', '-Wall', '-Werror', '-o', this.#program, source], { stdio: 'inherit' });
  }

  run(instances: readonly Instance[]): Outcome[] {
    const input = new Uint8Array(instances.length * instanceBytes);
    for (const [at, instance] of instances.entries()) encodeInstance(instance, input.subarray(at * instanceBytes));
    const expected = instances.length * outcomeBytes;
    const { stdout, status, signal } = spawnSync(this.#program, { input, maxBuffer: expected + 1, stdio: 'pipe' });
    if (status !== 0 || stdout.length !== expected) {
      throw new Error(`the harness ended with ${signal ?? status}, having given ${stdout.length} of ${expected} bytes`);
    }
    return instances.map((_, at) => decodeOutcome(stdout.subarray(at * outcomeBytes, (at + 1) * outcomeBytes)));
  }

  close(): void {
    rmSync(this.#directory, { recursive: true });
  }
}
