/** A litmus test's instructions with addresses in place of names, and what follows from them before anything is run. */
import {
  type LinearAddress,
  pageOf,
  type PageNumber,
  type PagingLevel,
  pagesPerEntry,
  type PhysicalAddress,
  regionStart,
} from '../../arch/address.ts';
import { Cr3, Cr4, InvpcidType } from '../../arch/control-registers.ts';
import { PagingEntry } from '../../arch/paging-entry.ts';
import { assert, unreachable } from '../../base/assert.ts';
import type {
  BitChange,
  Cr4Bit,
  EntryRef,
  Instruction,
  LitmusTest,
  Operand,
  Value,
} from '../../workload/litmus-ast.ts';
import type { Place } from '../../workload/scenario-ast.ts';
import { BIT_MASKS, type LitmusLayout } from './litmus-layout.ts';
import { linearAddressOf, type Location, type Operation, type StoredValue } from './litmus-operation.ts';

export interface ProcessorProgram {
  readonly main: readonly Operation[];
  readonly handlers: ReadonlyMap<number, readonly Operation[]>;
  /** The PCID and address space that it begins with. */
  readonly cr3: bigint;
}

/** A page that a processor accesses through translations that may change while the test runs. */
export interface MovingPage {
  readonly address: LinearAddress;
  /** The last place in the main program that accesses it; from there on walks of it serve nothing. Infinity: a handler does. */
  readonly lastAccess: number;
  /** Whether A may be clear in its entries, so that even a walk that serves nothing shows. */
  readonly walksShow: boolean;
  /** Translations of pages in one group depend on each other. */
  readonly group: number;
}

export const CR4_MASKS = { pge: Cr4.PGE, pcide: Cr4.PCIDE, smep: Cr4.SMEP } as const satisfies Record<Cr4Bit, bigint>;

const FIRST_VECTOR = 0x41;

interface ChangingEntry {
  readonly address: PhysicalAddress;
  readonly level: PagingLevel;
  readonly page: PageNumber;
  readonly entry: EntryRef;
}

export class LitmusProgram {
  readonly layout: LitmusLayout;
  readonly processors: readonly ProcessorProgram[];
  /** Bits of CR4 that the initial state sets and clears. */
  readonly initialCr4: { readonly set: bigint; readonly clear: bigint };
  /** Addresses of the paging-structure entries that may change while the test runs. */
  readonly changing: ReadonlySet<number>;
  /** What they are called. */
  readonly entries: readonly EntryRef[];
  /** For each processor. */
  readonly moving: readonly (readonly MovingPage[])[];
  /** Registers that are loaded with entries, as `0:r1`. */
  readonly entryRegisters: ReadonlySet<string>;
  /** Whether pages share what may change of their translations, so that all depend on each other: tables, roots, large pages. */
  readonly pagesShare: boolean;
  readonly #test: LitmusTest;
  readonly #handlers: readonly { readonly name: string; readonly processor: number }[];

  constructor(test: LitmusTest, layout: LitmusLayout) {
    this.#test = test;
    this.layout = layout;
    this.#handlers = test.handlers;
    const cr4 = { set: 0n, clear: 0n };
    for (const item of test.initial) {
      if (item.kind === 'cr4') cr4[item.value ? 'set' : 'clear'] |= CR4_MASKS[item.bit];
    }
    this.initialCr4 = cr4;
    this.processors = test.processors.map(({ body }, processor) => {
      const handlers = new Map<number, readonly Operation[]>();
      for (const [index, handler] of test.handlers.entries()) {
        if (handler.processor === processor) handlers.set(FIRST_VECTOR + index, this.#compile(handler.body));
      }
      const start = test.initial.findLast((item) => item.kind === 'cr3' && item.processor === processor);
      const cr3 = start?.kind === 'cr3' ? this.#cr3(start.space, start.pcid) : this.#cr3('main', 0);
      return { main: this.#compile(body), handlers, cr3 };
    });
    const entries = this.#changingEntries();
    this.changing = new Set(entries.map(({ address }) => address));
    this.entries = entries.map(({ entry }) => entry);
    const contextsChange = this.processors.some((program) => operationsOf(program).some(changesContext));
    this.pagesShare = layout.names.large.size > 0 || contextsChange || entries.some(({ level }) => level > 1);
    this.moving = this.processors.map((program) => this.#movingPages(program, entries));
    this.entryRegisters = new Set(
      test.processors.flatMap(({ body }, processor) =>
        [...body, ...test.handlers.filter((each) => each.processor === processor).flatMap((each) => each.body)].flatMap(
          (instruction) => {
            if (instruction.kind !== 'load' && instruction.kind !== 'exchange') return [];
            const operand = instruction.kind === 'load' ? instruction.from : instruction.with;
            return operand.kind === 'entry' ? [`${processor}:${instruction.register}`] : [];
          },
        ),
      ),
    );
  }

  #compile(body: readonly Instruction[]): Operation[] {
    return body.map((instruction) => this.#operation(instruction));
  }

  #operation(instruction: Instruction): Operation {
    const { layout } = this;
    const { place } = instruction;
    switch (instruction.kind) {
      case 'load': {
        const { register, access } = instruction;
        return { kind: 'load', register, location: this.#location(instruction.from), access, place };
      }
      case 'store': {
        const { to, value, register, access } = instruction;
        return { kind: 'store', location: this.#location(to), value: this.#value(to, value), register, access, place };
      }
      case 'exchange': {
        const { with: operand, value, register } = instruction;
        const location = this.#location(operand);
        return { kind: 'exchange', register, location, value: this.#value(operand, value), place };
      }
      case 'change-bits': {
        const address = layout.entryAddress(instruction.entry);
        return { kind: 'change-bits', address, ...masksOf(instruction.changes), place };
      }
      case 'mfence':
      case 'serialize':
        return { kind: instruction.kind, place };
      case 'invlpg':
        return { kind: 'invlpg', address: layout.pageAddress(instruction.page), place };
      case 'invpcid-address': {
        const address = layout.pageAddress(instruction.page);
        return { kind: 'invpcid', type: InvpcidType.individualAddress, pcid: instruction.pcid, address, place };
      }
      case 'invpcid-context':
        return invpcid(InvpcidType.singleContext, instruction.pcid, place);
      case 'invpcid-all':
        return invpcid(InvpcidType.allIncludingGlobals, 0, place);
      case 'invpcid-non-global':
        return invpcid(InvpcidType.allExceptGlobals, 0, place);
      case 'mov-cr3': {
        const { space, pcid, noFlush } = instruction;
        return { kind: 'mov-to-cr3', value: this.#cr3(space, pcid) | (noFlush ? Cr3.NO_FLUSH : 0n), place };
      }
      case 'mov-cr4':
        return { kind: 'mov-to-cr4', bit: CR4_MASKS[instruction.bit], value: instruction.value, place };
      case 'ipi': {
        const { processor: target, handler } = instruction;
        const index = this.#handlers.findIndex((each) => each.name === handler && each.processor === target);
        assert(index >= 0, `handler ${handler} on processor ${target}`);
        return { kind: 'send-ipi', target, vector: FIRST_VECTOR + index, place };
      }
      case 'wait':
        return { kind: 'wait', address: layout.cellAddress(instruction.cell), value: instruction.value, place };
      case 'interrupts':
        return { kind: 'interrupts', enabled: instruction.enabled, place };
      default:
        return unreachable(instruction);
    }
  }

  #location(operand: Operand): Location {
    const { layout } = this;
    if (operand.kind === 'entry') return { kind: 'physical', address: layout.entryAddress(operand.entry) };
    const { cell } = operand;
    return layout.isPage(cell)
      ? { kind: 'linear', address: layout.pageAddress(cell.name) }
      : { kind: 'physical', address: layout.cellAddress(cell) };
  }

  #value(operand: Operand, value: Value): StoredValue {
    const none = { register: null, set: 0n, clear: 0n };
    switch (value.kind) {
      case 'number':
        return { ...none, constant: value.value };
      case 'content': {
        assert(operand.kind === 'entry', 'contents are those of entries');
        return { ...none, constant: this.layout.content(operand.entry, value.content) };
      }
      case 'register':
        return { constant: 0n, register: value.register, ...masksOf(value.changes) };
      default:
        return unreachable(value);
    }
  }

  #cr3(space: string, pcid: number): bigint {
    return BigInt(this.layout.root(space)) | BigInt(pcid);
  }

  /** Entries that instructions write, and entries in which a walk will set A, or D. */
  #changingEntries(): ChangingEntry[] {
    const entries: ChangingEntry[] = [];
    const add = (entry: EntryRef): void => {
      const page = pageOf(this.layout.pageAddress(entry.page.page));
      entries.push({ address: this.layout.entryAddress(entry), level: this.layout.entryLevel(entry), page, entry });
    };
    for (const { body } of [...this.#test.processors, ...this.#test.handlers]) {
      for (const instruction of body) {
        if (instruction.kind === 'change-bits') add(instruction.entry);
        if (instruction.kind === 'store' && instruction.to.kind === 'entry') add(instruction.to.entry);
        if (instruction.kind === 'exchange' && instruction.with.kind === 'entry') add(instruction.with.entry);
      }
    }
    for (const item of this.#test.initial) {
      if (item.kind === 'past-entry') add(item.entry);
      if (item.kind !== 'entry' || item.content.kind === 'invalid') continue;
      if (item.content.flags.includes('old') || item.content.flags.includes('clean')) add(item.entry);
    }
    return entries;
  }

  #movingPages(
    { main, handlers }: Pick<ProcessorProgram, 'main' | 'handlers'>,
    entries: readonly ChangingEntry[],
  ): MovingPage[] {
    const all = operationsOf({ main, handlers });
    const contextChanges = all.some(changesContext);
    const pages = new Set(all.flatMap((operation) => linearAddressOf(operation) ?? []));
    const interrupted = new Set([...handlers.values()].flat().flatMap((operation) => linearAddressOf(operation) ?? []));
    return [...pages].flatMap((address, index) => {
      const page = pageOf(address);
      const own = entries.filter(({ level, page: other }) => {
        const pagesThere = pagesPerEntry(level);
        return regionStart(page, pagesThere) === regionStart(other, pagesThere);
      });
      if (own.length === 0 && !contextChanges) return [];
      const walksShow = own.some((entry) => this.#mayLackAccessed(entry));
      const lastAccess = interrupted.has(address)
        ? Number.POSITIVE_INFINITY
        : main.findLastIndex((each) => linearAddressOf(each) === address);
      return [{ address, lastAccess, walksShow, group: this.pagesShare ? 0 : index }];
    });
  }

  #mayLackAccessed({ address }: ChangingEntry): boolean {
    const initial = this.#test.initial.some(
      (item) =>
        item.kind === 'entry' &&
        item.content.kind === 'refers' &&
        item.content.flags.includes('old') &&
        this.layout.entryAddress(item.entry) === address,
    );
    const isUnset = (constant: bigint): boolean =>
      (constant & PagingEntry.P) !== 0n && (constant & PagingEntry.A) === 0n;
    return (
      initial ||
      this.processors.some((program) =>
        operationsOf(program).some((operation) => {
          if (operation.kind === 'change-bits') {
            return operation.address === address && (operation.clear & PagingEntry.A) !== 0n;
          }
          if (operation.kind !== 'store' && operation.kind !== 'exchange') return false;
          if (operation.location.address !== address || operation.location.kind !== 'physical') return false;
          const { register, constant, clear } = operation.value;
          return register === null ? isUnset(constant) : (clear & PagingEntry.A) !== 0n;
        }),
      )
    );
  }
}

function operationsOf({ main, handlers }: Pick<ProcessorProgram, 'main' | 'handlers'>): Operation[] {
  return [...main, ...[...handlers.values()].flat()];
}

function changesContext({ kind }: Operation): boolean {
  return kind === 'mov-to-cr3' || kind === 'mov-to-cr4';
}

function invpcid(type: InvpcidType, pcid: number, place: Place): Operation {
  return { kind: 'invpcid', type, pcid, address: 0n as LinearAddress, place };
}

function masksOf(changes: readonly BitChange[]): { readonly set: bigint; readonly clear: bigint } {
  let set = 0n;
  let clear = 0n;
  for (const change of changes) {
    const mask = BIT_MASKS[change.bit];
    if (change.set) set |= mask;
    else clear |= mask;
  }
  return { set, clear };
}
