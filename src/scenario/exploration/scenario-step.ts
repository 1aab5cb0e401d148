/**
 * A step of an explored scenario, as plain data that any execution of the same schedule can take. Four kinds of threads
 * act: each processor, each store buffer, the bus towards each processor, and what others broadcast to it.
 */
import type { PhysicalAddress } from '../../arch/address.ts';
import { unreachable } from '../../base/assert.ts';

export type ScenarioStep =
  /** The processor executes the action it stands at, or takes an interrupt. `at` says which: see `nameOfAction`. */
  | { readonly kind: 'processor'; readonly processor: number; readonly at: string }
  /** The oldest waiting store becomes visible. */
  | {
      readonly kind: 'drain';
      readonly processor: number;
      readonly address: PhysicalAddress;
      /** In hexadecimal. */
      readonly value: string;
      /** Into a frame that holds a paging structure. */
      readonly paging: boolean;
    }
  /**
   * An IPI arrives. Those in flight with the same sender, target and vector are interchangeable: the oldest stands for
   * all of them.
   */
  | { readonly kind: 'deliver'; readonly processor: number; readonly sender: number; readonly vector: number }
  /** An INVLPGB arrives. Those of the same sender and operand are interchangeable, too. */
  | { readonly kind: 'invalidate'; readonly processor: number; readonly sender: number; readonly operand: string };

/** Threads are numbered: processors, then their store buffers, then the bus and broadcasts towards each. */
export function threadOfStep({ kind, processor }: ScenarioStep, processors: number): number {
  switch (kind) {
    case 'processor':
      return processor;
    case 'drain':
      return processors + processor;
    case 'deliver':
      return 2 * processors + processor;
    case 'invalidate':
      return 3 * processors + processor;
    default:
      return unreachable(kind);
  }
}

export function keyOfStep(step: ScenarioStep): string {
  switch (step.kind) {
    case 'processor':
      return `p${step.processor} ${step.at}`;
    case 'drain':
      return `d${step.processor} ${step.address.toString(16)} ${step.value}`;
    case 'deliver':
      return `i${step.processor} ${step.sender} ${step.vector}`;
    case 'invalidate':
      return `b${step.processor} ${step.sender} ${step.operand}`;
    default:
      return unreachable(step);
  }
}
