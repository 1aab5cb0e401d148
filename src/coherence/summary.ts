/** From what the detector works with to what it reports. */
import { addressInPage, type FrameNumber } from '../arch/address.ts';
import type { Change } from './change.ts';
import type { FrameState } from './frame-history.ts';
import type { Structures } from './legality.ts';
import { frameAt } from './significance.ts';
import { isGlobal, type TrackedTranslation } from './tracked-translation.ts';
import type { ChangeSummary, Cover, FrameSummary, TranslationSummary } from './violation.ts';

export function summarizeTranslation({
  cached,
  mm,
  filledAt,
  filledWhere,
  filledBy,
}: TrackedTranslation): TranslationSummary {
  const { kind, serial, processor, pcid, page, pages, writable, user, executable } = cached;
  return {
    kind,
    serial,
    processor,
    pcid,
    global: cached.kind === 'tlb' && cached.global,
    mm,
    page,
    pages,
    frame: cached.kind === 'tlb' ? (frameAt(cached, page) as FrameNumber) : cached.table,
    writable,
    user,
    executable,
    dirty: cached.kind === 'tlb' && cached.dirty,
    filled: {
      time: filledAt,
      where: filledWhere,
      walk: filledBy?.walk ?? null,
      speculative: filledBy?.speculative ?? false,
      shortcut: filledBy?.shortcut?.serial ?? null,
    },
  };
}

export function summarizeChange(
  change: Change,
  tracked: TrackedTranslation | null,
  { read }: Pick<Structures, 'read'>,
): ChangeSummary {
  const { processor, where, operation, time } = change;
  if (change.kind === 'root') {
    const { pcid, before, after } = change;
    return { kind: 'root', processor, where, operation, time, pcid, before, after };
  }
  const { address, before, after, issued } = change;
  const level = tracked?.cached.sources.find((source) => source.address === address)?.level ?? null;
  return {
    kind: 'entry',
    processor,
    where,
    operation,
    issued,
    time,
    address,
    level,
    before,
    after,
    now: read(address),
  };
}

export function summarizeFrame(frame: FrameNumber, state: Readonly<FrameState>, since: Change | null): FrameSummary {
  const { freed, owner } = state;
  const reused = owner !== null && owner.sequence > (since === null ? freed.sequence : since.sequence);
  return {
    frame,
    freed: { processor: freed.processor, time: freed.time },
    owner: reused ? { mm: owner.mm, use: owner.use, time: owner.time } : null,
  };
}

export function coverOf(tracked: TrackedTranslation, change: Change | null, before: number): Cover {
  const { processor, pcid, page } = tracked.cached;
  const global = isGlobal(tracked.cached);
  const address = addressInPage(page, 0);
  return { processor, pcid, address, global, after: change?.time ?? tracked.filledAt, before };
}
