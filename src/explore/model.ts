/**
 * What the explorer is told about a system. It knows nothing else: no hardware, no kernel, no memory model.
 *
 * Exploration is by re-execution: a System is driven forward only and never copied, so it may hold generators. A state
 * is its schedule: whoever wants it again makes a fresh system and applies the same steps.
 *
 * Threads are whatever acts: processors, but as well a store buffer that drains or a bus that delivers. A thread usually
 * has one step that it can take next; with several it makes a choice, and every one of them is explored.
 */

import type { Footprint } from './footprint.ts';

/** Something that must not happen, as the latest step did it. Two with the same `id` are the same finding. */
export interface Violation {
  readonly id: string;
  readonly message: string;
}

/** One execution. */
export interface System<Step> {
  /** From now on observe what steps read and write, or do not. Off in a new system: executing again needs none of it. */
  observe?(on: boolean): void;
  /** What the latest step read and wrote, while observed; see footprint.ts. Where it is there, it is the dependence relation. */
  footprint?(): Footprint;
  /** What decides whether a step of `blocked()` can be taken. Goes with `footprint`. */
  condition?(step: Step): Footprint;
  /** The steps that can be taken now, in an order that depends on the state only. None: the execution has ended. */
  enabled(): readonly Step[];
  /**
   * The steps that threads stand at and cannot take yet: a lock that is held, a condition that does not hold, a masked
   * interrupt. A waiting loop is one such step. Steps that are not listed while disabled are taken not to exist.
   */
  blocked?(): readonly Step[];
  /** Takes an enabled step; also one that another execution of the same schedule returned. */
  apply(step: Step): void;
  /** What the latest step violated. A function of that step and of the steps that it depends on. */
  violation?(): Violation | null;
  /** Once nothing is enabled: what is counted, or null when work is left that nobody can do (a deadlock). */
  outcome(): string | null;
  /**
   * Writes 64 well-mixed bits, in two words, that identify everything the future depends on, renamed by the permutation
   * (0: as it is). Equal states have equal fingerprints. A thread's local state is a function of what the thread has
   * observed so far, so a running hash of its observations stands for it.
   */
  fingerprint?(into: Uint32Array, permutation: number): void;
}

/** How executions are made, and which of their steps commute. */
export interface Model<Step> {
  /** Threads are numbered from 0. */
  readonly threads: number;
  create(): System<Step>;
  thread(step: Step): number;
  /** Steps with the same key are interchangeable: same thread, same effect on the same objects, same dependences. */
  key(step: Step): number | string;
  /**
   * False only if the two steps, by different threads, commute wherever both are enabled, and neither ever enables,
   * disables or changes the other. Symmetric. Steps of one thread are always dependent, without asking. A choice that
   * a step offers for the first time depends on that step, and so do the choices that give it up. Where systems observe footprints, this is only a guess, for
   * estimates and for shrinking.
   */
  dependent(a: Step, b: Step): boolean;
  /** False if no state enables both although they are dependent (release and acquire of a lock). Only saves work. */
  mayBeCoenabled?(a: Step, b: Step): boolean;
  /** True if the later step cannot exist without the earlier one: a store and its drain. Only saves work. */
  causes?(earlier: Step, later: Step): boolean;
  /** Whether the step is the environment's, so that letting it happen preempts nobody. */
  background?(step: Step): boolean;
  readonly symmetry?: Symmetry<Step>;
}

/**
 * Renamings under which the system behaves alike; permutation 0 is the identity. Outcomes and the ids of violations must
 * not tell renamed executions apart.
 */
export interface Symmetry<Step> {
  readonly permutations: number;
  inverse(permutation: number): number;
  rename(step: Step, permutation: number): Step;
}

/** For each step of an execution, which of the enabled steps it was. */
export type Schedule = readonly number[];
