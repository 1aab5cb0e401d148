/**
 * A toy multiprocessor for the explorer's tests: straight-line programs over a few shared variables, sequentially
 * consistent or with a store buffer for each thread, whose drain is a thread of its own.
 */
import { present, unreachable } from '../../../src/base/assert.ts';
import type { Footprint } from '../../../src/explore/footprint.ts';
import { Hash } from '../../../src/explore/hash.ts';
import type { Model, System, Violation } from '../../../src/explore/model.ts';

export type Operation =
  | { readonly op: 'read'; readonly variable: number; readonly register: number }
  | { readonly op: 'write'; readonly variable: number; readonly value: number }
  /** Atomic; `most` is an assertion about the sum. Drains the store buffer first. */
  | { readonly op: 'add'; readonly variable: number; readonly value: number; readonly most?: number }
  /** Waits until the variable is 0, then makes it 1. */
  | { readonly op: 'lock'; readonly variable: number }
  | { readonly op: 'unlock'; readonly variable: number }
  /** Waits until one of the variables has its value. */
  | { readonly op: 'wait'; readonly until: readonly { readonly variable: number; readonly value: number }[] }
  | { readonly op: 'fence' }
  /** A number below `below` of the thread's own choice. */
  | { readonly op: 'choose'; readonly register: number; readonly below: number };

export interface Program {
  readonly threads: readonly (readonly Operation[])[];
  readonly variables: number;
  readonly storeBuffers?: boolean;
  /** Only holders release, so an acquire and a release of one lock are never both possible. Without store buffers. */
  readonly lockDiscipline?: boolean;
  /** Renamings of threads with what they do to variables: for symmetry. Permutation 0 is the identity. */
  readonly symmetry?: readonly { readonly threads: readonly number[]; readonly variables: readonly number[] }[];
}

export interface ToyStep {
  readonly key: number;
  readonly thread: number;
  readonly kind: Kind;
  /** Variables read and written, as bits. */
  readonly reads: number;
  readonly writes: number;
  /** For push and drain: which of the thread's stores; for an operation: which alternative. */
  readonly slot: number;
  /** Whose store buffer; -1 for none. */
  readonly buffer: number;
}

const KINDS = ['operation', 'acquire', 'release', 'push', 'drain', 'flushed'] as const;
type Kind = (typeof KINDS)[number];

const REGISTERS = 8;

export function toyModel(program: Program): Model<ToyStep> {
  const code = new Code(program);
  const { symmetry } = program;
  return {
    threads: program.threads.length * (program.storeBuffers === true ? 2 : 1),
    create: () => new Toy(code),
    thread: (step) => step.thread,
    key: (step) => step.key,
    dependent,
    causes,
    background: (step) => step.kind === 'drain',
    ...(program.lockDiscipline === true
      ? {
          mayBeCoenabled: (a, b) =>
            (a.kind !== 'acquire' || b.kind !== 'release') && (a.kind !== 'release' || b.kind !== 'acquire'),
        }
      : {}),
    ...(symmetry === undefined
      ? {}
      : {
          symmetry: {
            permutations: symmetry.length,
            inverse: (permutation) => code.inverse(permutation),
            rename: (step, permutation) => code.rename(step, permutation),
          },
        }),
  };
}

/** The same model, whose systems observe what their steps touch; its own relation says nothing. */
export function observedModel(program: Program): Model<ToyStep> {
  const { symmetry: _none, causes: _nothing, mayBeCoenabled: _unknown, ...model } = toyModel(program);
  const code = new Code(program);
  return { ...model, dependent: () => true, create: () => new ObservedToy(code) };
}

/** Variables are resources 0 to 31, and each store that waits has one: pushed, drained, and waited for by a fence. */
function footprintOf({ reads, writes, kind, buffer, slot }: ToyStep): Footprint {
  const bits = (set: number): number[] => Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (set >> bit) & 1);
  const store = (number: number): number => 32 + 32 * buffer + number;
  const flushed = kind === 'flushed' ? Array.from({ length: 32 }, (_, number) => store(number)) : [];
  const own = kind === 'push' || kind === 'drain' ? [store(slot)] : [];
  return { reads: [...bits(reads), ...flushed], writes: [...bits(writes), ...own], everything: false };
}

function dependent(a: ToyStep, b: ToyStep): boolean {
  if (a.thread === b.thread) return true;
  if ((a.writes & (b.reads | b.writes)) !== 0 || (b.writes & a.reads) !== 0) return true;
  if (a.buffer !== b.buffer || a.buffer === -1) return false;
  if (a.kind === 'flushed' || b.kind === 'flushed') return true;
  return a.kind !== b.kind && a.slot === b.slot;
}

const KIND_OF: Readonly<Record<Operation['op'], Kind>> = {
  read: 'operation',
  write: 'operation',
  add: 'operation',
  lock: 'acquire',
  unlock: 'release',
  wait: 'operation',
  fence: 'operation',
  choose: 'operation',
};

/** Only what was stored drains, and a fence waits until all that was stored has drained. */
function causes(earlier: ToyStep, later: ToyStep): boolean {
  if (earlier.buffer !== later.buffer) return false;
  if (earlier.kind === 'push') return later.kind === 'drain' && earlier.slot === later.slot;
  return earlier.kind === 'drain' && later.kind === 'flushed';
}

/** The program with its steps made beforehand. */
class Code {
  readonly program: Program;
  /** [thread][pc]: the alternatives. */
  readonly steps: readonly (readonly (readonly ToyStep[])[])[];
  /** [thread][slot] */
  readonly drains: readonly (readonly ToyStep[])[];
  readonly #byKey = new Map<number, ToyStep>();

  constructor(program: Program) {
    this.program = program;
    const buffered = program.storeBuffers === true;
    this.steps = program.threads.map((operations, thread) => {
      let slot = 0;
      return operations.map((operation) => {
        const stores = operation.op === 'write' || operation.op === 'unlock';
        if (buffered && stores) {
          return [this.#make({ thread, kind: 'push', reads: 0, writes: 0, slot: slot++, buffer: thread })];
        }
        const { reads, writes } = footprint(operation);
        const flushes = buffered && (operation.op === 'fence' || operation.op === 'add' || operation.op === 'lock');
        const kind = flushes ? 'flushed' : KIND_OF[operation.op];
        const alternatives = operation.op === 'choose' ? operation.below : 1;
        return Array.from({ length: alternatives }, (_, alternative) =>
          this.#make({ thread, kind, reads, writes, slot: alternative, buffer: flushes ? thread : -1 }),
        );
      });
    });
    this.drains = program.threads.map((operations, thread) =>
      operations
        .filter(({ op }) => op === 'write' || op === 'unlock')
        .map((operation, slot) =>
          this.#make({
            thread: program.threads.length + thread,
            kind: 'drain',
            reads: 0,
            writes: footprint(operation).writes,
            slot,
            buffer: thread,
          }),
        ),
    );
  }

  inverse(permutation: number): number {
    const all = present(this.program.symmetry, 'symmetry');
    const { threads } = present(all[permutation], 'permutation');
    return all.findIndex((other) => threads.every((to, from) => other.threads[to] === from));
  }

  rename(step: ToyStep, permutation: number): ToyStep {
    const { threads, variables } = present(this.program.symmetry?.[permutation], 'permutation');
    const count = this.program.threads.length;
    const bits = (set: number): number => variables.reduce((sum, to, from) => sum | (((set >> from) & 1) << to), 0);
    const thread = threads[step.thread % count] as number;
    return this.#make({
      ...step,
      thread: step.thread >= count ? thread + count : thread,
      reads: bits(step.reads),
      writes: bits(step.writes),
      buffer: step.buffer === -1 ? -1 : thread,
    });
  }

  #make(step: Omit<ToyStep, 'key'>): ToyStep {
    const key =
      (((step.thread * KINDS.length + KINDS.indexOf(step.kind)) * 256 + step.reads) * 256 + step.writes) * 64 +
      step.slot;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const made = { ...step, key };
    this.#byKey.set(key, made);
    return made;
  }
}

function footprint(operation: Operation): { reads: number; writes: number } {
  switch (operation.op) {
    case 'read':
      return { reads: 1 << operation.variable, writes: 0 };
    case 'write':
    case 'unlock':
    case 'add':
    case 'lock':
      return { reads: 0, writes: 1 << operation.variable };
    case 'wait':
      return { reads: operation.until.reduce((set, { variable }) => set | (1 << variable), 0), writes: 0 };
    case 'fence':
    case 'choose':
      return { reads: 0, writes: 0 };
    default:
      return unreachable(operation);
  }
}

class Toy implements System<ToyStep> {
  readonly #code: Code;
  readonly #buffered: boolean;
  readonly #pc: number[];
  readonly #drained: number[];
  readonly #stores: { variable: number; value: number }[][];
  readonly #memory: number[];
  readonly #registers: number[];
  readonly #hash = new Hash();
  #violation: Violation | null = null;

  constructor(code: Code) {
    this.#code = code;
    const { threads, variables, storeBuffers } = code.program;
    this.#buffered = storeBuffers === true;
    this.#pc = threads.map(() => 0);
    this.#drained = threads.map(() => 0);
    this.#stores = threads.map(() => []);
    this.#memory = new Array<number>(variables).fill(0);
    this.#registers = new Array<number>(threads.length * REGISTERS).fill(-1);
  }

  enabled(): readonly ToyStep[] {
    return this.#list(true);
  }

  blocked(): readonly ToyStep[] {
    return this.#list(false);
  }

  apply(step: ToyStep): void {
    this.#violation = null;
    if (step.kind === 'drain') {
      const { variable, value } = present(this.#stores[step.buffer]?.[step.slot], 'a store to drain');
      this.#memory[variable] = value;
      this.#drained[step.buffer] = step.slot + 1;
      return;
    }
    const { thread } = step;
    const pc = this.#pc[thread] as number;
    this.#pc[thread] = pc + 1;
    const operation = present(this.#code.program.threads[thread]?.[pc], 'an operation');
    switch (operation.op) {
      case 'read':
        this.#registers[thread * REGISTERS + operation.register] = this.#load(thread, operation.variable);
        return;
      case 'write':
        this.#store(thread, operation.variable, operation.value);
        return;
      case 'unlock':
        this.#store(thread, operation.variable, 0);
        return;
      case 'lock':
        this.#memory[operation.variable] = 1;
        return;
      case 'add': {
        const sum = (this.#memory[operation.variable] as number) + operation.value;
        this.#memory[operation.variable] = sum;
        if (sum > (operation.most ?? sum)) {
          this.#violation = { id: 'too much', message: `variable ${operation.variable} is ${sum}` };
        }
        return;
      }
      case 'choose':
        this.#registers[thread * REGISTERS + operation.register] = step.slot;
        return;
      case 'wait':
      case 'fence':
        return;
      default:
        unreachable(operation);
    }
  }

  violation(): Violation | null {
    return this.#violation;
  }

  outcome(): string | null {
    const { threads } = this.#code.program;
    if (threads.some((operations, thread) => (this.#pc[thread] as number) < operations.length)) return null;
    const registers = threads.map((_, thread) =>
      this.#registers
        .slice(thread * REGISTERS, (thread + 1) * REGISTERS)
        .filter((value) => value !== -1)
        .join(''),
    );
    return `${registers.join(' ')} | ${this.#memory.join('')}`;
  }

  fingerprint(into: Uint32Array, permutation: number): void {
    const { program } = this.#code;
    const hash = this.#hash;
    hash.reset();
    const renaming = permutation === 0 ? null : present(program.symmetry?.[permutation], 'permutation');
    for (let at = 0; at < program.threads.length; at++) {
      const thread = renaming === null ? at : renaming.threads.indexOf(at);
      hash.word(this.#pc[thread] as number);
      hash.word(this.#drained[thread] as number);
      for (let register = 0; register < REGISTERS; register++) {
        hash.word(this.#registers[thread * REGISTERS + register] as number);
      }
    }
    for (let at = 0; at < program.variables; at++) {
      hash.word(this.#memory[renaming === null ? at : renaming.variables.indexOf(at)] as number);
    }
    hash.finish(into);
  }

  #list(enabled: boolean): ToyStep[] {
    const list: ToyStep[] = [];
    const { threads } = this.#code.program;
    for (let thread = 0; thread < threads.length; thread++) {
      const pc = this.#pc[thread] as number;
      const operation = threads[thread]?.[pc];
      if (operation === undefined || this.#possible(thread, operation) !== enabled) continue;
      for (const step of this.#code.steps[thread]?.[pc] ?? []) list.push(step);
    }
    if (!enabled || !this.#buffered) return list;
    for (let thread = 0; thread < threads.length; thread++) {
      const drained = this.#drained[thread] as number;
      if (drained < (this.#stores[thread] as unknown[]).length) {
        list.push(present(this.#code.drains[thread]?.[drained], 'a drain'));
      }
    }
    return list;
  }

  #possible(thread: number, operation: Operation): boolean {
    switch (operation.op) {
      case 'lock':
        return this.#flushed(thread) && this.#memory[operation.variable] === 0;
      case 'add':
      case 'fence':
        return this.#flushed(thread);
      case 'wait':
        return operation.until.some(({ variable, value }) => this.#load(thread, variable) === value);
      default:
        return true;
    }
  }

  #flushed(thread: number): boolean {
    return !this.#buffered || this.#drained[thread] === (this.#stores[thread] as unknown[]).length;
  }

  #load(thread: number, variable: number): number {
    if (this.#buffered) {
      const stores = this.#stores[thread] as { variable: number; value: number }[];
      for (let slot = stores.length - 1; slot >= (this.#drained[thread] as number); slot--) {
        const store = stores[slot];
        if (store?.variable === variable) return store.value;
      }
    }
    return this.#memory[variable] as number;
  }

  #store(thread: number, variable: number, value: number): void {
    if (this.#buffered) (this.#stores[thread] as { variable: number; value: number }[]).push({ variable, value });
    else this.#memory[variable] = value;
  }
}

class ObservedToy extends Toy {
  #observing = false;
  #footprint: Footprint | null = null;

  observe(on: boolean): void {
    this.#observing = on;
  }

  override apply(step: ToyStep): void {
    super.apply(step);
    this.#footprint = this.#observing ? footprintOf(step) : null;
  }

  footprint(): Footprint {
    return present(this.#footprint, 'a step that was observed');
  }

  condition(step: ToyStep): Footprint {
    return footprintOf(step);
  }
}
