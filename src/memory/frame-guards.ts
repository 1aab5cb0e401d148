/**
 * Frames whose stores somebody must see: they hold paging structures, or instructions that an engine keeps decoded.
 * Whoever has a shorter way to memory than `PhysicalMemory.store` asks here which frames it may not be used for, and
 * is told when that changes.
 */
import type { FrameNumber } from '../arch/address.ts';

export const Guard = { pagingStructure: 1, code: 2 } as const;
export type Guard = (typeof Guard)[keyof typeof Guard];

export class FrameGuards {
  /** By frame number, the sum of its guards; 0 for most. */
  readonly of: Uint8Array;
  #listeners: ((frame: FrameNumber) => void)[] = [];

  constructor(frames: number) {
    this.of = new Uint8Array(frames);
  }

  has(frame: FrameNumber, guard: Guard): boolean {
    return ((this.of[frame] as number) & guard) !== 0;
  }

  /** Any guard at all; false for what is no frame. */
  guarded(frame: FrameNumber): boolean {
    const guards = this.of[frame];
    return guards !== undefined && guards !== 0;
  }

  add(frame: FrameNumber, guard: Guard): void {
    this.#change(frame, (this.of[frame] as number) | guard);
  }

  remove(frame: FrameNumber, guard: Guard): void {
    this.#change(frame, (this.of[frame] as number) & ~guard);
  }

  onChange(listener: (frame: FrameNumber) => void): void {
    this.#listeners = [...this.#listeners, listener];
  }

  #change(frame: FrameNumber, guards: number): void {
    const before = this.of[frame] as number;
    if (before === guards) return;
    this.of[frame] = guards;
    if ((before === 0) !== (guards === 0)) for (const listener of this.#listeners) listener(frame);
  }
}
