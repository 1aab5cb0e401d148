/** A search thread: explores one part of a search after the other, as the command asks for them. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { InputError, UnsupportedError } from '../base/errors.ts';
import { Exploration } from '../scenario/exploration/exploration.ts';
import type { FromThread, PartOrder, SearchOrder } from './explore-job.ts';

const PROGRESS_MILLISECONDS = 250;

const order = workerData as SearchOrder;
assert(parentPort !== null, 'a search thread has somebody to tell');
const port = parentPort;
const tell = (message: FromThread): void => port.postMessage(message);
const stop = new Int32Array(order.stop);

/** An error that is the workload's is told; one that is ours ends the thread, and the command with it. */
function attempt(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof UnsupportedError) tell({ kind: 'failed', error: 'unsupported', message: error.message });
    else if (error instanceof InputError) tell({ kind: 'failed', error: 'input', message: error.message });
    else throw error;
  }
}

attempt(() => {
  const { strategy, limits, parts } = order;
  const { deadline, keepGoing, executions } = limits;
  const exploration = new Exploration(order.exploration);
  let told = 0;
  port.on('message', (next: PartOrder) => {
    if (next === null) {
      port.close();
      return;
    }
    attempt(() => {
      const result = exploration.explore(strategy, {
        executions,
        keepGoing,
        parts,
        shard: { index: next.part, count: next.count },
        now: () => Date.now(),
        ...(deadline === null ? {} : { time: Math.max(deadline - Date.now(), 0) }),
        every: 1,
        progress: ({ counts, fraction }) => {
          const now = Date.now();
          if (now - told >= PROGRESS_MILLISECONDS) {
            told = now;
            tell({ kind: 'progress', counts, fraction });
          }
          return Atomics.load(stop, 0) === 0;
        },
      });
      tell({ kind: 'part', part: next.part, result });
    });
  });
  tell({ kind: 'ready', count: exploration.countParts(strategy, parts) });
});
