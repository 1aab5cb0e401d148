/**
 * The steps met so far, numbered, with the dependence relation between them as rows of bits: the model is asked once for
 * each pair of keys, and the search works on numbers only.
 */
import { assert, present } from '../base/assert.ts';
import { type BitSet, GrowingSet, setHas } from './bit-set.ts';
import type { Model } from './model.ts';

export class Alphabet<Step> {
  readonly #model: Model<Step>;
  readonly #numbers = new Map<number | string, number>();
  readonly #steps: Step[] = [];
  readonly #threads: number[] = [];
  readonly #rows: GrowingSet[] = [];
  readonly #renamed: Map<number, number>[];

  constructor(model: Model<Step>) {
    this.#model = model;
    this.#renamed = Array.from({ length: model.symmetry?.permutations ?? 1 }, () => new Map());
  }

  get size(): number {
    return this.#steps.length;
  }

  number(step: Step): number {
    const key = this.#model.key(step);
    const known = this.#numbers.get(key);
    return known === undefined ? this.#learn(key, step) : known;
  }

  step(number: number): Step {
    return this.#steps[number] as Step;
  }

  thread(number: number): number {
    return this.#threads[number] as number;
  }

  dependent(a: number, b: number): boolean {
    return setHas((this.#rows[a] as GrowingSet).words, b);
  }

  /** Everything known that depends on the step. */
  dependents(number: number): BitSet {
    return (this.#rows[number] as GrowingSet).words;
  }

  mayBeCoenabled(a: number, b: number): boolean {
    return this.#model.mayBeCoenabled?.(this.step(a), this.step(b)) ?? true;
  }

  causes(earlier: number, later: number): boolean {
    return this.#model.causes?.(this.step(earlier), this.step(later)) ?? false;
  }

  /** The number of the step under a permutation of the model's symmetry. */
  renamed(number: number, permutation: number): number {
    if (permutation === 0) return number;
    const table = present(this.#renamed[permutation], `permutation ${permutation}`);
    const known = table.get(number);
    if (known !== undefined) return known;
    const symmetry = present(this.#model.symmetry, 'symmetry');
    const renamed = this.number(symmetry.rename(this.step(number), permutation));
    table.set(number, renamed);
    return renamed;
  }

  #learn(key: number | string, step: Step): number {
    const number = this.#steps.length;
    const thread = this.#model.thread(step);
    assert(thread >= 0 && thread < this.#model.threads, `a step of thread ${thread} of ${this.#model.threads}`);
    const row = new GrowingSet();
    row.add(number);
    for (let other = 0; other < number; other++) {
      if (this.#threads[other] !== thread && !this.#model.dependent(step, this.step(other))) continue;
      row.add(other);
      (this.#rows[other] as GrowingSet).add(number);
    }
    this.#numbers.set(key, number);
    this.#steps.push(step);
    this.#threads.push(thread);
    this.#rows.push(row);
    return number;
  }
}
