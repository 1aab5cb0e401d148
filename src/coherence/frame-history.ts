/** Which frames went back to the allocator, and to whom they were given next. Frames never freed cost nothing. */
import type { FrameNumber } from '../arch/address.ts';
import type { StateSink } from '../base/state-sink.ts';
import type { FrameUse, KernelEvent } from '../event/event.ts';
import { type Change, type Moment, precedes } from './change.ts';

/** The latest owner since the frame was first freed. */
export interface FrameOwner {
  readonly mm: number;
  readonly use: FrameUse;
  readonly epoch: number;
  readonly sequence: number;
  readonly time: number;
}

export interface FrameState {
  /** The last time it was freed. */
  freed: Moment;
  owner: FrameOwner | null;
}

export type Stage = 'used' | 'frame-freed' | 'frame-reused';

export class FrameHistory {
  readonly #frames = new Map<FrameNumber, FrameState>();
  /** Frames freed as page tables and no page table now. */
  readonly #formerTables = new Set<FrameNumber>();

  free(event: Extract<KernelEvent, { kind: 'frame-free' }>, freed: Moment): void {
    const state = this.#frames.get(event.frame);
    if (state === undefined) this.#frames.set(event.frame, { freed, owner: null });
    else state.freed = freed;
    if (event.use === 'page-table') this.#formerTables.add(event.frame);
    else this.#formerTables.delete(event.frame);
  }

  allocate(event: Extract<KernelEvent, { kind: 'frame-allocate' }>, sequence: number, time: number): void {
    if (event.use === 'page-table') this.#formerTables.delete(event.frame);
    const state = this.#frames.get(event.frame);
    if (state === undefined) return;
    const { mm, use, epoch } = event;
    state.owner = { mm, use, epoch, sequence, time };
  }

  tellState(sink: StateSink): void {
    for (const frame of [...this.#formerTables].sort((a, b) => a - b)) sink.number(frame);
  }

  state(frame: FrameNumber): Readonly<FrameState> | undefined {
    return this.#frames.get(frame);
  }

  /** The frame held a paging structure, was freed, and holds none again. */
  isFormerTable(frame: FrameNumber): boolean {
    return this.#formerTables.has(frame);
  }

  freedSince(frame: FrameNumber, change: Change): Readonly<FrameState> | null {
    const state = this.#frames.get(frame);
    return state !== undefined && precedes(change, state.freed) ? state : null;
  }
}

/** How far the frame has gone since the change. Who is given a frame after the change was given it by a free after it. */
export function stageSince(state: Readonly<FrameState> | null, change: Change | null): Stage {
  if (state === null) return 'used';
  const { owner, freed } = state;
  if (owner !== null && owner.sequence > (change === null ? freed.sequence : change.sequence)) return 'frame-reused';
  return 'frame-freed';
}
