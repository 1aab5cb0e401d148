/**
 * BUGS 26 (CVE-2018-18281), stepped by hand: the window between the locks that mremap lets go of and its flush is one step
 * wide, and the schedule takes three preemptions, more than a search here covers.
 */
import { describe, expect, it } from 'vitest';
import { pickInTurn } from '../../src/explore/pick-in-turn.ts';
import { run } from '../../src/explore/run.ts';
import { ScenarioModel } from '../../src/scenario/exploration/scenario-model.ts';
import type { ScenarioStep } from '../../src/scenario/exploration/scenario-step.ts';
import { scenarioOptions } from '../../src/scenario/scenario-run.ts';
import { parseScenario } from '../../src/workload/scenario-parser.ts';

/** The page is found through B, so that the mover needs none of A's mappings to know it. */
const TEXT = `scenario "a page moves to another address, then to another frame"
processors 3
set store-buffers=off
space A
space B

thread T0 in A on 0 {
  a = mmap 1 rw
  write a[0] 17
  fork B
  signal ready
  await seen
  b = mremap a 1 move
}

thread T1 in A on 1 {
  await ready
  read a[0]
  signal seen
  read a[0]
}

kernel Mover on 2 {
  await seen
  migrate a of B
  signal moved
}
`;

/** T1 caches the page; T0 goes as far as its flush; the mover does all it has to do; T1 reads once more. */
function stepped(era: string): readonly string[] {
  const file = 'mremap.tlb';
  const scenario = parseScenario(TEXT, file);
  let flushing = false;
  const model = new ScenarioModel({
    scenario,
    file,
    system: scenarioOptions(scenario, file, { era, memory: 1, detect: true }),
    watch: ({ stream }) =>
      stream.observe((event) => {
        if (event.kind === 'flush-begin' && event.reason === 'mremap') flushing = true;
      }),
  });
  const inTurn = pickInTurn(model);
  const signalled = (event: string): boolean => model.latest?.world.signalled.has(event) === true;
  /** Of the processors in this order, or hardware; the others only take interrupts, and finish their handlers. */
  const first = (steps: readonly ScenarioStep[], order: readonly number[]): number => {
    const mayStep = ({ processor, at }: Extract<ScenarioStep, { kind: 'processor' }>): boolean =>
      at.startsWith('interrupt') || model.latest?.system.machine.processor(processor).interruptsEnabled === false;
    const ranks = steps.map((step) => {
      if (step.kind !== 'processor') return order.length;
      const rank = order.indexOf(step.processor);
      return rank >= 0 ? rank : mayStep(step) ? order.length + 1 : order.length + 2;
    });
    return ranks.indexOf(Math.min(...ranks));
  };
  const { violations } = run(
    model,
    {
      pick(steps, taken, system) {
        if (!signalled('seen')) return inTurn.pick(steps, taken, system);
        if (!flushing) return first(steps, [0]);
        return first(steps, signalled('moved') ? [1] : [2]);
      },
    },
    { stepsPerExecution: 2000 },
  );
  expect(flushing && signalled('moved')).toBe(true);
  return violations.map(({ violation }) => violation.id);
}

describe('mremap that flushes the old place', () => {
  it('after it has let go of the locks: the page is used where it has been freed', () => {
    expect(stepped('E3-B26')).toEqual([expect.stringMatching(/^stale-frame: tlb mm 2/)]);
  });

  it('before: nothing is stale under the same schedule', () => {
    expect(stepped('E3')).toEqual([]);
  });
});
