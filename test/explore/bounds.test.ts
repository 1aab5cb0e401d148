/** Bounded searches against the whole set of interleavings, each priced by itself. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { costOfRun } from '../../src/explore/cost-of-run.ts';
import { explore } from '../../src/explore/explore.ts';
import type { Model, Schedule } from '../../src/explore/model.ts';
import { dependentThreads, peterson, philosophers } from './toys/classics.ts';
import { toyModel } from './toys/program.ts';
import { randomProgram } from './toys/random-program.ts';

function everySchedule<Step>(model: Model<Step>): Schedule[] {
  const visit = (schedule: Schedule): Schedule[] => {
    const system = model.create();
    for (const choice of schedule) system.apply(system.enabled()[choice] as Step);
    const steps = system.enabled();
    return steps.length === 0 ? [schedule] : steps.flatMap((_, choice) => visit([...schedule, choice]));
  };
  return visit([]);
}

const preemptions = (most: number, remember = false) =>
  ({ kind: 'bounded', bound: { kind: 'preemptions', most }, remember }) as const;
const delays = (most: number, remember = false) =>
  ({ kind: 'bounded', bound: { kind: 'delays', most }, remember }) as const;

describe('preemption bound', () => {
  it('explores exactly the interleavings that do not exceed it', () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = new Random(seed);
      const storeBuffers = random.chance(0.3);
      const program = randomProgram(random, {
        threads: 2 + random.below(2),
        variables: 2,
        operations: 3,
        storeBuffers,
      });
      const model = toyModel(program);
      const costs = everySchedule(model).map((schedule) => costOfRun(model, schedule).preemptions);
      for (const most of [0, 1, 2]) {
        const { counts } = explore(model, preemptions(most), { keepGoing: true });
        const within = costs.filter((cost) => cost <= most).length;
        expect(counts.complete + counts.blocked, `seed ${seed}, ${most} preemptions`).toBe(within);
        expect(counts.cut > 0).toBe(within < costs.length);
      }
    }
  });

  it('2 threads of 3 steps: 2, then 6, 14, 18 and all 20 interleavings', () => {
    const model = toyModel(dependentThreads(2, 3));
    const found = [0, 1, 2, 3, 4].map((most) => explore(model, preemptions(most)).counts.complete);
    expect(found).toEqual([2, 6, 14, 18, 20]);
  });

  it('finds the deadlock of n philosophers at one preemption and not without', () => {
    // The first is preempted holding its fork; each other one, from the last down, then blocks on its second fork.
    for (const count of [2, 3, 4, 5]) {
      const model = toyModel(philosophers(count, false));
      expect(explore(model, preemptions(0, true)).verdict).toBe('exhausted');
      expect(explore(model, preemptions(1, true)).verdict).toBe('violation');
    }
  });

  it('with memory finds the same outcomes', () => {
    for (let seed = 100; seed < 200; seed++) {
      const random = new Random(seed);
      const model = toyModel(randomProgram(random, { threads: 3, variables: 2, operations: 3, storeBuffers: false }));
      for (const strategy of [preemptions, delays]) {
        const [plain, remembering] = [strategy(1), strategy(1, true)].map((s) =>
          explore(model, s, { keepGoing: true }),
        );
        expect(remembering?.outcomes.map(([outcome]) => outcome)).toEqual(plain?.outcomes.map(([outcome]) => outcome));
        expect(remembering?.verdict).toBe(plain?.verdict);
      }
    }
  });
});

describe('delay bound', () => {
  it('without delays there is one execution', () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = new Random(seed);
      const program = randomProgram(random, { threads: 3, variables: 2, operations: 4, storeBuffers: false });
      const threads = program.threads.map((thread) => thread.filter(({ op }) => op !== 'choose'));
      const { counts } = explore(toyModel({ ...program, threads }), delays(0), { keepGoing: true });
      expect(counts.complete + counts.blocked).toBe(1);
    }
  });

  it('2 threads of 3 steps: a delay at each of the steps where both can go, then more', () => {
    const model = toyModel(dependentThreads(2, 3));
    const found = [0, 1, 2, 6].map((most) => explore(model, delays(most)).counts.complete);
    expect(found).toEqual([1, 4, 10, 20]);
  });

  it("breaks Peterson's entry without fences at one delay, its fenced form not at all", () => {
    const broken = toyModel(peterson({ storeBuffers: true, fences: false }));
    const whole = toyModel(peterson({ storeBuffers: true, fences: true }));
    const least = [0, 1, 2, 3, 4, 5, 6].find((most) => explore(broken, delays(most, true)).verdict === 'violation');
    expect(least).toBe(1);
    expect(explore(whole, delays(6, true)).verdict).toBe('exhausted');
  });
});
