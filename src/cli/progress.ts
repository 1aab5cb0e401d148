/** One line on a terminal that says how far a run has come, after its first second; nothing when piped. */
import type { OutputStream } from './streams.ts';

const INTERVAL_MILLISECONDS = 250;
const QUIET_MILLISECONDS = 1000;

export class Progress {
  readonly #describe: () => string;
  readonly #stream: OutputStream;
  readonly #begun = Date.now();
  #last = Date.now();
  #written = false;

  constructor(describe: () => string, stream: OutputStream) {
    this.#stream = stream;
    this.#describe = describe;
  }

  /** Call often. Now and then it lets the process handle signals and writes the line anew. */
  async update(): Promise<void> {
    const now = Date.now();
    if (now - this.#last < INTERVAL_MILLISECONDS) return;
    this.#last = now;
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#stream.isTTY !== true || now - this.#begun < QUIET_MILLISECONDS) return;
    const seconds = Math.round((now - this.#begun) / 1000);
    this.#stream.write(`\r${this.#describe()}, ${seconds} s \u001b[K`);
    this.#written = true;
  }

  end(): void {
    if (this.#written) this.#stream.write('\r\u001b[K');
  }
}
