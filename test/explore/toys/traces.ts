/** All interleavings of a small model and their Mazurkiewicz traces, computed without anything of the explorer's. */
import type { Model } from '../../../src/explore/model.ts';

/** The number of traces among the executions that end, or null if there are more than `most` executions. */
export function countTraces<Step>(model: Model<Step>, most: number): number | null {
  const traces = new Set<string>();
  let executions = 0;
  const visit = (path: readonly Step[]): boolean => {
    const system = model.create();
    for (const step of path) system.apply(step);
    const steps = [...system.enabled()];
    if (steps.length === 0) {
      traces.add(canonical(model, path));
      return ++executions <= most;
    }
    return steps.every((step) => visit([...path, step]));
  };
  return visit([]) ? traces.size : null;
}

/** The least of the equivalent orders: the smallest key among the steps that nothing left over comes before, and so on. */
function canonical<Step>(model: Model<Step>, path: readonly Step[]): string {
  const left = [...path];
  const order: string[] = [];
  const ordered = (a: Step, b: Step): boolean => model.thread(a) === model.thread(b) || model.dependent(a, b);
  while (left.length > 0) {
    let least = -1;
    for (let at = 0; at < left.length; at++) {
      const step = left[at] as Step;
      if (left.slice(0, at).some((earlier) => ordered(earlier, step))) continue;
      if (least === -1 || Number(model.key(step)) < Number(model.key(left[least] as Step))) least = at;
    }
    order.push(String(model.key(left[least] as Step)));
    left.splice(least, 1);
  }
  return order.join(' ');
}
