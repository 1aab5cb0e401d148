/**
 * What the detector reports, as plain data: numbers, strings, and bigints for linear addresses and entries
 * (report-json.ts turns those into hexadecimal strings; print-violation.ts writes the report for people).
 */
import type { FrameNumber, LinearAddress, PageNumber, PagingLevel, PhysicalAddress } from '../arch/address.ts';
import type { AccessKind } from '../arch/page-fault.ts';
import type { CachedTranslation } from '../event/cached-translation.ts';
import type { FrameUse } from '../event/event.ts';
import type { Operation } from './change.ts';
import type { FlushDecision, FlushMatrixReport } from './flush-matrix.ts';
import type { Stage } from './frame-history.ts';
import type { Obligation } from './obligation.ts';
import type { Severity, Staleness } from './significance.ts';

export interface FillPlace {
  readonly time: number;
  readonly where: string | null;
  readonly walk: number | null;
  readonly speculative: boolean;
  /** Serial of the paging-structure-cache entry that the walk started from. */
  readonly shortcut: number | null;
}

export interface TranslationSummary {
  readonly kind: CachedTranslation['kind'];
  readonly serial: number;
  readonly processor: number;
  readonly pcid: number;
  readonly global: boolean;
  readonly mm: number;
  readonly page: PageNumber;
  readonly pages: number;
  /** Frame of the page, or of the structure that a paging-structure-cache entry refers to. */
  readonly frame: FrameNumber;
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
  readonly dirty: boolean;
  readonly filled: FillPlace;
}

export type UseSummary =
  | {
      readonly kind: 'access';
      readonly processor: number;
      readonly where: string | null;
      readonly time: number;
      readonly address: LinearAddress;
      readonly access: { readonly kind: AccessKind; readonly user: boolean };
    }
  /** A walk read an entry of a structure that had been freed. */
  | {
      readonly kind: 'walk-read';
      readonly processor: number;
      readonly where: string | null;
      readonly time: number;
      /** Linear address being translated. */
      readonly address: LinearAddress | null;
      readonly speculative: boolean;
      readonly level: PagingLevel;
      readonly entry: PhysicalAddress;
    };

export type ChangeSummary =
  | {
      readonly kind: 'entry';
      readonly processor: number;
      readonly where: string | null;
      readonly operation: Operation | null;
      /** Step at which the store was executed, and at which it reached memory. */
      readonly issued: number;
      readonly time: number;
      readonly address: PhysicalAddress;
      /** Null for an entry that the translation was not built from. */
      readonly level: PagingLevel | null;
      readonly before: bigint;
      readonly after: bigint;
      /** The entry at the moment of the report: other changes may have followed. */
      readonly now: bigint;
    }
  | {
      readonly kind: 'root';
      readonly processor: number;
      readonly where: string | null;
      readonly operation: Operation | null;
      readonly time: number;
      readonly pcid: number;
      readonly before: FrameNumber;
      readonly after: FrameNumber;
    };

export interface FrameSummary {
  readonly frame: FrameNumber;
  readonly freed: { readonly processor: number; readonly time: number };
  readonly owner: { readonly mm: number; readonly use: FrameUse; readonly time: number } | null;
}

/** An invalidation that would have removed the translation: on this processor, between these steps. */
export interface Cover {
  readonly processor: number;
  readonly pcid: number;
  readonly address: LinearAddress;
  readonly global: boolean;
  readonly after: number;
  readonly before: number;
}

export interface Violation {
  /** Counted from 1 in the order of first use. */
  readonly number: number;
  readonly severity: Severity;
  /** As far as it has gone in any of its uses. */
  stage: Stage;
  /** Uses by the same processor through the same entry that missed the same change. */
  count: number;
  /** The first of them. */
  readonly use: UseSummary;
  readonly translation: TranslationSummary | null;
  /** Null where a walk came to a freed structure by entries that never changed. */
  readonly change: ChangeSummary | null;
  readonly due: Obligation | null;
  readonly skipped: Readonly<FlushDecision> | null;
  frame: FrameSummary | null;
  readonly cover: Cover | null;
}

/** Book-keeping that is wrong whether or not a stale translation is used. */
export type Finding =
  | {
      readonly kind: 'generation-invariant';
      readonly processor: number;
      readonly pcid: number;
      readonly time: number;
      readonly slot: { readonly mm: number; readonly generation: number };
      /** Null where the slot belongs to another mm than the translation. */
      readonly changeGeneration: number | null;
      readonly staleness: Staleness;
      readonly translation: TranslationSummary;
      readonly change: ChangeSummary;
      count: number;
    }
  | {
      readonly kind: 'assertion';
      readonly id: string;
      readonly processor: number;
      readonly time: number;
      readonly where: string | null;
      /** Of the first time. */
      readonly detail: string;
      count: number;
    };

/** A stale translation that is still cached. No violation: information. */
export interface LatentTranslation {
  readonly translation: TranslationSummary;
  readonly staleness: Staleness;
  /** The first change missed that is due. */
  readonly change: ChangeSummary;
  readonly due: Obligation;
  /** The PCID and structures it belongs to are loaded on its processor, or it is global. */
  readonly reachable: boolean;
}

export interface CoherenceReport {
  readonly clean: boolean;
  readonly violations: readonly Violation[];
  /** Distinct violations, those not kept included; and all their uses. */
  readonly violationCount: number;
  readonly violatingUses: number;
  readonly findings: readonly Finding[];
  readonly matrix: FlushMatrixReport;
  readonly latent: {
    readonly stale: number;
    readonly due: number;
    readonly dueAndReachable: number;
    readonly listed: readonly LatentTranslation[];
  };
  readonly statistics: {
    readonly fills: number;
    readonly removals: number;
    readonly entryWrites: number;
    readonly watchedUses: number;
    readonly flushes: number;
    readonly promises: number;
    readonly mostStale: number;
  };
  /** What bounded memory made the detector forget. All zero: the verdict rests on everything that was observed. */
  readonly limits: {
    readonly forgottenChanges: number;
    readonly forgottenPromises: number;
    readonly unexplainedTranslations: number;
    readonly violationsNotKept: number;
    readonly findingsNotKept: number;
  };
}
