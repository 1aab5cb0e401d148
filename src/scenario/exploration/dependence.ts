/**
 * Which steps of an explored scenario commute: only those of the bus, and of a store buffer, with what other processors
 * do. Steps of two processors never count as independent, because the mini-kernel keeps some of what processors share
 * (the page allocator, mappings, the detector's view of promises) outside of simulated memory, where it leaves no trace.
 */
import type { ScenarioStep } from './scenario-step.ts';

export function areDependent(a: ScenarioStep, b: ScenarioStep): boolean {
  // A processor's own steps fill and drain its buffer, and send and take its interrupts.
  if (a.processor === b.processor) return true;
  if (a.kind === 'deliver' || b.kind === 'deliver') return sends(a, b) || sends(b, a);
  // A store to a paging structure makes processors walk what they have not cached, and may make a frame a structure.
  if (a.kind === 'drain' && b.kind === 'drain') return a.paging || b.paging || a.address === b.address;
  return true;
}

/** A step of the sender makes the delivery possible, or more of the same. */
function sends(sender: ScenarioStep, delivery: ScenarioStep): boolean {
  return delivery.kind === 'deliver' && sender.kind === 'processor' && sender.processor === delivery.sender;
}
