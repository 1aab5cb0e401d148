/** What the process says to whoever started it. */
import type { Verdict } from '../scenario/run-report.ts';

export const ExitStatus = {
  clean: 0,
  /** A violation, or an expectation of the workload that is not met. */
  violation: 1,
  badInput: 2,
  /** Stopped early with nothing found. */
  limit: 3,
  guestDied: 4,
  ourBug: 70,
} as const;
export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus];

export const STATUS_OF_VERDICT = {
  clean: ExitStatus.clean,
  violation: ExitStatus.violation,
  unexpected: ExitStatus.violation,
  died: ExitStatus.guestDied,
  limit: ExitStatus.limit,
} as const satisfies Record<Verdict, ExitStatus>;
