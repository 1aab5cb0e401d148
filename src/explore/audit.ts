/**
 * Holds a model to its word, on random executions: that the same schedule gives the same state, that steps it calls
 * independent commute and leave each other's enabledness alone, and that steps which exclude or cause each other are never
 * possible together. Where footprints are observed, they are the relation, and one of two independent steps must have
 * the same footprint after the other. A reduced search is worth as much as the dependence relation it is given; this finds
 * the mistakes in it. Passing proves nothing.
 */
import { Random } from '../base/random.ts';
import { Alphabet } from './alphabet.ts';
import type { Model, System } from './model.ts';

export interface Complaint<Step> {
  readonly kind:
    | 'not deterministic'
    | 'disables'
    | 'enables'
    | 'does not commute'
    | 'not symmetric'
    | 'both enabled'
    | 'other footprint';
  readonly message: string;
  readonly schedule: readonly Step[];
  readonly steps: readonly Step[];
}

export interface AuditOptions {
  readonly executions: number;
  readonly seed: number;
  readonly stepsPerExecution: number;
  /** Of how many states one is examined, chosen at random. Default 1: all are. */
  readonly oneOf?: number;
  /** Complaints after which the audit ends. Default 1. */
  readonly most?: number;
}

export interface Audit<Step> {
  readonly complaints: readonly Complaint<Step>[];
  /** Pairs of independent steps that were tried in both orders. */
  readonly pairs: number;
}

export function audit<Step>(model: Model<Step>, options: AuditOptions): Audit<Step> {
  const random = new Random(options.seed);
  const complaints: Complaint<Step>[] = [];
  const most = options.most ?? 1;
  let pairs = 0;
  for (let execution = 0; execution < options.executions; execution++) {
    const path: Step[] = [];
    let system = model.create();
    while (path.length < options.stepsPerExecution) {
      const steps = [...system.enabled()];
      if (steps.length === 0) break;
      const examined = random.below(options.oneOf ?? 1) === 0;
      for (const [a, b] of examined ? unordered(steps) : []) {
        if (model.thread(a) === model.thread(b)) continue;
        if (isExcluded(model, a, b)) {
          const message = `${JSON.stringify(a)} and ${JSON.stringify(b)} are possible together`;
          complaints.push({ kind: 'both enabled', message, schedule: [...path], steps: [a, b] });
          if (complaints.length >= most) return { complaints, pairs };
        }
        if (areDependent(model, path, a, b)) continue;
        pairs++;
        complaints.push(...examine(model, path, a, b));
        if (complaints.length >= most) return { complaints: complaints.slice(0, most), pairs };
      }
      path.push(random.pick(steps));
      system = at(model, path);
    }
  }
  return { complaints, pairs };
}

/** Whether the model says that there is no state like this one, where both are possible. */
function isExcluded<Step>(model: Model<Step>, a: Step, b: Step): boolean {
  if (model.mayBeCoenabled !== undefined && !(model.mayBeCoenabled(a, b) && model.mayBeCoenabled(b, a))) return true;
  return model.causes !== undefined && (model.causes(a, b) || model.causes(b, a));
}

/** What is wrong with calling the two steps independent here. */
function examine<Step>(model: Model<Step>, path: readonly Step[], a: Step, b: Step): Complaint<Step>[] {
  const complain = (kind: Complaint<Step>['kind'], message: string): Complaint<Step>[] => [
    { kind, message, schedule: [...path], steps: [a, b] },
  ];
  const show = (step: Step): string => JSON.stringify(step);
  const observed = at(model, path).footprint !== undefined;
  if (!observed && model.dependent(a, b) !== model.dependent(b, a))
    return complain('not symmetric', `${show(a)} and ${show(b)}`);
  if (at(model, path).footprint !== undefined) {
    const alphabet = new Alphabet(model);
    for (const [first, second] of [
      [a, b],
      [b, a],
    ] as const) {
      if (eventAt(model, alphabet, path, second) !== eventAt(model, alphabet, [...path, first], second)) {
        return complain('other footprint', `${show(first)} changes what ${show(second)} reads or writes`);
      }
    }
  }
  const before = at(model, path);
  for (const [first, second] of [
    [a, b],
    [b, a],
  ] as const) {
    const after = at(model, [...path, first]);
    if (!keys(model, after).has(model.key(second))) {
      return complain('disables', `${show(first)} disables or changes ${show(second)}`);
    }
    for (const other of changed(model, before, after)) {
      if (model.thread(other) === model.thread(first)) continue;
      if (isGivenUp(model, [...path, first], second, other)) {
        return complain(
          'enables',
          `${show(first)} offers or takes away ${show(other)}, which ${show(second)} gives up`,
        );
      }
      if (before.footprint === undefined ? model.dependent(other, first) : areDependentThere(model, path, other, first))
        continue;
      return complain('enables', `${show(first)} enables or disables ${show(other)}`);
    }
  }
  const [one, same, other] = [at(model, [...path, a, b]), at(model, [...path, a, b]), at(model, [...path, b, a])];
  if (describe(model, one) !== describe(model, same)) return complain('not deterministic', 'the same schedule again');
  if (describe(model, one) !== describe(model, other)) {
    return complain('does not commute', `${show(a)} and ${show(b)} give another state the other way round`);
  }
  return [];
}

/** Whether the step is another choice of the same thread, after which there is no more of this one. */
function isGivenUp<Step>(model: Model<Step>, path: readonly Step[], step: Step, other: Step): boolean {
  if (model.thread(step) !== model.thread(other) || !keys(model, at(model, path)).has(model.key(other))) return false;
  return !keys(model, at(model, [...path, step])).has(model.key(other));
}

function areDependent<Step>(model: Model<Step>, path: readonly Step[], a: Step, b: Step): boolean {
  if (at(model, path).footprint === undefined) return model.dependent(a, b) && model.dependent(b, a);
  const alphabet = new Alphabet(model);
  return alphabet.dependent(eventAt(model, alphabet, path, a), eventAt(model, alphabet, path, b));
}

/** As the other, where the first may be possible only once the second has been taken, or only before. */
function areDependentThere<Step>(model: Model<Step>, path: readonly Step[], a: Step, b: Step): boolean {
  const possible = keys(model, at(model, path)).has(model.key(a));
  const alphabet = new Alphabet(model);
  const event = eventAt(model, alphabet, possible ? path : [...path, b], a);
  return alphabet.dependent(event, eventAt(model, alphabet, path, b));
}

/** What the step is when it is taken after the path. */
function eventAt<Step>(model: Model<Step>, alphabet: Alphabet<Step>, path: readonly Step[], step: Step): number {
  const system = at(model, path);
  system.observe?.(true);
  system.apply(step);
  return alphabet.event(alphabet.action(step), system.footprint?.() ?? null);
}

/** Steps enabled in one of the states and not in the other. */
function changed<Step>(model: Model<Step>, before: System<Step>, after: System<Step>): Step[] {
  const [then, now] = [keys(model, before), keys(model, after)];
  return [
    ...[...now].filter(([key]) => !then.has(key)).map(([, step]) => step),
    ...[...then].filter(([key]) => !now.has(key)).map(([, step]) => step),
  ];
}

function keys<Step>(model: Model<Step>, system: System<Step>): Map<number | string, Step> {
  return new Map([...system.enabled()].map((step) => [model.key(step), step]));
}

function describe<Step>(model: Model<Step>, system: System<Step>): string {
  const words = new Uint32Array(2);
  system.fingerprint?.(words, 0);
  const list = (steps: readonly Step[]): string => steps.map((step) => String(model.key(step))).join(' ');
  const enabled = system.enabled();
  const end = enabled.length === 0 ? system.outcome() : '';
  return `${words.join(' ')} / ${list(enabled)} / ${list(system.blocked?.() ?? [])} / ${end}`;
}

function at<Step>(model: Model<Step>, path: readonly Step[]): System<Step> {
  const system = model.create();
  for (const step of path) system.apply(step);
  return system;
}

function* unordered<Step>(steps: readonly Step[]): Generator<readonly [Step, Step]> {
  for (let first = 0; first < steps.length; first++) {
    for (let second = first + 1; second < steps.length; second++) yield [steps[first] as Step, steps[second] as Step];
  }
}
