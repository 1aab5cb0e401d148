/**
 * Depth-first search of all executions whose cost is within a bound, in full: every order of every pair of steps. Without
 * a bound it is the naive search that the reduced one is judged by. With `remember` a state is not explored again unless
 * it is reached with more left of the budget than ever before.
 */
import { assert } from '../base/assert.ts';
import { type Bound, budget, type Choices, cost, currentAfter } from './bound.ts';
import type { Model, Schedule, System } from './model.ts';
import { StateTable } from './state-table.ts';
import type { Tally } from './tally.ts';

interface BoundedNode<Step> extends Choices {
  readonly steps: readonly Step[];
  /** What is left of the budget. */
  readonly left: number;
  /** The index of the step that is taken, -1 before the first. */
  choice: number;
}

export class BoundedSearch<Step> {
  readonly #model: Model<Step>;
  readonly #bound: Bound;
  readonly #tally: Tally;
  /** From the state and the current thread to the most that was left of the budget. */
  readonly #seen: StateTable | null;
  readonly #states = new StateTable();
  readonly #words = new Uint32Array(2);
  readonly #path: BoundedNode<Step>[] = [];
  #system: System<Step>;
  #at = 0;

  constructor(model: Model<Step>, options: { bound: Bound; remember: boolean; tally: Tally }) {
    this.#model = model;
    this.#bound = options.bound;
    this.#tally = options.tally;
    this.#system = model.create();
    this.#seen = options.remember && this.#system.fingerprint !== undefined ? new StateTable() : null;
  }

  /** Explores every execution within the bound that begins with the prefix. */
  run(prefix: Schedule = []): void {
    const statesBefore = this.#states.size;
    this.#path.length = 0;
    this.#restart();
    let left = budget(this.#bound);
    let current = -1;
    for (const choice of prefix) {
      const node = this.#node(left, current);
      left -= cost(this.#bound, node, choice);
      if (left < 0) {
        this.#tally.counts.cut++;
        return;
      }
      current = currentAfter(node, choice);
      node.choice = choice;
      this.#path.push(node);
      this.#apply(node);
    }
    this.#explore(prefix.length, left, current);
    this.#tally.counts.states += this.#states.size - statesBefore;
  }

  #explore(floor: number, left: number, current: number): void {
    this.#arrive(left, current);
    while (!this.#tally.stopped) {
      const node = this.#path.at(-1);
      assert(node !== undefined, 'the path holds at least the state at the floor');
      node.choice++;
      if (node.choice === node.steps.length) {
        this.#path.pop();
        if (this.#path.length === floor) return;
        this.#tally.checkLimits(() => this.#fraction());
        continue;
      }
      const remaining = node.left - cost(this.#bound, node, node.choice);
      if (remaining < 0) {
        this.#tally.counts.cut++;
        continue;
      }
      this.#rebuild();
      this.#apply(node);
      this.#arrive(remaining, currentAfter(node, node.choice));
    }
  }

  #arrive(left: number, current: number): void {
    const node = this.#node(left, current);
    if (this.#seen !== null && !this.#isNews(this.#seen, node)) {
      this.#tally.cached();
      this.#path.push({ ...node, steps: [] });
      return;
    }
    if (node.steps.length === 0) this.#tally.end(this.#system.outcome(), () => this.#schedule());
    else if (this.#path.length >= this.#tally.stepsPerExecution) {
      this.#tally.truncated();
      this.#path.push({ ...node, steps: [] });
      return;
    }
    this.#path.push(node);
  }

  #isNews(seen: StateTable, node: BoundedNode<Step>): boolean {
    const words = this.#words;
    this.#system.fingerprint?.(words, 0);
    const [low, high] = [words[0] as number, words[1] as number];
    this.#states.set(low, high, 0);
    const place = this.#bound.kind === 'none' ? high : (high ^ Math.imul(node.current + 2, 0x9e3779b1)) >>> 0;
    if (seen.get(low, place) >= node.left) return false;
    seen.set(low, place, node.left);
    return true;
  }

  #node(left: number, current: number): BoundedNode<Step> {
    const steps = [...this.#system.enabled()];
    return {
      steps,
      threads: steps.map((step) => this.#model.thread(step)),
      background: steps.map((step) => this.#model.background?.(step) ?? false),
      current,
      circle: this.#model.threads,
      left,
      choice: -1,
    };
  }

  #apply(node: BoundedNode<Step>): void {
    this.#system.apply(node.steps[node.choice] as Step);
    this.#at++;
    this.#tally.counts.steps++;
    this.#tally.counts.transitions++;
    const violation = this.#system.violation?.() ?? null;
    if (violation !== null) this.#tally.violation(violation, () => this.#schedule());
  }

  #rebuild(): void {
    if (this.#at === this.#path.length - 1) return;
    this.#restart();
    for (const { steps, choice } of this.#path.slice(0, -1)) this.#system.apply(steps[choice] as Step);
    this.#at = this.#path.length - 1;
    this.#tally.counts.steps += this.#at;
  }

  #restart(): void {
    if (this.#at > 0) this.#system = this.#model.create();
    this.#at = 0;
  }

  #schedule(): Schedule {
    return this.#path.map(({ choice }) => choice);
  }

  #fraction(): number {
    let done = 0;
    let share = 1;
    for (const { choice, steps } of this.#path) {
      share /= Math.max(steps.length, 1);
      done += share * Math.max(choice, 0);
    }
    return Math.min(done, 1);
  }
}
