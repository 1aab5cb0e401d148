/** What a scenario text says (grammar: docs/WORKLOADS.md). Plain data: parse and print are inverse on it. */

/** Line and column of a statement's first character, counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface Scenario {
  readonly title: string;
  readonly processors: number;
  readonly era?: string;
  readonly seed?: number;
  readonly policy?: PolicyName;
  readonly switches: readonly Switch[];
  readonly spaces: readonly SpaceDeclaration[];
  readonly threads: readonly ThreadDeclaration[];
  readonly expectations: readonly Expectation[];
}

export type PolicyName = string;

/** A hardware switch, as `--set` takes it: `pcid=off`. */
export interface Switch {
  readonly name: string;
  readonly value: string;
  readonly place: Place;
}

export interface SpaceDeclaration {
  readonly name: string;
  readonly place: Place;
}

export interface ThreadDeclaration {
  readonly name: string;
  /** Null: a kernel thread. */
  readonly space: string | null;
  readonly processor: number;
  readonly body: readonly Statement[];
  readonly place: Place;
}

export type Protection = 'none' | 'r' | 'rw' | 'rx' | 'rwx';

/** A byte in a mapping: `a[3]` is the start of the fourth 4-KByte page of variable a, `a[3]+16` sixteen bytes on. */
export interface Location {
  readonly variable: string;
  readonly page: number;
  readonly offset: number;
}

/** `a[2..5]`: pages 2, 3, 4 and 5 of variable a; without brackets all of it. */
export interface PageRange {
  readonly variable: string;
  readonly pages: { readonly first: number; readonly last: number } | null;
}

export type Outcome =
  | { readonly kind: 'any' }
  /** The access must read, or for a write always does, this value. */
  | { readonly kind: 'value'; readonly value: bigint }
  /** The access must end in SIGSEGV. */
  | { readonly kind: 'fault' };

export type Statement = StatementBody & { readonly place: Place };

export type StatementBody =
  | {
      readonly kind: 'mmap';
      readonly variable: string;
      /** Pages of the mapping's own size: one of 2 MBytes holds a[0] to a[511]. */
      readonly pages: number;
      readonly protection: Protection;
      readonly shared: boolean;
      readonly size: '4K' | '2M';
      readonly at: bigint | null;
    }
  | { readonly kind: 'munmap'; readonly range: PageRange }
  | { readonly kind: 'mprotect'; readonly range: PageRange; readonly protection: Protection }
  /** Moves or resizes a variable's mapping, or a part of it; the new place is bound to `to` (which may be the same name). */
  | {
      readonly kind: 'mremap';
      readonly range: PageRange;
      readonly to: string;
      readonly pages: number;
      readonly move: boolean;
    }
  | { readonly kind: 'madvise'; readonly range: PageRange; readonly advice: 'dontneed' | 'free' }
  | { readonly kind: 'brk'; readonly variable: string; readonly pages: number }
  /** Creates space `space` as a copy of the thread's; threads declared in that space start when this is done. */
  | { readonly kind: 'fork'; readonly space: string }
  | { readonly kind: 'read'; readonly location: Location; readonly outcome: Outcome }
  | { readonly kind: 'write'; readonly location: Location; readonly value: bigint; readonly outcome: Outcome }
  | { readonly kind: 'fetch'; readonly location: Location; readonly outcome: Outcome }
  /** Events between threads: `signal x` sets, `await x` waits; a user thread that waits leaves its processor idle. */
  | { readonly kind: 'signal'; readonly event: string }
  | { readonly kind: 'await'; readonly event: string }
  /** The scheduler moves this thread to another processor. */
  | { readonly kind: 'run-on'; readonly processor: number }
  | { readonly kind: 'repeat'; readonly count: number; readonly body: readonly Statement[] }
  /** Kernel operations on pages of another space, for kernel threads: batched reclaim, page migration. */
  | { readonly kind: 'reclaim'; readonly space: string; readonly range: PageRange }
  | { readonly kind: 'migrate-pages'; readonly space: string; readonly range: PageRange }
  /** Kernel mappings: pages at a kernel address, bound to a variable of the kernel; reads and writes on it are supervisor accesses. */
  | { readonly kind: 'vmalloc'; readonly variable: string; readonly pages: number }
  | { readonly kind: 'vfree'; readonly variable: string }
  | { readonly kind: 'offline'; readonly processor: number }
  | { readonly kind: 'online'; readonly processor: number }
  /** Hardware's freedom, used on purpose: a speculative walk, or an eviction, on a processor, for an address of a space. */
  | { readonly kind: 'speculate'; readonly processor: number; readonly space: string; readonly location: Location }
  | { readonly kind: 'evict'; readonly processor: number; readonly space: string; readonly location: Location }
  /** Whole-mm flush by hand: flush_tlb_mm, or flush_tlb_all. */
  | { readonly kind: 'flush'; readonly what: 'mm' | 'all' };

export type Severity =
  | 'lost-accessed-dirty'
  | 'stale-permission'
  | 'stale-frame'
  | 'page-size-mix'
  | 'freed-table-walked';
export type Stage = 'used' | 'frame-freed' | 'frame-reused';

export type Expectation =
  | { readonly kind: 'clean'; readonly place: Place }
  | {
      readonly kind: 'violation';
      readonly severity: Severity;
      readonly stage: Stage | null;
      readonly thread: string | null;
      readonly place: Place;
    };
