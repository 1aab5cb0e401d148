/**
 * The kernel's own invariant, as it states it: no slot of a processor holds a user translation, tagged with the slot's
 * PCID, that is older than the generation recorded for the slot. A generation recorded too low costs a flush; one recorded
 * too high is a breach, whether or not the translation is ever used.
 *
 * A change belongs to the first generation that its own processor produced after it, in the same operation, by a flush
 * whose ranges hold the page - or, for a batch, by adding to it. (Not to whichever generation came next: two processors
 * that change different pages at the same time each account for their own.) Where that is not known the change has no
 * generation, and nothing is said of it.
 *
 * Inside switch_mm_irqs_off and the flush handlers the invariant is briefly untrue by design, so it is judged only while
 * the processor is known to have interrupts enabled and to be in no interrupt handler.
 */
import type { FrameNumber } from '../arch/address.ts';
import type { StateSink } from '../base/state-sink.ts';
import { type AddressRegion, concerns } from './address-region.ts';
import { type Change, type Moment, type Operation, precedes } from './change.ts';
import { agreesWithSomeWorld, type Structures } from './legality.ts';
import type { Staleness } from './significance.ts';
import { inKernelHalf, isGlobal, type MissedChange, type TrackedTranslation } from './tracked-translation.ts';

export interface Slot {
  readonly mm: number;
  readonly generation: number;
}

export interface GenerationBreach {
  readonly slot: Slot;
  readonly change: Change;
  /** Null where the slot belongs to another mm. */
  readonly changeGeneration: number | null;
  readonly staleness: Staleness;
}

interface Generation {
  readonly generation: number;
  readonly moment: Moment;
  readonly operation: Operation | null;
  /** Ranges of the flush that it is for; null for a batch. */
  readonly regions: readonly AddressRegion[] | null;
}

interface ProcessorState {
  readonly slots: Map<number, Slot>;
  readonly unchecked: Set<TrackedTranslation>;
  interruptsEnabled: boolean;
  handlersNested: number;
}

const GENERATIONS_KEPT = 1024;

export class GenerationInvariant {
  readonly #processors = new Map<number, ProcessorState>();
  readonly #generations = new Map<number, Generation[]>();
  #suspects = 0;

  /** A translation to look at as soon as its processor may be judged. */
  suspect(tracked: TrackedTranslation): void {
    if (inKernelHalf(tracked.cached.page) || isGlobal(tracked.cached)) return;
    const { unchecked } = this.#state(tracked.cached.processor);
    if (unchecked.has(tracked)) return;
    unchecked.add(tracked);
    this.#suspects++;
  }

  dismiss(tracked: TrackedTranslation): void {
    if (this.#processors.get(tracked.cached.processor)?.unchecked.delete(tracked) === true) this.#suspects--;
  }

  /** Whether the slot now says something else of its PCID. */
  record(processor: number, pcid: number, slot: Slot): boolean {
    const { slots } = this.#state(processor);
    const before = slots.get(pcid);
    slots.set(pcid, slot);
    return before?.mm !== slot.mm || before.generation !== slot.generation;
  }

  advance(mm: number, generation: Generation): void {
    const known = this.#generations.get(mm);
    if (known === undefined) this.#generations.set(mm, [generation]);
    else {
      known.push(generation);
      if (known.length > 2 * GENERATIONS_KEPT) known.splice(0, GENERATIONS_KEPT);
    }
  }

  forget(mm: number): void {
    this.#generations.delete(mm);
  }

  /** Whether any processor already claims this generation of the address space. */
  isClaimed(mm: number, generation: number): boolean {
    for (const { slots } of this.#processors.values()) {
      for (const slot of slots.values()) if (slot.mm === mm && slot.generation >= generation) return true;
    }
    return false;
  }

  setInterrupts(processor: number, enabled: boolean): void {
    this.#state(processor).interruptsEnabled = enabled;
  }

  nestHandler(processor: number, by: 1 | -1): void {
    const state = this.#state(processor);
    state.handlersNested = Math.max(0, state.handlersNested + by);
  }

  /** The translations to be judged now: those of the processors that may be. */
  takeSuspects(): readonly TrackedTranslation[] {
    if (this.#suspects === 0) return [];
    const taken: TrackedTranslation[] = [];
    for (const state of this.#processors.values()) {
      if (!state.interruptsEnabled || state.handlersNested > 0) continue;
      taken.push(...state.unchecked);
      this.#suspects -= state.unchecked.size;
      state.unchecked.clear();
    }
    return taken;
  }

  isSuspect(tracked: TrackedTranslation): boolean {
    return this.#processors.get(tracked.cached.processor)?.unchecked.has(tracked) === true;
  }

  /** What each processor says of its slots. Which generation a change has is told with the translation that missed it. */
  tellState(sink: StateSink): void {
    for (const [processor, { slots }] of [...this.#processors].sort(([a], [b]) => a - b)) {
      sink.number(processor);
      for (const [pcid, { mm, generation }] of [...slots].sort(([a], [b]) => a - b)) {
        sink.number(pcid);
        sink.number(mm);
        sink.number(generation);
      }
    }
  }

  /** What the processor says of the translation's PCID; null where it says nothing, or that the slot is empty. */
  slotOf(tracked: TrackedTranslation): Slot | null {
    const slot = this.#processors.get(tracked.cached.processor)?.slots.get(tracked.cached.pcid);
    return slot === undefined || slot.mm === 0 ? null : slot;
  }

  /** The generation that covers the change for this translation; null while none does. */
  generationOf(change: Change, tracked: TrackedTranslation): number | null {
    const known = this.#generations.get(tracked.mm) ?? [];
    const since = change.kind === 'entry' ? change.issued : change.time;
    let found: number | null = null;
    for (let index = known.length - 1; index >= 0; index--) {
      const candidate = known[index];
      if (candidate === undefined || candidate.moment.time < since) break;
      if (candidate.moment.processor !== change.processor || !precedes(change, candidate.moment)) continue;
      if (candidate.operation?.operation !== change.operation?.operation) continue;
      if (candidate.regions === null || candidate.regions.some((region) => concerns(region, tracked))) {
        found = candidate.generation;
      }
    }
    return found;
  }

  /** The breach, if the translation is older than its slot's generation. */
  check(tracked: TrackedTranslation, structures: Structures, root: FrameNumber): GenerationBreach | null {
    const slot = this.slotOf(tracked);
    if (slot === null || tracked.staleness === null || tracked.overflowed) return null;
    const ownSlot = slot.mm === tracked.mm;
    const generationOf = ({ change }: MissedChange): number | null =>
      ownSlot && change.kind === 'entry' ? this.generationOf(change, tracked) : null;
    const isSettled = (missed: MissedChange): boolean => {
      // In a slot of another mm it has no business at all, once that mm's structures are behind the PCID.
      if (!ownSlot) return missed.change.kind === 'root';
      const generation = generationOf(missed);
      return generation !== null && generation <= slot.generation;
    };
    const missed = tracked.missed.find(isSettled);
    if (missed === undefined || agreesWithSomeWorld(structures, tracked, root, isSettled)) return null;
    return { slot, change: missed.change, changeGeneration: generationOf(missed), staleness: tracked.staleness };
  }

  #state(processor: number): ProcessorState {
    const found = this.#processors.get(processor);
    if (found !== undefined) return found;
    const state: ProcessorState = {
      slots: new Map(),
      unchecked: new Set(),
      interruptsEnabled: false,
      handlersNested: 0,
    };
    this.#processors.set(processor, state);
    return state;
  }
}
