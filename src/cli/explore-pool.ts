/**
 * Search threads and what they are given to do. The search is split into parts that do not depend on how many threads
 * there are; a thread that has finished one is given the next. The command's own thread stays free, so that it hears
 * Ctrl-C and can say how far things are.
 *
 * The result is that of one thread that takes the parts in order: where the first violation ends the search, the parts
 * after the one that found it count for nothing, whatever threads have seen there.
 */
import { Worker } from 'node:worker_threads';
import { unreachable } from '../base/assert.ts';
import { InputError, UnsupportedError } from '../base/errors.ts';
import { combine } from '../explore/shard-result.ts';
import type { Counts, Result } from '../explore/verdict.ts';
import type { FromThread, PartOrder, SearchOrder } from './explore-job.ts';

export interface PoolOptions {
  readonly order: Omit<SearchOrder, 'stop'>;
  readonly jobs: number;
  /** Take every `count`-th part, from number `index` on. */
  readonly shard: { readonly index: number; readonly count: number };
  readonly progress: (sum: { readonly executions: number; readonly steps: number; readonly done: number }) => void;
}

export interface Pool {
  readonly result: Promise<Result>;
  /** Ends the search as soon as may be; the result is what was found until then. */
  stop(): void;
}

const NOTHING: Counts = {
  complete: 0,
  blocked: 0,
  asleep: 0,
  cached: 0,
  truncated: 0,
  steps: 0,
  transitions: 0,
  states: 0,
  cut: 0,
};

/** The result is rejected with UnsupportedError or InputError where the workload is to blame. */
export function startPool(options: PoolOptions): Pool {
  const stop = new SharedArrayBuffer(4);
  const flag = new Int32Array(stop);
  const end = (): void => void Atomics.store(flag, 0, 1);
  const threads: Worker[] = [];
  const result = new Promise<Result>((resolve, reject) => {
    const search = new Distribution(options, () => Atomics.load(flag, 0) !== 0);
    for (let job = 0; job < options.jobs; job++) {
      const thread = startThread({ ...options.order, stop });
      threads.push(thread);
      const give = (order: PartOrder): void => thread.postMessage(order);
      thread.on('message', (message: FromThread) => search.hear(job, message, give));
      thread.on('error', reject);
      thread.on('exit', () => {
        if (search.threadEnded(options.jobs)) resolve(search.result());
      });
    }
    search.failed = (error) => {
      end();
      reject(error);
    };
  }).finally(() => {
    for (const thread of threads) void thread.terminate();
  });
  return { result, stop: end };
}

/** Which parts are done, by whom, and what comes next. */
class Distribution {
  failed: (error: Error) => void = () => {};
  readonly #options: PoolOptions;
  readonly #stopped: () => boolean;
  readonly #results = new Map<number, Result>();
  readonly #latest: Counts[];
  #next: number;
  #count = 0;
  #ended = 0;
  /** The lowest part that has a violation, when that ends the search. */
  #last = Number.POSITIVE_INFINITY;

  constructor(options: PoolOptions, stopped: () => boolean) {
    this.#options = options;
    this.#stopped = stopped;
    this.#next = options.shard.index;
    this.#latest = Array.from({ length: options.jobs }, () => NOTHING);
  }

  hear(job: number, message: FromThread, give: (order: PartOrder) => void): void {
    switch (message.kind) {
      case 'ready':
        this.#count = message.count;
        give(this.#nextOrder());
        return;
      case 'progress':
        this.#latest[job] = message.counts;
        this.#tell();
        return;
      case 'part':
        this.#latest[job] = NOTHING;
        this.#results.set(message.part, message.result);
        if (message.result.findings.length > 0 && !this.#options.order.limits.keepGoing) {
          this.#last = Math.min(this.#last, message.part);
        }
        this.#tell();
        give(this.#nextOrder());
        return;
      case 'failed':
        this.failed(
          message.error === 'input'
            ? new InputError(message.message, { file: this.#options.order.exploration.file })
            : new UnsupportedError(message.message),
        );
        return;
      default:
        unreachable(message);
    }
  }

  /** Whether it was the last of them. */
  threadEnded(jobs: number): boolean {
    this.#ended++;
    return this.#ended === jobs;
  }

  /** A part that nobody has begun was left out, so the search is not exhausted. */
  result(): Result {
    const done = [...this.#results].filter(([part]) => part <= this.#last).sort(([a], [b]) => a - b);
    const nothing: Result = { verdict: 'exhausted', counts: NOTHING, limit: null, outcomes: [], findings: [] };
    const result = combine([nothing, ...done.map(([, each]) => each)]);
    const left = this.#next < this.#count && this.#last === Number.POSITIVE_INFINITY;
    if (!left || result.limit !== null) return result;
    return { ...result, limit: 'interrupted', verdict: result.findings.length > 0 ? 'violation' : 'limit' };
  }

  #nextOrder(): PartOrder {
    const part = this.#next;
    if (part >= this.#count || part > this.#last || this.#stopped()) return null;
    this.#next += this.#options.shard.count;
    return { part, count: this.#count };
  }

  #tell(): void {
    const counts = [...this.#latest, ...[...this.#results.values()].map((result) => result.counts)];
    const sum = (of: (counts: Counts) => number): number => counts.reduce((total, each) => total + of(each), 0);
    const executions = sum((each) => each.complete + each.blocked + each.asleep + each.cached + each.truncated);
    const own = Math.ceil((this.#count - this.#options.shard.index) / this.#options.shard.count);
    this.#options.progress({
      executions,
      steps: sum(({ steps }) => steps),
      done: this.#results.size / Math.max(own, 1),
    });
  }
}

/** The package has its threads' code compiled; sources, which run as they are in development, need their loader first. */
function startThread(workerData: SearchOrder): Worker {
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./explore-worker.js', import.meta.url), { workerData });
  const loader = new URL('../../node_modules/tsx/dist/esm/api/index.mjs', import.meta.url).href;
  const source = new URL('./explore-worker.ts', import.meta.url).href;
  const [from, what] = [loader, source].map((url) => JSON.stringify(url));
  const start = `import(${from}).then(({ register }) => { register(); return import(${what}); });`;
  return new Worker(start, { eval: true, workerData, execArgv: [] });
}
