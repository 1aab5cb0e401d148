/**
 * An exhibit: one real bug, as the smallest change from the era that had it, with a scenario that gives it the occasion
 * and nothing more. Who comes when is for the search to find out.
 */

/** Where the bug is told by those who found it. */
export interface Source {
  readonly kind: 'fix' | 'culprit' | 'cve' | 'elsewhere' | 'analysis';
  readonly text: string;
}

/** What the search covers: every schedule, from a moment on, that stays within so many preemptions. */
export interface SearchBound {
  /** What comes before this event is signalled happens in turn, one thread after the other; null: nothing does. */
  readonly from: string | null;
  /** A store that becomes visible or an IPI that arrives while its processor could go on counts as one. */
  readonly preemptions: number;
}

/** A machine, or a kernel's use of it, on which the bug cannot bite. */
export interface Absence {
  /** As `--set` takes them. */
  readonly switches: readonly string[];
  readonly why: string;
}

export interface Exhibit {
  /** B and the number of the bug in the catalogue; A: in no catalogue. */
  readonly id: string;
  readonly title: string;
  readonly sources: readonly Source[];
  /** Which released kernels had it. */
  readonly kernels: string;
  /** Ids of eras. */
  readonly vulnerable: string;
  readonly fixed: string;
  /** What went wrong. */
  readonly story: string;
  readonly scenario: string;
  readonly search: SearchBound;
  /** How the ids of what it finds begin: a severity, or what of the book-keeping is wrong. */
  readonly expected: string;
  /** What of the hardware it takes, in words. */
  readonly needs: readonly string[];
  readonly vanishes: readonly Absence[];
  readonly lesson: string;
  /** What would have caught it. */
  readonly remedy: string;
}

/** A bug that is known and cannot be shown here. */
export interface Missing {
  readonly id: string;
  readonly title: string;
  readonly reason: string;
}
