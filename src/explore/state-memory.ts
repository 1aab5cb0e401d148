/**
 * What the reduced search remembers of the states that it has finished, by fingerprint, up to the model's symmetry.
 *
 * For each state: the steps that slept on arrival (all that begins with one of them was left out), the steps that were
 * explored, and the summary of what happened below. Arriving again, the search may turn back if everything left out
 * then sleeps now as well; otherwise it has to explore those steps that slept then and do not now (Godefroid, "Partial-
 * order methods for the verification of concurrent systems", LNCS 1032, section 6.2). Sound only where no execution
 * visits a state twice; one that does runs into the limit of steps, because a state is remembered when it is finished.
 */
import type { Alphabet } from './alphabet.ts';
import { type BitSet, GrowingSet, setHas } from './bit-set.ts';
import type { Model, System } from './model.ts';
import type { SearchNode } from './search-node.ts';
import { SetPool } from './set-pool.ts';
import { StateTable } from './state-table.ts';

export class StateMemory<Step> {
  readonly #model: Model<Step>;
  readonly #alphabet: Alphabet<Step>;
  readonly #table = new StateTable();
  readonly #sets = new SetPool();
  /** For each state three numbers of sets: sleep, explored, summary. */
  #entries = new Int32Array(3 * 1024);
  readonly #words = new Uint32Array(2);
  readonly #scratch = new GrowingSet();

  constructor(model: Model<Step>, alphabet: Alphabet<Step>) {
    this.#model = model;
    this.#alphabet = alphabet;
  }

  get states(): number {
    return this.#table.size;
  }

  /** Writes into the node which state it is. The node's sleep set must be that of the arrival. */
  identify(node: SearchNode, system: System<Step>): void {
    const words = this.#words;
    const permutations = this.#model.symmetry?.permutations ?? 1;
    for (let permutation = 0; permutation < permutations; permutation++) {
      system.fingerprint?.(words, permutation);
      const [low, high] = [words[0] as number, words[1] as number];
      if (permutation === 0 || high < node.high || (high === node.high && low < node.low)) {
        node.low = low;
        node.high = high;
        node.permutation = permutation;
      }
    }
    node.remembered = true;
    node.sleepOnArrival = this.#pooledEvents(node.sleep, node.permutation);
  }

  /**
   * Null for a new state. Else the summary of the earlier visits, and the node is prepared for this one: done is what
   * they explored, owed what they left out and this visit may not. Nothing is owed if this visit can turn back.
   */
  recall(node: SearchNode): BitSet | null {
    const state = this.#table.get(node.low, node.high);
    if (state === -1) return null;
    const then = this.#unpooledEvents(this.#entries[3 * state] as number, node.permutation);
    const explored = this.#unpooledActions(this.#entries[3 * state + 1] as number, node.permutation);
    const now = node.asleep.slice();
    const events = node.sleep.slice();
    node.sleep.length = 0;
    node.asleep.length = 0;
    for (const event of events) {
      if (setHas(then, event)) node.putToSleep(event, this.#alphabet.actionOf(event));
    }
    const sleptThen = new Set<number>();
    for (const event of members(then)) sleptThen.add(this.#alphabet.actionOf(event));
    for (let index = 0; index < node.enabled.length; index++) {
      const action = node.enabled[index] as number;
      if (setHas(explored, action)) node.done[index] = 1;
      if (setHas(explored, action) || (sleptThen.has(action) && !now.includes(action))) {
        node.owed[this.#alphabet.threadOfAction(action)] = 1;
      }
    }
    node.sleepOnArrival = this.#pooledEvents(node.sleep, node.permutation);
    return this.#unpooledEvents(this.#entries[3 * state + 2] as number, node.permutation);
  }

  /** All below the node is explored. */
  remember(node: SearchNode): void {
    let state = this.#table.get(node.low, node.high);
    if (state === -1) {
      state = this.#table.size;
      this.#table.set(node.low, node.high, state);
      if (3 * state + 3 > this.#entries.length) {
        const grown = new Int32Array(this.#entries.length * 2);
        grown.set(this.#entries);
        this.#entries = grown;
      }
    }
    const explored = node.enabled.filter((_, index) => node.done[index] === 1);
    this.#entries[3 * state] = node.sleepOnArrival;
    this.#entries[3 * state + 1] = this.#pooledActions(explored, node.permutation);
    this.#entries[3 * state + 2] =
      node.permutation === 0
        ? this.#sets.intern(node.summary.words)
        : this.#pooledEvents(members(node.summary.words), node.permutation);
  }

  #pooledEvents(events: Iterable<number>, permutation: number): number {
    this.#scratch.clear();
    for (const event of events) this.#scratch.add(this.#alphabet.renamedEvent(event, permutation));
    return this.#sets.intern(this.#scratch.words);
  }

  #pooledActions(actions: Iterable<number>, permutation: number): number {
    this.#scratch.clear();
    for (const action of actions) this.#scratch.add(this.#alphabet.renamed(action, permutation));
    return this.#sets.intern(this.#scratch.words);
  }

  #unpooledEvents(number: number, permutation: number): BitSet {
    const set = this.#sets.get(number);
    if (permutation === 0) return set;
    const inverse = this.#model.symmetry?.inverse(permutation) ?? 0;
    const renamed = new GrowingSet();
    for (const event of members(set)) renamed.add(this.#alphabet.renamedEvent(event, inverse));
    return renamed.words;
  }

  #unpooledActions(number: number, permutation: number): BitSet {
    const set = this.#sets.get(number);
    if (permutation === 0) return set;
    const inverse = this.#model.symmetry?.inverse(permutation) ?? 0;
    const renamed = new GrowingSet();
    for (const action of members(set)) renamed.add(this.#alphabet.renamed(action, inverse));
    return renamed.words;
  }
}

function* members(set: BitSet): Generator<number> {
  for (let word = 0; word < set.length; word++) {
    for (let bit = 0; bit < 32; bit++) if (setHas(set, word * 32 + bit)) yield word * 32 + bit;
  }
}
