/** A step of a litmus test, as plain data that any execution can take, with what it touches: the rest is dependence. */
import type { PhysicalAddress } from '../../arch/address.ts';
import type { Place } from '../../workload/scenario-ast.ts';
import type { Answer, EvictionStep, WalkStep } from '../../machine/translation-freedom.ts';

export type LitmusAction =
  /** The processor executes the operation it stands at; `answer` says how its access is translated. */
  | { readonly kind: 'operation'; readonly answer: Answer | null }
  /** An exception that an access raised is delivered, and its handler returns to the next operation. */
  | { readonly kind: 'exception' }
  | { readonly kind: 'interrupt' }
  /** EOI and IRET at the end of an interrupt handler. */
  | { readonly kind: 'return' }
  /** The oldest waiting store becomes visible. */
  | { readonly kind: 'drain' }
  | { readonly kind: 'deliver'; readonly sender: number; readonly vector: number }
  /** No walk of the page is made any more: the processor need not make any. */
  | { readonly kind: 'rest'; readonly page: number }
  | WalkStep
  | EvictionStep;

export interface LitmusStep {
  readonly thread: number;
  readonly processor: number;
  /** Equal keys are interchangeable steps. */
  readonly key: string;
  readonly action: LitmusAction;
  /** Of the instruction, if it executes one. */
  readonly place: Place | null;
  readonly reads: readonly PhysicalAddress[];
  readonly writes: readonly PhysicalAddress[];
  /** The processor's store buffer: a store enters it, leaves it, or the step waits until it is empty. */
  readonly buffer: { readonly kind: 'enters' | 'leaves'; readonly slot: number } | { readonly kind: 'empty' } | null;
  /** Which of the processor's cached translations it may use, or change: those of one group of pages, or all. */
  readonly translations: { readonly group: number | 'all'; readonly change: boolean } | null;
  /** The processor to which it sends an IPI. */
  readonly sendsTo: number | null;
}

/** Threads: processors, their store buffers, the bus towards each, what each evicts, and each page that each walks. */
export function threadOf(
  kind: 'processor' | 'buffer' | 'bus' | 'eviction' | 'walker',
  processor: number,
  { processors, page = 0 }: { readonly processors: number; readonly page?: number },
): number {
  const first = { processor: 0, buffer: 1, bus: 2, eviction: 3, walker: 4 + page };
  return first[kind] * processors + processor;
}

/** Evictions are few for all processors together, and may be of anything that their processor has cached. */
export function areDependent(a: LitmusStep, b: LitmusStep): boolean {
  if (a.thread === b.thread) return true;
  if (meet(a.writes, b.reads) || meet(a.writes, b.writes) || meet(a.reads, b.writes)) return true;
  if (isDeliveryTo(a, b) || isDeliveryTo(b, a)) return true;
  if (a.action.kind === 'evict' && b.action.kind === 'evict') return true;
  if (a.processor !== b.processor) return false;
  if (a.action.kind === 'evict' || b.action.kind === 'evict') return true;
  return shareBuffer(a, b) || shareTranslations(a, b);
}

/** Only what was stored drains, and what waits for an empty buffer waits for the drains. Of programs without handlers. */
export function mayCause(earlier: LitmusStep, later: LitmusStep): boolean {
  if (earlier.processor !== later.processor || earlier.buffer === null || later.buffer === null) return false;
  if (earlier.buffer.kind === 'enters') {
    return later.buffer.kind === 'leaves' && earlier.buffer.slot === later.buffer.slot;
  }
  return earlier.buffer.kind === 'leaves' && later.buffer.kind === 'empty';
}

function meet(some: readonly number[], others: readonly number[]): boolean {
  return some.some((each) => others.includes(each));
}

/** An IPI that arrives changes what its processor does next, and there is none before it is sent. */
function isDeliveryTo(step: LitmusStep, delivery: LitmusStep): boolean {
  if (delivery.action.kind !== 'deliver') return false;
  const { processor } = delivery;
  const isProcessors = step.thread === step.processor;
  if (step.processor === processor && isProcessors) return true;
  return step.sendsTo === processor && step.processor === delivery.action.sender;
}

function shareBuffer({ buffer: a }: LitmusStep, { buffer: b }: LitmusStep): boolean {
  if (a === null || b === null) return false;
  if (a.kind === 'empty' || b.kind === 'empty') return true;
  return a.kind !== b.kind && a.slot === b.slot;
}

function shareTranslations({ translations: a }: LitmusStep, { translations: b }: LitmusStep): boolean {
  if (a === null || b === null || (!a.change && !b.change)) return false;
  return a.group === 'all' || b.group === 'all' || a.group === b.group;
}
