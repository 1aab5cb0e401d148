/**
 * For each decision whether to flush: was there anything to flush? Judged at the moment of the decision, on the processor
 * it is about, for the address space and range it is about (the whole address space for a full flush).
 *
 *                      something stale was there            nothing was
 *   flushed            necessary                            wasted
 *   skipped            deferred, to a later check ...       correctly skipped
 *                      ... or missed, once it has been used
 *
 * Soundness is `missed` being 0; precision is necessary / (necessary + wasted).
 */
import type { FlushAction } from '../event/event.ts';

export type DecisionVerdict = 'necessary' | 'wasted' | 'correctly-skipped' | 'deferred' | 'missed';

export interface FlushDecision {
  readonly processor: number;
  readonly flush: number | null;
  readonly action: FlushAction;
  readonly why: string;
  readonly time: number;
  verdict: DecisionVerdict;
}

export interface MatrixRow {
  necessary: number;
  wasted: number;
  correctlySkipped: number;
  deferred: number;
  missed: number;
}

export interface FlushMatrixReport {
  readonly total: Readonly<MatrixRow>;
  /** Null where nothing was flushed. */
  readonly precision: number | null;
  readonly byReason: readonly {
    readonly why: string;
    readonly row: Readonly<MatrixRow>;
    readonly precision: number | null;
  }[];
}

const COLUMN = {
  necessary: 'necessary',
  wasted: 'wasted',
  'correctly-skipped': 'correctlySkipped',
  deferred: 'deferred',
  missed: 'missed',
} as const satisfies Record<DecisionVerdict, keyof MatrixRow>;

/** Wordings differ by generation; beyond this many they are put into words anew each time. */
const REASONS_REMEMBERED = 4096;

export class FlushMatrix {
  readonly #rows = new Map<string, MatrixRow>();
  readonly #reasons = {
    full: new Map<string, string>(),
    partial: new Map<string, string>(),
    skip: new Map<string, string>(),
  };

  decide(decision: Omit<FlushDecision, 'verdict'>, somethingStale: boolean): FlushDecision {
    const flushed = decision.action !== 'skip';
    const verdict = somethingStale ? (flushed ? 'necessary' : 'deferred') : flushed ? 'wasted' : 'correctly-skipped';
    this.#rowOf(this.#reasonOf(decision))[COLUMN[verdict]]++;
    return { ...decision, verdict };
  }

  /** What the decision left behind has been used. */
  missed(decision: FlushDecision): void {
    if (decision.verdict === 'missed') return;
    const row = this.#rowOf(this.#reasonOf(decision));
    row[COLUMN[decision.verdict]]--;
    row.missed++;
    decision.verdict = 'missed';
  }

  report(): FlushMatrixReport {
    const total = emptyRow();
    const byReason = [...this.#rows].map(([why, row]) => {
      for (const column of Object.values(COLUMN)) total[column] += row[column];
      return { why, row: { ...row }, precision: precision(row) };
    });
    return { total, precision: precision(total), byReason };
  }

  /** A row is a reason, not each generation it was given for. Decisions are many and their wordings few. */
  #reasonOf({ action, why }: Pick<FlushDecision, 'action' | 'why'>): string {
    const known = this.#reasons[action].get(why);
    if (known !== undefined) return known;
    const reason = `${action}: ${why.replaceAll(/\d+/g, 'n')}`;
    if (this.#reasons[action].size < REASONS_REMEMBERED) this.#reasons[action].set(why, reason);
    return reason;
  }

  #rowOf(why: string): MatrixRow {
    const found = this.#rows.get(why);
    if (found !== undefined) return found;
    const row = emptyRow();
    this.#rows.set(why, row);
    return row;
  }
}

function emptyRow(): MatrixRow {
  return { necessary: 0, wasted: 0, correctlySkipped: 0, deferred: 0, missed: 0 };
}

function precision({ necessary, wasted }: MatrixRow): number | null {
  return necessary + wasted === 0 ? null : necessary / (necessary + wasted);
}
