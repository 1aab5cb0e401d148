/**
 * Dynamic partial-order reduction: finds in one execution the pairs of dependent steps whose order could be the other
 * way round, and makes the state before the earlier one owe a step that leads there.
 *
 * The rule is that of source sets (Abdulla, Aronsson, Jonsson, Sagonas, "Optimal dynamic partial order reduction", POPL
 * 2014, algorithm 1). For a race between event e and a later step f, let v be the events after e that e does not happen
 * before, then f. The threads that can begin v are its initials; if the state before e owes none of them, and none
 * sleeps, it gets one.
 *
 * Steps that can be disabled need more than that paper's first algorithm. Here any change of enabledness counts as
 * dependence, and besides the steps that are taken those are examined that a thread stands at and cannot take (Flanagan
 * and Godefroid, POPL 2005, examine every next step for that reason), and those that another thread's step has removed.
 *
 * A state explored before contributes its summary, the set of steps met below it (after Yang, Chen, Gopalakrishnan and
 * Kirby, "Efficient stateful dynamic partial order reduction", SPIN 2008): how they are ordered is forgotten, so the
 * states before owe a little more than necessary.
 */
import { InvariantError } from '../base/errors.ts';
import type { Alphabet } from './alphabet.ts';
import { type BitSet, intersect, setHas } from './bit-set.ts';
import type { HappensBefore } from './happens-before.ts';
import type { SearchNode } from './search-node.ts';

export class RaceReversal<Step> {
  readonly #alphabet: Alphabet<Step>;
  readonly #events: HappensBefore<Step>;
  readonly #nodes: readonly SearchNode[];
  /** What comes before the step under examination. */
  readonly #clock: Int32Array;
  /** Of that, what can be no race: it comes before through the thread itself or through a later race. */
  readonly #covered: Int32Array;
  readonly #initials: number[] = [];
  readonly #common: number[] = [];

  constructor(alphabet: Alphabet<Step>, events: HappensBefore<Step>, nodes: readonly SearchNode[]) {
    this.#alphabet = alphabet;
    this.#events = events;
    this.#nodes = nodes;
    this.#clock = new Int32Array(events.threads);
    this.#covered = new Int32Array(events.threads);
  }

  /** The event has been taken from the state at the end: reverses its races and adds it to the events. */
  take(step: number): void {
    this.#events.stepClock(step, this.#clock);
    this.#events.threadClock(this.#alphabet.thread(step), this.#covered);
    for (let event = this.#events.length - 1; event >= 0; event--) {
      if (!this.#raceable(event, step)) continue;
      this.#events.join(this.#covered, event);
      this.#reverse(event, step);
    }
    this.#events.push(step, this.#clock);
  }

  /**
   * A thread stands at the step and cannot take it. All earlier events are candidates, those too that come before later
   * ones: what disables the step may be followed by what enables it again, or by another thing that disables it.
   */
  disabled(step: number): void {
    this.#events.stepClock(step, this.#clock);
    this.#events.threadClock(this.#alphabet.thread(step), this.#covered);
    for (let event = this.#events.length - 1; event >= 0; event--) {
      if (this.#raceable(event, step)) this.#reverse(event, step);
    }
  }

  /**
   * The latest event, another thread's, has removed an action that could be taken before it. It is owed there; races with
   * earlier events are found when it is taken.
   */
  removed(action: number): void {
    const node = this.#node(this.#events.length - 1);
    if (!node.closed && !this.#covers(node, action)) node.owed[this.#alphabet.threadOfAction(action)] = 1;
  }

  /** The events of the set follow, in orders that were explored before. */
  summarised(summary: BitSet): void {
    for (let event = this.#events.length - 1; event >= 0; event--) {
      const node = this.#node(event);
      if (!node.closed) this.#reverseSummarised(event, node, summary);
    }
  }

  #reverseSummarised(event: number, node: SearchNode, summary: BitSet): void {
    const before = this.#events.step(event);
    intersect(this.#alphabet.dependents(before), summary, this.#common);
    let known = false;
    for (const step of this.#common) {
      const last = this.#events.last(this.#alphabet.thread(step));
      if (last >= event && this.#events.before(event, last)) continue;
      if (this.#alphabet.causes(before, step) || !this.#alphabet.mayBeCoenabled(before, step)) continue;
      if (!known) this.#findInitials(event);
      known = true;
      if (this.#initials.length > 0) {
        this.#owe(node, event);
        return;
      }
      this.#oweSummarised(node, before, step, summary);
    }
  }

  #raceable(event: number, step: number): boolean {
    if ((this.#covered[this.#events.thread(event)] as number) > event) return false;
    const before = this.#events.step(event);
    if (!this.#alphabet.dependent(before, step)) return false;
    if (this.#alphabet.causes(before, step)) {
      this.#events.join(this.#covered, event);
      return false;
    }
    return this.#alphabet.mayBeCoenabled(before, step);
  }

  #reverse(event: number, step: number): void {
    const node = this.#node(event);
    if (node.closed) return;
    this.#findInitials(event);
    const first = this.#initials.every((initial) => (this.#clock[this.#events.thread(initial)] as number) <= initial);
    if (first) {
      const action = this.#alphabet.actionOf(step);
      // Nothing in v changes whether it can be taken, so it could not have come before the event either.
      if (!node.enabled.includes(action) || this.#covers(node, action)) return;
      if (this.#initials.length === 0) {
        node.owed[this.#alphabet.thread(step)] = 1;
        return;
      }
    }
    this.#owe(node, event);
  }

  /** Into `#initials`: the events that can come first of those after `event` that it does not happen before. */
  #findInitials(event: number): void {
    const initials = this.#initials;
    initials.length = 0;
    for (let later = event + 1; later < this.#events.length; later++) {
      if (this.#events.before(event, later)) continue;
      if (initials.every((initial) => !this.#events.before(initial, later))) initials.push(later);
    }
  }

  /** Makes the node owe one of the initials, unless it covers one already. */
  #owe(node: SearchNode, event: number): void {
    for (const initial of this.#initials) {
      const step = this.#events.step(initial);
      const action = this.#alphabet.actionOf(step);
      if (!node.enabled.includes(action)) this.#contradict(event, step);
      if (this.#covers(node, action)) return;
    }
    node.owed[this.#events.thread(this.#initials[0] as number)] = 1;
  }

  #covers(node: SearchNode, action: number): boolean {
    return node.owed[this.#alphabet.threadOfAction(action)] === 1 || node.asleep.includes(action);
  }

  /**
   * A race with a step somewhere below a remembered state, and nothing on the path that could come first: the step's
   * thread if it can begin, since what it depends on will race with it in turn; else every thread that might.
   */
  #oweSummarised(node: SearchNode, before: number, step: number, summary: BitSet): void {
    const thread = this.#alphabet.thread(step);
    for (const first of node.enabled) {
      if (this.#alphabet.threadOfAction(first) !== thread || node.asleep.includes(first)) continue;
      if (!this.#begins(first, before, step, summary)) continue;
      node.owed[thread] = 1;
      return;
    }
    for (const first of node.enabled) {
      if (this.#begins(first, before, step, summary)) node.owed[this.#alphabet.threadOfAction(first)] = 1;
    }
  }

  /** Whether the action may begin what leads to `step` without `before`: as one of the events that it has been below. */
  #begins(first: number, before: number, step: number, summary: BitSet): boolean {
    for (const event of this.#alphabet.eventsOf(first)) {
      if (setHas(summary, event) && (event === step || !this.#alphabet.dependent(before, event))) return true;
    }
    return false;
  }

  #contradict(event: number, step: number): never {
    const print = (number: number): string => JSON.stringify(this.#alphabet.stepOf(number));
    throw new InvariantError(
      `the model calls ${print(step)} independent of ${print(this.#events.step(event))}, but it cannot come first`,
    );
  }

  #node(event: number): SearchNode {
    return this.#nodes[event] as SearchNode;
  }
}
