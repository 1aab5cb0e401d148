/**
 * A thread that sleeps with one of its choices and takes another: what follows may race with the choice that is lost.
 *
 * One thread reads x by one choice, or finds y set by another, which exists only once y is set. A second thread sets y,
 * and then a third sets x.
 */
import { expect, it } from 'vitest';
import { present } from '../../src/base/assert.ts';
import { explore } from '../../src/explore/explore.ts';
import type { Model, System } from '../../src/explore/model.ts';

type Act = 'read x' | 'find y' | 'set y' | 'set x';

class ReaderOrFinder implements System<Act> {
  #x = 0;
  #y = 0;
  #writes = 0;
  #result: string | null = null;

  enabled(): Act[] {
    const reader: Act[] = this.#result !== null ? [] : this.#y === 0 ? ['read x'] : ['read x', 'find y'];
    const writer: readonly Act[] = ['set y', 'set x'];
    return [...reader, ...writer.slice(this.#writes, this.#writes + 1)];
  }

  apply(act: Act): void {
    switch (act) {
      case 'read x':
        this.#result = `x = ${this.#x}`;
        return;
      case 'find y':
        this.#result = 'y';
        return;
      case 'set y':
        this.#y = 1;
        this.#writes++;
        return;
      case 'set x':
        this.#x = 1;
        this.#writes++;
    }
  }

  outcome(): string {
    return present(this.#result, 'a result');
  }

  fingerprint(into: Uint32Array): void {
    into[0] = this.#x * 4 + this.#y * 2 + 1;
    into[1] = ['x = 0', 'x = 1', 'y', null].indexOf(this.#result) + 10 * this.#writes + 1;
  }
}

const CONFLICTS = ['read x|set x', 'find y|set y', 'set y|set x'];
const model: Model<Act> = {
  threads: 3,
  create: () => new ReaderOrFinder(),
  thread: (act) => ['read x', 'set y', 'set x'].indexOf(act === 'find y' ? 'read x' : act),
  key: (act) => act,
  dependent: (a, b) => CONFLICTS.includes(`${a}|${b}`) || CONFLICTS.includes(`${b}|${a}`),
};

for (const strategy of [
  { kind: 'bounded', bound: { kind: 'none' }, remember: false },
  { kind: 'reduced', remember: false },
  { kind: 'reduced', remember: true },
] as const) {
  it(`every choice meets everything that follows: ${JSON.stringify(strategy)}`, () => {
    const { verdict, outcomes } = explore(model, strategy);
    expect(verdict).toBe('exhausted');
    expect(outcomes.map(([outcome]) => outcome)).toEqual(['x = 0', 'x = 1', 'y']);
  });
}
