/**
 * Ways through the driver's steps: at random from a seed, or every schedule with a bounded number of preemptions. Both end
 * when all code has ended and no IPI is left; a state in which nothing can go on before that is a deadlock, and throws.
 */
import { assert } from '../../src/base/assert.ts';
import type { Random } from '../../src/base/random.ts';
import type { Driver, Step } from './driver.ts';

const STEP_LIMIT = 100_000;

/** Any step that is possible, speculation included. */
export function runAtRandom(driver: Driver, random: Random): void {
  for (let count = 0; !driver.idle; count++) {
    assert(count < STEP_LIMIT, 'no end in sight');
    const steps: Step[] = [];
    for (let cpu = 0; cpu < driver.processors; cpu++) {
      if (driver.runnable(cpu)) steps.push({ kind: 'run', cpu });
      if (driver.cpu(cpu).buffer.length > 0) steps.push({ kind: 'drain', cpu });
    }
    for (const ipi of driver.inFlight.keys()) steps.push({ kind: 'deliver', ipi });
    for (const broadcast of driver.broadcasts.keys()) steps.push({ kind: 'invalidate', broadcast });
    assert(steps.length > 0, 'deadlock');
    if (random.chance(0.2)) {
      driver.take({ kind: 'fill', cpu: random.below(driver.processors), page: random.below(driver.pages) });
    }
    driver.take(random.pick(steps));
  }
}

/** When IPIs arrive: as soon as they are sent, or when nothing else can go on. */
export type Arrival = 'at once' | 'late';

/**
 * One processor at a time, as long as it can; at the given steps, and when it cannot, the next one in turn. Stores stay buffered as long as they can, and every processor speculates at its worst. Result: how many steps.
 */
export function runWithPreemptions(
  driver: Driver,
  first: number,
  preemptions: readonly number[],
  arrival: Arrival,
): number {
  let cpu = first;
  for (let step = 0; ; step++) {
    assert(step < STEP_LIMIT, 'no end in sight');
    while (arrival === 'at once' && driver.inFlight.length > 0) driver.take({ kind: 'deliver', ipi: 0 });
    while (arrival === 'at once' && driver.broadcasts.length > 0) driver.take({ kind: 'invalidate', broadcast: 0 });
    driver.fillAll();
    if (driver.idle) return step;
    if (preemptions.includes(step)) cpu = (cpu + 1) % driver.processors;
    let tried = 0;
    while (!driver.runnable(cpu) && tried++ < driver.processors) cpu = (cpu + 1) % driver.processors;
    if (driver.runnable(cpu)) {
      driver.take({ kind: 'run', cpu });
      continue;
    }
    if (driver.inFlight.length > 0) {
      driver.take({ kind: 'deliver', ipi: 0 });
      continue;
    }
    if (driver.broadcasts.length > 0) {
      driver.take({ kind: 'invalidate', broadcast: 0 });
      continue;
    }
    const full = driver.cpus.findIndex(({ buffer }) => buffer.length > 0);
    assert(full >= 0, 'deadlock');
    driver.take({ kind: 'drain', cpu: full });
  }
}

export interface Subject {
  readonly driver: Driver;
  /** What has gone wrong so far. */
  readonly failures: readonly string[];
}

export interface Exploration {
  readonly schedules: number;
  /** The first failure, and null when every schedule passed. */
  readonly failure: string | null;
}

/** Every schedule with at most two preemptions, whichever processor begins; stops at the first failure. */
export function exploreTwoPreemptions(make: () => Subject, arrival: Arrival = 'at once'): Exploration {
  let schedules = 0;
  let failure: string | null = null;
  const attempt = (first: number, preemptions: readonly number[]): number => {
    const { driver, failures } = make();
    const steps = runWithPreemptions(driver, first, preemptions, arrival);
    schedules++;
    failure ??= failures[0] ?? null;
    return failure === null ? steps : 0;
  };
  for (let first = 0; first < make().driver.processors; first++) {
    const alone = attempt(first, []);
    for (let one = 1; one < alone; one++) {
      const once = attempt(first, [one]);
      for (let two = one + 1; two < once; two++) attempt(first, [one, two]);
      if (failure !== null) break;
    }
    if (failure !== null) break;
  }
  return { schedules, failure };
}
