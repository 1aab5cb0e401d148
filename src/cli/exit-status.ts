/** What the process says to whoever started it (DESIGN 7). */
export const ExitStatus = {
  clean: 0,
  violation: 1,
  badInput: 2,
  limit: 3,
  guestDied: 4,
  guestFailed: 5,
  ourBug: 70,
} as const;
export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus];
