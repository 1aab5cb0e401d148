/** A process: its threads, its parent and children, and what they share. */
import type { user_mm } from '../kernel/mm/mm_types.ts';
import type { DescriptorTable } from './files/open-file.ts';
import type { DirectoryInode } from './files/inode.ts';
import type { Program } from './load-image.ts';
import type { SignalActions } from './signals/signal-actions.ts';
import { PendingSignals } from './signals/signal-info.ts';
import type { Thread } from './thread.ts';

/** Where a program stands in the file system; shared with CLONE_FS. */
export interface Whereabouts {
  directory: DirectoryInode;
  umask: number;
}

/** How a process ended. */
export type Ending =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: number };

export interface ProcessParts {
  readonly pid: number;
  readonly parent: Process | null;
  readonly mm: user_mm;
  readonly files: DescriptorTable;
  readonly where: Whereabouts;
  readonly actions: SignalActions;
  readonly executable: string;
  readonly name: string;
}

export class Process {
  readonly pid: number;
  parent: Process | null;
  readonly children = new Set<Process>();
  readonly threads = new Map<number, Thread>();
  mm: user_mm;
  files: DescriptorTable;
  readonly where: Whereabouts;
  actions: SignalActions;
  readonly signals = new PendingSignals();
  /** Absolute path of what it runs. */
  executable: string;
  /** What it runs, once it has been loaded. */
  program: Program | null = null;
  /** Its short name, as in /proc/PID/comm. */
  name: string;
  group: number;
  session: number;
  /** Threads that have not begun to exit. */
  live = 0;
  /** What the thread that called exit last gave. */
  lastStatus = 0;
  /** Set as soon as the process is to end. */
  ending: Ending | null = null;
  /** All threads are gone; waits for its parent. */
  zombie = false;
  /** The signal that its parent gets; 0: none. */
  exitSignal = 17;
  /** vfork: the parent waits until this is true. */
  releasedMemory = false;
  /** Nanoseconds, of all threads. */
  userTime = 0;
  /** When alarm sends SIGALRM, and how often again. */
  alarm: { at: number; readonly every: number } | null = null;

  constructor({ pid, parent, mm, files, where, actions, executable, name }: ProcessParts) {
    this.pid = pid;
    this.parent = parent;
    this.mm = mm;
    this.files = files;
    this.where = where;
    this.actions = actions;
    this.executable = executable;
    this.name = name;
    this.group = parent?.group ?? pid;
    this.session = parent?.session ?? pid;
    parent?.children.add(this);
  }
}
