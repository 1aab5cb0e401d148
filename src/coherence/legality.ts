/**
 * Whether a stale translation may still be used: it may, as long as some world that the processor is allowed to believe in
 * makes the access right. The values allowed at an entry are the one in memory and those overwritten by missed changes
 * that are not settled yet (not due; or, for the generation invariant, of a later generation).
 */
import type { FrameNumber, PagingLevels, PhysicalAddress } from '../arch/address.ts';
import { present } from '../base/assert.ts';
import type { TlbEntry } from '../event/cached-translation.ts';
import { type Reference, type ReferenceWalk, referenceWalk, someWorld } from './reference-walk.ts';
import { compare, harm, STALENESS, type Staleness } from './significance.ts';
import type { MissedChange, TrackedTranslation } from './tracked-translation.ts';

export interface Structures {
  readonly levels: PagingLevels;
  /** 2^(MAXPHYADDR - 12). */
  readonly frameLimit: number;
  readonly read: (address: PhysicalAddress) => bigint;
}

export type AccessThrough = Parameters<typeof harm>[1];

export function walkFor(
  structures: Structures,
  tracked: TrackedTranslation,
  root: FrameNumber,
  page = tracked.cached.kind === 'tlb' ? tracked.cached.slotPage : tracked.cached.page,
): ReferenceWalk {
  const { levels, frameLimit } = structures;
  const until = tracked.cached.kind === 'tlb' ? 1 : tracked.cached.level;
  return { root, page, levels, frameLimit, until };
}

/** The least harm over all worlds; null: the use is legal. */
export function harmInEveryWorld(
  structures: Structures,
  { tracked, cached, root }: { tracked: TrackedTranslation; cached: TlbEntry; root: FrameNumber },
  use: AccessThrough,
  isSettled: (missed: MissedChange) => boolean,
): Staleness | null {
  return leastHarm(structures, walkFor(structures, tracked, root, use.page), tracked, isSettled, (reference) =>
    harm(cached, use, reference),
  );
}

/** Whether the translation agrees with some world. */
export function agreesWithSomeWorld(
  structures: Structures,
  tracked: TrackedTranslation,
  root: FrameNumber,
  isSettled: (missed: MissedChange) => boolean,
): boolean {
  const walk = walkFor(structures, tracked, root);
  return leastHarm(structures, walk, tracked, isSettled, (reference) => compare(tracked.cached, reference)) === null;
}

function leastHarm(
  structures: Structures,
  walk: ReferenceWalk,
  tracked: TrackedTranslation,
  isSettled: (missed: MissedChange) => boolean,
  judge: (reference: Reference) => Staleness | null,
): Staleness | null {
  const alternatives = new Map<PhysicalAddress, bigint[]>();
  for (const missed of tracked.missed) {
    if (missed.change.kind !== 'entry' || isSettled(missed)) continue;
    const { address, before } = missed.change;
    const values = alternatives.get(address);
    if (values === undefined) alternatives.set(address, [before]);
    else if (!values.includes(before)) values.push(before);
  }
  const valuesAt = (address: PhysicalAddress): readonly bigint[] => {
    const others = alternatives.get(address);
    return others === undefined ? [structures.read(address)] : [structures.read(address), ...others];
  };
  let least: Staleness | null = 'stale-frame';
  someWorld(walk, valuesAt, (reference) => {
    const found = judge(reference);
    if (found === null || rank(found) < rank(least)) least = found;
    return found === null;
  });
  return least;
}

function rank(staleness: Staleness | null): number {
  return staleness === null ? -1 : STALENESS.indexOf(staleness);
}

/**
 * The due change to blame: replayed in order upon the structures as they were when the translation last agreed, the first
 * after which the access is wrong.
 */
export function changeToBlame(
  structures: Structures,
  { tracked, cached, root }: { tracked: TrackedTranslation; cached: TlbEntry; root: FrameNumber },
  use: AccessThrough,
  due: readonly MissedChange[],
): MissedChange {
  const byRoot = due.find(({ change }) => change.kind === 'root');
  if (byRoot !== undefined) return byRoot;
  const then = new Map<PhysicalAddress, bigint>();
  for (const { change } of tracked.missed) {
    if (change.kind === 'entry' && !then.has(change.address)) then.set(change.address, change.before);
  }
  const read = (address: PhysicalAddress): bigint => then.get(address) ?? structures.read(address);
  for (const missed of due) {
    const { change } = missed;
    if (change.kind === 'entry') then.set(change.address, change.after);
    const reference = referenceWalk(walkFor(structures, tracked, root, use.page), read);
    if (harm(cached, use, reference) !== null) return missed;
  }
  return present(due.at(-1), 'a due change');
}
