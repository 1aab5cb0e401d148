/**
 * Depth-first search of all executions up to the order of independent steps: source sets say which steps a state owes
 * (see race-reversal.ts), sleep sets keep it from exploring two executions of one Mazurkiewicz trace to their ends, and,
 * with `remember`, states that were finished before are not explored again (see state-memory.ts).
 *
 * Without memory every trace is executed to its end exactly once, so `complete` plus `blocked` counts traces, and
 * `asleep` is the excess: executions begun in vain. With memory they count distinct final states.
 *
 * The search may begin at a prefix that splits the tree: at each of its states all steps are owed, the ones before the
 * chosen one to other parts.
 */
import { present } from '../base/assert.ts';
import { Alphabet } from './alphabet.ts';
import { HappensBefore } from './happens-before.ts';
import type { Model, Schedule, System } from './model.ts';
import { RaceReversal } from './race-reversal.ts';
import { SearchNode } from './search-node.ts';
import { StateMemory } from './state-memory.ts';
import type { Tally } from './tally.ts';

export class ReducedSearch<Step> {
  readonly #model: Model<Step>;
  readonly #tally: Tally;
  readonly #alphabet: Alphabet<Step>;
  readonly #threadOf: (action: number) => number;
  readonly #events: HappensBefore<Step>;
  readonly #races: RaceReversal<Step>;
  readonly #memory: StateMemory<Step> | null;
  /** The path; those beyond its end are spare. */
  readonly #nodes: SearchNode[] = [];
  #system: System<Step>;
  /** How many steps the system has made. */
  #at = 0;
  #observing = false;

  constructor(model: Model<Step>, options: { remember: boolean; tally: Tally }) {
    this.#model = model;
    this.#tally = options.tally;
    this.#alphabet = new Alphabet(model);
    this.#threadOf = (action) => this.#alphabet.threadOfAction(action);
    this.#events = new HappensBefore(this.#alphabet, model.threads);
    this.#races = new RaceReversal(this.#alphabet, this.#events, this.#nodes);
    this.#system = model.create();
    this.#memory =
      options.remember && this.#system.fingerprint !== undefined ? new StateMemory(model, this.#alphabet) : null;
  }

  /** Explores everything that begins with the prefix and is not covered by the parts before it. */
  run(prefix: Schedule = []): void {
    const statesBefore = this.#memory?.states ?? 0;
    this.#restart();
    for (const choice of prefix) {
      const node = this.#enter();
      node.closed = true;
      for (let index = 0; index < choice; index++) {
        const action = present(node.enabled[index], `choice ${index} of a prefix`);
        if (!node.asleep.includes(action)) node.putToSleep(this.#eventIfTaken(action), action);
      }
      this.#rebuild();
      this.#take(node, choice);
    }
    this.#explore(prefix.length);
    if (this.#memory !== null) this.#tally.counts.states += this.#memory.states - statesBefore;
    while (this.#events.length > 0) this.#events.pop();
  }

  #explore(floor: number): void {
    this.#arrive();
    while (!this.#tally.stopped) {
      const node = this.#top();
      const choice = node.next(this.#threadOf);
      if (choice !== -1) {
        this.#rebuild();
        this.#take(node, choice);
        this.#arrive();
        continue;
      }
      if (node.remembered) this.#memory?.remember(node);
      if (this.#events.length === floor) return;
      this.#retreat(node);
    }
  }

  /** Back to the state before; what began with the step that led here sleeps from now on. */
  #retreat(below: SearchNode): void {
    this.#events.pop();
    const node = this.#top();
    node.done[node.choice] = 1;
    node.putToSleep(node.event, node.chosen);
    if (this.#memory !== null) {
      node.summary.add(node.event);
      node.summary.addAll(below.summary.words);
    }
    this.#tally.checkLimits(() => this.#fraction());
  }

  #take(node: SearchNode, choice: number): void {
    node.choice = choice;
    this.#apply(node.chosen, true);
    node.event = this.#eventOf(node.chosen);
    this.#races.take(node.event);
    this.#tally.counts.transitions++;
    const violation = this.#system.violation?.() ?? null;
    if (violation !== null) this.#tally.violation(violation, () => this.#schedule());
  }

  /** Makes the new end of the path ready: its steps, and what it owes to begin with. */
  #arrive(): void {
    const node = this.#enter();
    this.#examineDisabled(node);
    if (this.#memory !== null) {
      this.#memory.identify(node, this.#system);
      const below = this.#memory.recall(node);
      if (below !== null) {
        this.#races.summarised(below);
        node.summary.addAll(below);
        if (node.next(this.#threadOf) === -1) this.#tally.cached();
        return;
      }
    }
    if (node.enabled.length === 0) this.#tally.end(this.#system.outcome(), () => this.#schedule());
    else if (this.#events.length >= this.#tally.stepsPerExecution) this.#tally.truncated();
    else {
      const first = this.#firstAwake(node);
      if (first === -1) this.#tally.asleep();
      else node.owed[this.#threadOf(first)] = 1;
    }
  }

  /** Reads the steps of the state that the system is in, and computes which of them sleep. */
  #enter(): SearchNode {
    const depth = this.#events.length;
    let node = this.#nodes[depth];
    if (node === undefined) {
      node = new SearchNode(this.#model.threads);
      this.#nodes.push(node);
    }
    node.reset();
    for (const step of this.#system.enabled()) {
      node.enabled.push(this.#alphabet.action(step));
      node.done.push(0);
    }
    for (const step of this.#system.blocked?.() ?? []) node.blocked.push(this.#blockedEvent(step));
    const before = this.#nodes[depth - 1];
    if (before !== undefined) {
      for (const event of before.sleep) {
        if (!this.#alphabet.dependent(event, before.event)) node.putToSleep(event, this.#alphabet.actionOf(event));
      }
    }
    return node;
  }

  /** The search goes on with the thread that acted last if it can, to change threads as seldom as possible. */
  #firstAwake(node: SearchNode): number {
    const latest = this.#events.length - 1;
    let first = -1;
    for (const action of node.enabled) {
      if (node.asleep.includes(action)) continue;
      if (latest >= 0 && this.#threadOf(action) === this.#events.thread(latest)) return action;
      if (first === -1) first = action;
    }
    return first;
  }

  /**
   * Steps that are blocked here, or that were enabled in the state before and have gone, may have races too. One that was
   * blocked before has new ones only if the latest event concerns it.
   */
  #examineDisabled(node: SearchNode): void {
    const before = this.#nodes[this.#events.length - 1];
    for (const step of node.blocked) {
      if (this.#memory !== null) node.summary.add(step);
      if (before?.blocked.includes(step) && !this.#alphabet.dependent(step, before.event)) continue;
      this.#races.disabled(step);
    }
    if (before === undefined) return;
    const actor = this.#threadOf(before.chosen);
    for (let index = 0; index < before.enabled.length; index++) {
      const action = before.enabled[index] as number;
      if (index === before.choice || node.enabled.includes(action)) continue;
      if (node.blocked.some((event) => this.#alphabet.actionOf(event) === action)) continue;
      // What slept was not taken here, so nothing has raced with it yet, and now nothing will.
      if (before.done[index] === 0 && before.asleep.includes(action)) this.#oweAll(before);
      if (this.#threadOf(action) !== actor) this.#races.removed(action);
    }
  }

  #oweAll(node: SearchNode): void {
    if (!node.closed) for (const action of node.enabled) node.owed[this.#threadOf(action)] = 1;
  }

  #rebuild(): void {
    if (this.#at === this.#events.length) return;
    this.#restart();
    const steps = this.#events.length;
    for (let event = 0; event < steps; event++) this.#apply(this.#alphabet.actionOf(this.#events.step(event)), false);
  }

  #restart(): void {
    if (this.#at > 0) {
      this.#system = this.#model.create();
      this.#observing = false;
    }
    this.#at = 0;
  }

  #apply(action: number, observed: boolean): void {
    if (observed !== this.#observing) {
      this.#observing = observed;
      this.#system.observe?.(observed);
    }
    this.#system.apply(this.#alphabet.step(action));
    this.#at++;
    this.#tally.counts.steps++;
  }

  /** What the action, taken as the latest step, has been. */
  #eventOf(action: number): number {
    return this.#alphabet.event(action, this.#system.footprint?.() ?? null);
  }

  /** What an action would be from the state at the end of the path. */
  #eventIfTaken(action: number): number {
    if (this.#system.footprint === undefined) return this.#alphabet.event(action, null);
    this.#rebuild();
    this.#apply(action, true);
    return this.#eventOf(action);
  }

  /** A step that cannot be taken, as what it waits for. */
  #blockedEvent(step: Step): number {
    return this.#alphabet.event(this.#alphabet.action(step), this.#system.condition?.(step) ?? null);
  }

  #top(): SearchNode {
    return this.#nodes[this.#events.length] as SearchNode;
  }

  #schedule(): Schedule {
    return this.#nodes.slice(0, this.#at).map(({ choice }) => choice);
  }

  /** The part of the tree that is done: at each state the explored part of what it owes, which may still grow. */
  #fraction(): number {
    let done = 0;
    let share = 1;
    for (let depth = 0; depth <= this.#events.length && share > 0; depth++) {
      const node = this.#nodes[depth] as SearchNode;
      let explored = 0;
      let owed = 0;
      for (let index = 0; index < node.enabled.length; index++) {
        if (node.done[index] === 1) explored++;
        if (node.done[index] === 1 || node.owed[this.#threadOf(node.enabled[index] as number)] === 1) owed++;
      }
      if (owed === 0) return done + share;
      done += (share * explored) / owed;
      share /= owed;
    }
    return Math.min(done, 1);
  }
}
