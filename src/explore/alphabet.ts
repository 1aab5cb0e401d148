/**
 * The steps met so far, as numbers, of two kinds. An *action* is a step as a thread stands at it, before it is taken: the
 * model's key tells actions apart. An *event* is an action with what it turned out to read and write; the dependence
 * relation is one between events, kept as rows of bits. Where the model observes no footprints, its own relation is asked
 * once for each pair, and actions and events are one to one.
 */
import { assert, present } from '../base/assert.ts';
import { type BitSet, GrowingSet, setHas } from './bit-set.ts';
import { type Footprint, footprintKey, ResourceIndex } from './footprint.ts';
import type { Model } from './model.ts';

export class Alphabet<Step> {
  readonly #model: Model<Step>;
  readonly #actions = new Map<number | string, number>();
  readonly #steps: Step[] = [];
  readonly #threadOfAction: number[] = [];
  /** For each action: from the footprint's key to the event. */
  readonly #eventsOf: Map<string, number>[] = [];
  /** For each event. */
  readonly #actionOf: number[] = [];
  readonly #threads: number[] = [];
  readonly #rows: GrowingSet[] = [];
  readonly #resources = new ResourceIndex();
  /** By thread: its events. */
  readonly #own: readonly GrowingSet[];
  readonly #renamed: Map<number, number>[];

  constructor(model: Model<Step>) {
    this.#model = model;
    this.#own = Array.from({ length: model.threads }, () => new GrowingSet());
    this.#renamed = Array.from({ length: model.symmetry?.permutations ?? 1 }, () => new Map());
  }

  /** The number of actions. */
  get size(): number {
    return this.#steps.length;
  }

  // Actions

  action(step: Step): number {
    const key = this.#model.key(step);
    const known = this.#actions.get(key);
    if (known !== undefined) return known;
    const action = this.#steps.length;
    const thread = this.#model.thread(step);
    assert(thread >= 0 && thread < this.#model.threads, `a step of thread ${thread} of ${this.#model.threads}`);
    this.#actions.set(key, action);
    this.#steps.push(step);
    this.#threadOfAction.push(thread);
    this.#eventsOf.push(new Map());
    return action;
  }

  step(action: number): Step {
    return this.#steps[action] as Step;
  }

  threadOfAction(action: number): number {
    return this.#threadOfAction[action] as number;
  }

  /** The number of the action under a permutation of the model's symmetry. */
  renamed(action: number, permutation: number): number {
    if (permutation === 0) return action;
    const table = present(this.#renamed[permutation], `permutation ${permutation}`);
    const known = table.get(action);
    if (known !== undefined) return known;
    const symmetry = present(this.#model.symmetry, 'symmetry');
    const renamed = this.action(symmetry.rename(this.step(action), permutation));
    table.set(action, renamed);
    return renamed;
  }

  // Events

  /** `footprint` null: the model observes none, and says itself what depends on what. */
  event(action: number, footprint: Footprint | null): number {
    const key = footprint === null ? '' : footprintKey(footprint);
    const known = this.#eventsOf[action]?.get(key);
    if (known !== undefined) return known;
    const event = this.#actionOf.length;
    const thread = this.threadOfAction(action);
    this.#eventsOf[action]?.set(key, event);
    this.#actionOf.push(action);
    this.#threads.push(thread);
    const row = new GrowingSet();
    row.addAll(present(this.#own[thread], `thread ${thread}`).words);
    if (footprint === null) this.#askModel(action, event, row);
    else row.addAll(this.#resources.conflicts(footprint));
    row.add(event);
    this.#rows.push(row);
    for (const other of members(row.words)) (this.#rows[other] as GrowingSet).add(event);
    this.#own[thread]?.add(event);
    if (footprint !== null) this.#resources.add(event, footprint);
    return event;
  }

  /** The number of a step's event, for models that observe no footprints. */
  number(step: Step): number {
    return this.event(this.action(step), null);
  }

  actionOf(event: number): number {
    return this.#actionOf[event] as number;
  }

  stepOf(event: number): Step {
    return this.step(this.actionOf(event));
  }

  thread(event: number): number {
    return this.#threads[event] as number;
  }

  dependent(a: number, b: number): boolean {
    return setHas((this.#rows[a] as GrowingSet).words, b);
  }

  /** Everything known that depends on the event. */
  dependents(event: number): BitSet {
    return (this.#rows[event] as GrowingSet).words;
  }

  /** Every event that the action has been. */
  eventsOf(action: number): Iterable<number> {
    return (this.#eventsOf[action] as Map<string, number>).values();
  }

  mayBeCoenabled(a: number, b: number): boolean {
    return this.#model.mayBeCoenabled?.(this.stepOf(a), this.stepOf(b)) ?? true;
  }

  causes(earlier: number, later: number): boolean {
    return this.#model.causes?.(this.stepOf(earlier), this.stepOf(later)) ?? false;
  }

  /** The event under a permutation. Only for models that observe no footprints. */
  renamedEvent(event: number, permutation: number): number {
    return permutation === 0 ? event : this.event(this.renamed(this.actionOf(event), permutation), null);
  }

  #askModel(action: number, event: number, row: GrowingSet): void {
    const step = this.step(action);
    for (let other = 0; other < event; other++) {
      if (!setHas(row.words, other) && this.#model.dependent(step, this.stepOf(other))) row.add(other);
    }
  }
}

function* members(set: BitSet): Generator<number> {
  for (let word = 0; word < set.length; word++) {
    for (let bits = set[word] as number; bits !== 0; bits &= bits - 1) yield word * 32 + 31 - Math.clz32(bits & -bits);
  }
}
