/**
 * The verdict on a use: a data access or fetch through a stale TLB entry, or the read of a freed paging structure by a
 * walk. Where it is a violation, both ends of the report are put together here.
 */
import { type FrameNumber, frameOf, pageOf } from '../arch/address.ts';
import type { TlbEntry } from '../event/cached-translation.ts';
import type { HardwareEvent } from '../event/event.ts';
import type { Change } from './change.ts';
import type { FlushDecision, FlushMatrix } from './flush-matrix.ts';
import { type FrameHistory, type FrameState, stageSince } from './frame-history.ts';
import { changeToBlame, harmInEveryWorld, type Structures } from './legality.ts';
import type { Obligation } from './obligation.ts';
import { frameAt } from './significance.ts';
import { coverOf, summarizeChange, summarizeFrame, summarizeTranslation } from './summary.ts';
import type { MissedChange, TrackedTranslation } from './tracked-translation.ts';
import type { TranslationTracker } from './translation-tracker.ts';
import type { ViolationLog } from './violation-log.ts';

type EventOf<K extends HardwareEvent['kind']> = Extract<HardwareEvent, { kind: K }>;

export interface UseJudgeParts {
  readonly structures: Structures;
  readonly tracker: TranslationTracker;
  readonly frames: FrameHistory;
  readonly matrix: FlushMatrix;
  readonly log: ViolationLog;
  readonly locate: (processor: number) => string | null;
}

export class UseJudge {
  readonly #parts: UseJudgeParts;

  constructor(parts: UseJudgeParts) {
    this.#parts = parts;
  }

  use({ cached, processor, address, access }: EventOf<'use'>, time: number): void {
    const { structures, tracker, log, locate } = this.#parts;
    const tracked = tracker.find(cached);
    if (tracked === undefined || cached.kind !== 'tlb' || tracked.missed.length === 0 || tracked.overflowed) return;
    const page = pageOf(address);
    const frame = frameAt(cached, page);
    const obligationOf = (missed: MissedChange): Obligation | null =>
      missed.due ?? this.#dueToFree(cached, frame, missed);
    const isDue = (missed: MissedChange): boolean => obligationOf(missed) !== null;
    const due = tracked.missed.filter(isDue);
    if (due.length === 0) return;
    const subject = { tracked, cached, root: tracker.rootOf(tracked) };
    const through = { page, access, controls: tracker.contextOf(processor).controls };
    const severity = harmInEveryWorld(structures, subject, through, isDue);
    if (severity === null) return;
    const blamed = changeToBlame(structures, subject, through, due);
    const obligation = obligationOf(blamed);
    const skipped = this.#blameDecision(tracked, obligation);
    const freed = severity === 'stale-frame' ? this.#freedSince(cached, frame, blamed.change) : null;
    const stage = stageSince(freed?.state ?? null, blamed.change);
    const frameSummary = freed === null ? null : summarizeFrame(freed.frame, freed.state, blamed.change);
    const key = `${severity} ${processor} ${blamed.change.sequence}`;
    log.violation(key, { stage, frame: frameSummary }, (number) => ({
      number,
      severity,
      stage,
      count: 1,
      use: {
        kind: 'access',
        processor,
        where: locate(processor),
        time,
        address,
        access: { kind: access.kind, user: access.user },
      },
      translation: summarizeTranslation(tracked),
      change: summarizeChange(blamed.change, tracked, structures),
      due: obligation,
      skipped,
      frame: frameSummary,
      cover: coverOf(tracked, blamed.change, time),
    }));
  }

  walkRead(event: EventOf<'walk-read'>, time: number): void {
    const { structures, tracker, frames, log, locate } = this.#parts;
    const table = frameOf(event.address);
    const former = frames.isFormerTable(table);
    if (!former && event.shortcut === null) return;
    const walk = tracker.walk(event.walk);
    // Only the first read is from the structure that the paging-structure-cache entry refers to.
    const shortcut = event.shortcut?.table === table ? (walk?.shortcut ?? null) : null;
    const missed = shortcut?.missed.find(({ change }) => frames.freedSince(table, change) !== null) ?? null;
    const state = frames.state(table);
    if (state === undefined || (!former && missed === null)) return;
    const change = missed?.change ?? null;
    const obligation = freeObligation(table, state);
    const skipped = shortcut === null ? null : this.#blameDecision(shortcut, missed?.due ?? null);
    const stage = stageSince(state, change);
    const frame = summarizeFrame(table, state, change);
    const { processor, speculative, level } = event;
    const key = `freed-table-walked ${processor} ${change?.sequence ?? `${table} ${state.freed.sequence}`}`;
    log.violation(key, { stage, frame }, (number) => ({
      number,
      severity: 'freed-table-walked',
      stage,
      count: 1,
      use: {
        kind: 'walk-read',
        processor,
        where: locate(processor),
        time,
        address: walk?.event.address ?? null,
        speculative,
        level,
        entry: event.address,
      },
      translation: shortcut === null ? null : summarizeTranslation(shortcut),
      change: change === null ? null : summarizeChange(change, shortcut, structures),
      due: obligation,
      skipped,
      frame,
      cover: shortcut === null ? null : coverOf(shortcut, change, time),
    }));
  }

  /** The missed change that is due, if there is one: for translations that are merely cached. */
  firstDue({ cached, missed }: TrackedTranslation): { missed: MissedChange; due: Obligation } | null {
    for (const candidate of missed) {
      const due =
        candidate.due ??
        (cached.kind === 'tlb'
          ? this.#dueToFree(cached, cached.frame, candidate)
          : this.#dueToTableFree(cached.table, candidate));
      if (due !== null) return { missed: candidate, due };
    }
    return null;
  }

  /** Which of the missed changes are due, by their place. */
  dueChanges({ cached, missed }: TrackedTranslation): ReadonlySet<number> {
    const found = new Set<number>();
    for (const [index, candidate] of missed.entries()) {
      const free =
        cached.kind === 'tlb'
          ? this.#dueToFree(cached, cached.frame, candidate)
          : this.#dueToTableFree(cached.table, candidate);
      if (candidate.due !== null || free !== null) found.add(index);
    }
    return found;
  }

  #dueToFree(cached: TlbEntry, frame: number, { change }: MissedChange): Obligation | null {
    const freed = this.#freedSince(cached, frame, change);
    return freed === null ? null : freeObligation(freed.frame, freed.state);
  }

  #dueToTableFree(table: FrameNumber, { change }: MissedChange): Obligation | null {
    const state = this.#parts.frames.freedSince(table, change);
    return state === null ? null : freeObligation(table, state);
  }

  /** The frame, or the first frame of the large page that it is part of: large pages are freed as a whole. */
  #freedSince(
    cached: TlbEntry,
    frame: number,
    change: Change,
  ): { frame: FrameNumber; state: Readonly<FrameState> } | null {
    const { frames } = this.#parts;
    for (const candidate of new Set([frame, frameAt(cached, cached.page)])) {
      const state = frames.freedSince(candidate as FrameNumber, change);
      if (state !== null) return { frame: candidate as FrameNumber, state };
    }
    return null;
  }

  /** The last decision that left the translation where it was, or else what the flush itself decided for the processor. */
  #blameDecision(tracked: TrackedTranslation, obligation: Obligation | null): FlushDecision | null {
    const { matrix } = this.#parts;
    const decisions = obligation?.kind === 'flush' ? obligation.decisions : [];
    const ofFlush = decisions.findLast(({ processor }) => processor === tracked.cached.processor);
    const decision = tracked.skipped ?? (ofFlush?.action === 'skip' ? ofFlush : null);
    if (decision !== null) matrix.missed(decision);
    return decision;
  }
}

function freeObligation(frame: FrameNumber, { freed }: Readonly<FrameState>): Obligation {
  return { kind: 'frame-free', frame, processor: freed.processor, time: freed.time };
}
