/** Standard input, read when the program asks for it. */
import { readSync } from 'node:fs';

const STANDARD_INPUT = 0;
const PAUSE_MILLISECONDS = 10;

/** At most so many bytes, waiting for them; none at the end. */
export function readStandardInput(limit: number): Uint8Array {
  const buffer = new Uint8Array(limit);
  for (;;) {
    try {
      return buffer.subarray(0, readSync(STANDARD_INPUT, buffer, 0, limit, null));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null;
      if (code === 'EOF') return new Uint8Array(0);
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MILLISECONDS);
    }
  }
}
