/** Who steps next: every possible step is chosen sooner or later, and a processor that waits is answered by the others. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.ts';
import type { Kernel } from '../../src/kernel/hardware.ts';
import type { Cell } from '../../src/kernel/cell.ts';
import { Deadlock, finish, stepAtRandom } from '../../src/scenario/scheduler.ts';
import { Stepper } from './stepper.ts';

function* stores({ address }: Cell<number>, values: readonly bigint[]): Kernel<void> {
  for (const value of values) yield { kind: 'store', address, value };
}

function* waitsFor({ address }: Cell<number>, value: bigint): Kernel<void> {
  yield { kind: 'wait', address, until: (found) => found === value };
}

function system(): { readonly stepper: Stepper; readonly cell: Cell<number> } {
  const stepper = new Stepper({ era: 'E1' });
  return { stepper, cell: stepper.kernel.core.cell(0) };
}

describe('stepAtRandom', () => {
  it('takes one step, and says when there is none', () => {
    const { stepper, cell } = system();
    const { execution } = stepper.system;
    for (const processor of [0, 1]) stepper.drain(processor);
    const random = new Random(1);
    expect(stepAtRandom(execution, random)).toBe(false);
    stepper.begin(0, stores(cell, [1n]));
    expect(stepAtRandom(execution, random)).toBe(true);
    // What is left is the store buffer's.
    expect([execution.busy(0), stepper.system.machine.hardwareSteps()]).toEqual([
      false,
      [{ kind: 'drain', processor: 0 }],
    ]);
    expect(stepAtRandom(execution, random)).toBe(true);
    expect(stepAtRandom(execution, random)).toBe(false);
  });

  it('brings about every order of two stores and their draining', () => {
    const outcomes = new Set<bigint>();
    for (let seed = 0; seed < 40; seed++) {
      const { stepper, cell } = system();
      for (const processor of [0, 1]) stepper.drain(processor);
      stepper.begin(0, stores(cell, [1n]));
      stepper.begin(1, stores(cell, [2n]));
      const random = new Random(seed);
      while (stepAtRandom(stepper.system.execution, random));
      outcomes.add(stepper.system.machine.memory.read64(cell.address));
    }
    expect([...outcomes].sort()).toEqual([1n, 2n]);
  });
});

describe('finish', () => {
  it('lets the others answer while a processor waits, and leaves nothing under way', () => {
    const { stepper, cell } = system();
    const { execution, machine } = stepper.system;
    stepper.begin(1, stores(cell, [1n, 2n, 3n]));
    stepper.begin(0, waitsFor(cell, 2n));
    finish(execution, 0, new Random(5));
    expect([execution.busy(0), execution.busy(1), machine.bus.inFlight]).toEqual([false, false, []]);
  });

  it('is a deadlock when nobody will', () => {
    const { stepper, cell } = system();
    stepper.begin(0, waitsFor(cell, 9n));
    expect(() => finish(stepper.system.execution, 0, new Random(1))).toThrow(Deadlock);
  });
});
