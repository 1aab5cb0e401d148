/** A litmus test as the parser leaves it (grammar: docs/LITMUS.md). Names are checked: every one that is used is declared. */
import type { Place, Switch } from './scenario-ast.ts';

export interface LitmusTest {
  readonly title: string;
  /** The section that decides, and why it does. */
  readonly cite: string | null;
  readonly because: string | null;
  /** Another file of the same folder: this test with one thing taken away or replaced. */
  readonly twin: string | null;
  readonly switches: readonly Switch[];
  readonly initial: readonly InitialItem[];
  readonly processors: readonly Column[];
  readonly handlers: readonly Handler[];
  readonly expectations: readonly Expectation[];
}

/** A linear page of an address space; `main` is the space in which processors begin. */
export interface PageRef {
  readonly page: string;
  readonly space: string;
  readonly place: Place;
}

export const ENTRY_KINDS = ['PML4E', 'PDPTE', 'PDE', 'PTE'] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** A paging-structure entry: on the way to a page as the initial tables have it, or in a named spare page table. */
export type EntryRef =
  | { readonly kind: EntryKind; readonly page: PageRef }
  | { readonly kind: 'in-table'; readonly table: string; readonly page: PageRef };

/**
 * `ro` R/W = 0, `kernel` U/S = 0, `xd` XD = 1, `global` G = 1, `old` A = 0, `clean` D = 0, `large` PS = 1, `reserved` a
 * bit above MAXPHYADDR. Without any: writable, user, accessed, dirty.
 */
export const FLAGS = ['ro', 'kernel', 'xd', 'global', 'old', 'clean', 'large', 'reserved'] as const;
export type Flag = (typeof FLAGS)[number];

/** Bits that can be asked about, set and cleared one by one. */
export const ENTRY_BITS = ['P', 'RW', 'US', 'A', 'D', 'G'] as const;
export type EntryBit = (typeof ENTRY_BITS)[number];

export type EntryContent =
  | { readonly kind: 'invalid' }
  /** A frame, a large page or a spare table. */
  | { readonly kind: 'refers'; readonly to: string; readonly flags: readonly Flag[]; readonly place: Place };

export type InitialItem =
  | { readonly kind: 'entry'; readonly entry: EntryRef; readonly content: EntryContent; readonly place: Place }
  /** Processors may hold what the entry was before: this. */
  | { readonly kind: 'past-entry'; readonly entry: EntryRef; readonly content: EntryContent; readonly place: Place }
  | { readonly kind: 'cell'; readonly cell: CellRef; readonly value: bigint; readonly place: Place }
  /** A page that follows another one: same paging structures, next PTE. */
  | { readonly kind: 'beside'; readonly page: string; readonly neighbour: string; readonly place: Place }
  | { readonly kind: 'space'; readonly name: string; readonly place: Place }
  | { readonly kind: 'table'; readonly name: string; readonly place: Place }
  | { readonly kind: 'large'; readonly name: string; readonly place: Place }
  | { readonly kind: 'cr4'; readonly bit: Cr4Bit; readonly value: boolean; readonly place: Place }
  | {
      readonly kind: 'cr3';
      readonly processor: number;
      readonly space: string;
      readonly pcid: number;
      readonly place: Place;
    };

/** Eight bytes: a plain variable, the start of a frame or of a page; of a large page, the piece that a page selects. */
export interface CellRef {
  readonly name: string;
  readonly piece: string | null;
  readonly place: Place;
}

export const CR4_BITS = ['pge', 'pcide', 'smep'] as const;
export type Cr4Bit = (typeof CR4_BITS)[number];

export interface Column {
  readonly body: readonly Instruction[];
}

export interface Handler {
  readonly name: string;
  readonly processor: number;
  readonly body: readonly Instruction[];
  readonly place: Place;
}

export interface DataAccess {
  readonly kind: 'read' | 'write' | 'fetch';
  readonly user: boolean;
}

/** `[name]` goes through a translation where the name is a page's, and straight to memory where it is a cell's. */
export type Operand =
  | { readonly kind: 'cell'; readonly cell: CellRef }
  | { readonly kind: 'entry'; readonly entry: EntryRef };

export type Value =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'content'; readonly content: EntryContent }
  | { readonly kind: 'register'; readonly register: string; readonly changes: readonly BitChange[] };

export interface BitChange {
  readonly bit: EntryBit;
  readonly set: boolean;
}

export type Instruction = { readonly place: Place } & (
  | { readonly kind: 'load'; readonly register: string; readonly from: Operand; readonly access: DataAccess }
  /** `register` tells `ok` or the fault. */
  | {
      readonly kind: 'store';
      readonly to: Operand;
      readonly value: Value;
      readonly register: string | null;
      readonly access: DataAccess;
    }
  | { readonly kind: 'exchange'; readonly register: string; readonly with: Operand; readonly value: Value }
  | { readonly kind: 'change-bits'; readonly entry: EntryRef; readonly changes: readonly BitChange[] }
  | { readonly kind: 'mfence' }
  | { readonly kind: 'serialize' }
  | { readonly kind: 'invlpg'; readonly page: string }
  | { readonly kind: 'invpcid-address'; readonly pcid: number; readonly page: string }
  | { readonly kind: 'invpcid-context'; readonly pcid: number }
  | { readonly kind: 'invpcid-all' }
  | { readonly kind: 'invpcid-non-global' }
  | { readonly kind: 'mov-cr3'; readonly space: string; readonly pcid: number; readonly noFlush: boolean }
  | { readonly kind: 'mov-cr4'; readonly bit: Cr4Bit; readonly value: boolean }
  | { readonly kind: 'ipi'; readonly processor: number; readonly handler: string }
  | { readonly kind: 'wait'; readonly cell: CellRef; readonly value: bigint }
  | { readonly kind: 'interrupts'; readonly enabled: boolean }
);

export interface Expectation {
  readonly allowed: boolean;
  readonly condition: Condition;
  /** As written. */
  readonly text: string;
  readonly place: Place;
}

/** What a register can be compared with: `fault` is any page fault, the others are what its error code says. */
export const FAULTS = ['fault', 'absent', 'denied', 'reserved'] as const;
export type FaultName = (typeof FAULTS)[number];

export type Subject =
  | { readonly kind: 'register'; readonly processor: number; readonly register: string }
  | { readonly kind: 'cell'; readonly cell: CellRef }
  | { readonly kind: 'entry'; readonly entry: EntryRef };

export type Condition =
  | { readonly kind: 'and'; readonly of: readonly Condition[] }
  | { readonly kind: 'or'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'equals'; readonly subject: Subject; readonly value: bigint }
  | { readonly kind: 'faults'; readonly subject: Subject; readonly fault: FaultName | 'ok' }
  | { readonly kind: 'bit'; readonly subject: Subject; readonly bit: EntryBit; readonly set: boolean }
  /** The entry refers to this, or is not present. */
  | { readonly kind: 'refers'; readonly subject: Subject; readonly to: string | null };
