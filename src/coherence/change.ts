/**
 * A change that makes cached translations out of date, and the order of such changes and of promises.
 *
 * Two orders matter. A processor's own store is ordered before its own flush by the program, although it may wait in the
 * store buffer (SDM 3A 9.2.2) until after the flush has returned. Another processor's store is ordered by the moment at
 * which it reached memory: before that nobody could know of it.
 */
import type { FrameNumber, PhysicalAddress } from '../arch/address.ts';

/** A moment at which a processor did something. `sequence` counts observed events; several share one step's `time`. */
export interface Moment {
  readonly processor: number;
  readonly sequence: number;
  readonly time: number;
}

/** A kernel operation in progress. */
export interface Operation {
  readonly operation: number;
  readonly name: string;
  readonly mm: number;
}

interface ChangeBase extends Moment {
  readonly where: string | null;
  readonly operation: Operation | null;
}

/** A write to a paging-structure entry, at the moment it reached memory. */
export interface EntryChange extends ChangeBase {
  readonly kind: 'entry';
  readonly address: PhysicalAddress;
  readonly before: bigint;
  readonly after: bigint;
  /** The step at which the store was executed. */
  readonly issued: number;
}

/** MOV to CR3 put other paging structures behind a PCID, or behind global entries for user pages, and removed nothing. */
export interface RootChange extends ChangeBase {
  readonly kind: 'root';
  readonly pcid: number;
  readonly before: FrameNumber;
  readonly after: FrameNumber;
}

export type Change = EntryChange | RootChange;

/**
 * Whether the change came before the moment: in program order for the moment's own processor, in memory order for the
 * others. A step runs its action first and then the code up to the next one, so a store executed in the very step of the
 * moment came before it.
 */
export function precedes(change: Change, moment: Moment): boolean {
  if (change.sequence < moment.sequence) return true;
  return (
    change.kind === 'entry' &&
    change.processor === moment.processor &&
    change.issued < change.time &&
    change.issued <= moment.time
  );
}
