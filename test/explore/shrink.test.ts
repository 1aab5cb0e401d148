import { describe, expect, it } from 'vitest';
import { costOfRun } from '../../src/explore/cost-of-run.ts';
import { explore } from '../../src/explore/explore.ts';
import { replay } from '../../src/explore/replay.ts';
import { fewestPreemptions, shrink } from '../../src/explore/shrink.ts';
import { peterson, philosophers } from './toys/classics.ts';
import { type Program, toyModel } from './toys/program.ts';

/** The program with threads beside it that have nothing to do with it. */
function withBystanders(program: Program, count: number): Program {
  const bystander = [
    { op: 'write', variable: program.variables, value: 1 },
    { op: 'read', variable: program.variables, register: 0 },
    { op: 'write', variable: program.variables, value: 2 },
  ] as const;
  const threads = [...program.threads, ...Array.from({ length: count }, () => bystander)];
  return { ...program, threads, variables: program.variables + 1 };
}

/** The first random execution with the finding, as long as it comes. */
function somehow(program: Program, id: string): readonly number[] {
  const { findings } = explore(toyModel(program), { kind: 'random', seed: 5, samples: 5000 }, { keepGoing: true });
  const found = findings.find(({ violation }) => violation.id === id);
  expect(found).toBeDefined();
  return found?.schedule ?? [];
}

describe('a shrunk schedule', () => {
  it("of Peterson's failure has no bystander, and by exhaustion no fewer than one preemption", () => {
    const program = withBystanders(peterson({ storeBuffers: true, fences: false }), 2);
    const model = toyModel(program);
    const schedule = somehow(program, 'too much');
    const before = costOfRun(model, schedule);
    const shrunk = shrink(model, schedule, 'too much');
    const { steps, violations } = replay(model, shrunk.schedule);
    expect(violations.map(({ after }) => after)).toEqual([steps.length]);
    expect(steps.some(({ thread }) => thread === 2 || thread === 3)).toBe(false);
    expect(shrunk.cost).toEqual(costOfRun(model, shrunk.schedule));
    expect(shrunk.cost.preemptions).toBeLessThan(before.preemptions);
    const { shrunk: fewest, proved } = fewestPreemptions(model, shrunk, 'too much', {});
    expect(proved).toBe(true);
    expect(fewest.cost).toEqual({ preemptions: 1, changes: 5, steps: 12 });
  });

  it('is not called proved when a limit ended the proof', () => {
    const model = toyModel(peterson({ storeBuffers: true, fences: false }));
    const shrunk = shrink(model, somehow(peterson({ storeBuffers: true, fences: false }), 'too much'), 'too much');
    expect(fewestPreemptions(model, shrunk, 'too much', { executions: 2 })).toEqual({ shrunk, proved: false });
  });

  it('of a deadlock keeps the deadlock', () => {
    const program = philosophers(3, false);
    const model = toyModel(program);
    const shrunk = shrink(model, somehow(program, 'deadlock'), 'deadlock');
    expect(shrunk.cost).toEqual({ preemptions: 1, changes: 2, steps: 3 });
    expect(
      replay(model, shrunk.schedule)
        .steps.map(({ thread }) => thread)
        .sort(),
    ).toEqual([0, 1, 2]);
  });

  it('is the same every time, and shrinks no further', () => {
    const program = withBystanders(peterson({ storeBuffers: true, fences: false }), 1);
    const model = toyModel(program);
    const schedule = somehow(program, 'too much');
    const shrunk = shrink(model, schedule, 'too much');
    expect(shrink(model, schedule, 'too much')).toEqual(shrunk);
    expect(shrink(model, shrunk.schedule, 'too much').schedule).toEqual(shrunk.schedule);
  });

  it('must have the finding to begin with', () => {
    const model = toyModel(philosophers(3, true));
    expect(() => shrink(model, [0, 0, 0, 0], 'deadlock')).toThrow(/ends in 'deadlock'/);
  });
});
