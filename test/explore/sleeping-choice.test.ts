/**
 * A thread that sleeps with one of its choices and takes another: what follows may race with the choice that is lost.
 *
 * One thread reads either x or y. A second sets y, and then a third sets x.
 */
import { expect, it } from 'vitest';
import { present } from '../../src/base/assert.ts';
import { audit } from '../../src/explore/audit.ts';
import { explore } from '../../src/explore/explore.ts';
import type { Model, System } from '../../src/explore/model.ts';

type Act = 'read x' | 'read y' | 'set y' | 'set x';

class Reader implements System<Act> {
  /** Whether y can be read before it is set. */
  readonly #patient: boolean;
  #x = 0;
  #y = 0;
  #result: string | null = null;

  constructor(patient: boolean) {
    this.#patient = patient;
  }

  enabled(): Act[] {
    const choices: readonly Act[] = this.#y === 0 && this.#patient ? ['read x'] : ['read x', 'read y'];
    const writes: readonly Act[] = this.#y === 0 ? ['set y'] : this.#x === 0 ? ['set x'] : [];
    return [...(this.#result === null ? choices : []), ...writes];
  }

  apply(act: Act): void {
    if (act === 'read x') this.#result = `x = ${this.#x}`;
    else if (act === 'read y') this.#result = `y = ${this.#y}`;
    else if (act === 'set y') this.#y = 1;
    else this.#x = 1;
  }

  outcome(): string {
    return present(this.#result, 'a result');
  }

  fingerprint(into: Uint32Array): void {
    into[0] = this.#x * 2 + this.#y + 1;
    into[1] = ['x = 0', 'x = 1', 'y = 0', 'y = 1', null].indexOf(this.#result) + 1;
  }
}

const CONFLICTS = ['read x|set x', 'read y|set y', 'set y|set x'];
const THREADS = { 'read x': 0, 'read y': 0, 'set y': 1, 'set x': 2 } as const;

function modelOf({ patient }: { readonly patient: boolean }, conflicts: readonly string[]): Model<Act> {
  return {
    threads: 3,
    create: () => new Reader(patient),
    thread: (act) => THREADS[act],
    key: (act) => act,
    dependent: (a, b) => conflicts.includes(`${a}|${b}`) || conflicts.includes(`${b}|${a}`),
  };
}

for (const strategy of [
  { kind: 'bounded', bound: { kind: 'none' }, remember: false },
  { kind: 'reduced', remember: false },
  { kind: 'reduced', remember: true },
] as const) {
  it(`every choice meets everything that follows: ${JSON.stringify(strategy)}`, () => {
    const { verdict, outcomes } = explore(modelOf({ patient: false }, CONFLICTS), strategy);
    expect(verdict).toBe('exhausted');
    expect(outcomes.map(([outcome]) => outcome)).toEqual(['x = 0', 'x = 1', 'y = 0', 'y = 1']);
  });
}

it('a choice that gives up what another step will offer depends on that step, or the audit complains', () => {
  const options = { executions: 20, seed: 1, stepsPerExecution: 10 };
  expect(audit(modelOf({ patient: false }, CONFLICTS), options).complaints).toEqual([]);
  expect(audit(modelOf({ patient: true }, CONFLICTS), options).complaints[0]).toMatchObject({
    kind: 'enables',
    message: '"set y" offers or takes away "read y", which "read x" gives up',
  });
  const honest = modelOf({ patient: true }, [...CONFLICTS, 'read x|set y']);
  expect(audit(honest, options).complaints).toEqual([]);
  const { outcomes } = explore(honest, { kind: 'reduced', remember: false });
  expect(outcomes.map(([outcome]) => outcome)).toEqual(['x = 0', 'x = 1', 'y = 1']);
});
