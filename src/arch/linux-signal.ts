/** Signals of Linux on x86-64, as the kernel's user-space headers publish them: numbers, codes, flags, default actions. */
export const SIGNAL = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const;

export const SIGNALS = 64;
export const FIRST_REALTIME_SIGNAL = 32;

const names = new Map<number, string>(Object.entries(SIGNAL).map(([name, number]) => [number, name]));

export function signalName(signal: number): string {
  return names.get(signal) ?? `SIGRTMIN+${signal - FIRST_REALTIME_SIGNAL}`;
}

/** si_code. */
export const SI = {
  SI_USER: 0,
  SI_KERNEL: 0x80,
  SI_TKILL: -6,
  SEGV_MAPERR: 1,
  SEGV_ACCERR: 2,
  BUS_ADRALN: 1,
  BUS_ADRERR: 2,
  ILL_ILLOPN: 2,
  FPE_INTDIV: 1,
  FPE_FLTDIV: 3,
  FPE_FLTOVF: 4,
  FPE_FLTUND: 5,
  FPE_FLTRES: 6,
  FPE_FLTINV: 7,
  TRAP_BRKPT: 1,
  TRAP_TRACE: 2,
  CLD_EXITED: 1,
  CLD_KILLED: 2,
} as const;

export const SA = {
  SA_NOCLDSTOP: 0x1,
  SA_NOCLDWAIT: 0x2,
  SA_SIGINFO: 0x4,
  SA_ONSTACK: 0x0800_0000,
  SA_RESTART: 0x1000_0000,
  SA_NODEFER: 0x4000_0000,
  SA_RESETHAND: 0x8000_0000,
  SA_RESTORER: 0x0400_0000,
} as const;

export const SIG_DFL = 0n;
export const SIG_IGN = 1n;

export const SS = { SS_ONSTACK: 1, SS_DISABLE: 2 } as const;
export const MINSIGSTKSZ = 2048n;

const IGNORED_BY_DEFAULT: ReadonlySet<number> = new Set([
  SIGNAL.SIGCHLD,
  SIGNAL.SIGCONT,
  SIGNAL.SIGURG,
  SIGNAL.SIGWINCH,
]);
const STOPPING: ReadonlySet<number> = new Set([SIGNAL.SIGSTOP, SIGNAL.SIGTSTP, SIGNAL.SIGTTIN, SIGNAL.SIGTTOU]);

/** What a signal does to a process that has not said otherwise. */
export function defaultAction(signal: number): 'ignore' | 'stop' | 'terminate' {
  if (IGNORED_BY_DEFAULT.has(signal)) return 'ignore';
  return STOPPING.has(signal) ? 'stop' : 'terminate';
}
