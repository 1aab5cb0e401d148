/** One run of a recorded trace, from boot to what came of it. Its caller hands over the bytes, in chunks cut anywhere. */
import { LackeyReader } from '../workload/lackey-reader.ts';
import { causeOfDeath } from './guest-death.ts';
import type { RunOutcome, RunReport } from './run-report.ts';
import { System } from './system.ts';
import { systemOptions, type SystemWords } from './system-options.ts';
import { TraceReplay } from './trace-replay.ts';

const PROCESSORS = 4;
const MEMORY_MEBIBYTES = 2048;

export class TraceRun {
  readonly system: System;
  readonly #file: string;
  readonly #replay: TraceReplay;
  readonly #reader: LackeyReader;
  #booted = false;
  #death: string | null = null;

  /** No step has been taken yet: whoever observes `system.stream` from here on sees them all. Throws InputError. */
  constructor(file: string, words: SystemWords) {
    this.#file = file;
    const wishes = { file, processors: PROCESSORS, switches: [], storeBuffers: false, memory: MEMORY_MEBIBYTES };
    this.system = new System(systemOptions(words, wishes));
    this.#replay = new TraceReplay(this.system, file, () => this.#reader.line);
    this.#reader = new LackeyReader(file, this.#replay);
  }

  get accesses(): number {
    return this.#replay.accesses;
  }

  /** Boots if nothing has happened yet, then replays the next bytes. False once the guest has died. Throws InputError. */
  push(chunk: Uint8Array): boolean {
    return this.#survives(() => {
      if (!this.#booted) {
        this.#booted = true;
        this.system.boot();
      }
      this.#reader.push(chunk);
    });
  }

  /** There are no more bytes: processes that are left end. Throws InputError. */
  end(): void {
    this.#survives(() => {
      this.#reader.end();
      this.#replay.end();
    });
  }

  /** What the run comes to, for `reportOn`. `stopped` and `reason` say why its caller ended it early. */
  outcome(stopped: RunReport['stopped'] = null, reason: string | null = null): RunOutcome {
    const { accesses, faults, systemCalls, migrations, implicitPages, forbiddenAccesses } = this.#replay;
    return {
      workload: {
        file: this.#file,
        kind: 'trace',
        title: this.#file,
        accesses,
        pageFaults: faults,
        systemCalls,
        migrations,
        implicitPages,
        forbiddenAccesses,
      },
      stopped: this.#death === null ? stopped : 'guest died',
      reason: this.#death ?? reason,
      unexpected: [],
    };
  }

  #survives(work: () => void): boolean {
    if (this.#death !== null) return false;
    try {
      work();
      return true;
    } catch (error) {
      this.#death = `${causeOfDeath(error)} (at ${this.#file}:${this.#reader.line})`;
      return false;
    }
  }
}
