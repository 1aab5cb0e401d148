/**
 * An era whose code is run through a sieve: every generator method of it, and every function that it sends to other
 * processors, is watched as it yields its actions, and one kind of action at one site is changed on its way out. The
 * sources of the era are not touched.
 *
 * Not seen: calls by `super`, of which eras have none.
 */
import type { Core, SmpFunction } from '../../src/kernel/core.ts';
import type { Action, Kernel } from '../../src/kernel/hardware.ts';
import type { Era, Tlb } from '../../src/kernel/tlb/era.ts';
import { type Change, describeAction, keyOf, type Mutation, type Site } from './action-site.ts';
import { NamedCells } from './cell-names.ts';

/** Called for each action that has a site. */
export type Witness = (site: Site) => void;

const NO_FLUSH = 1n << 63n;

/** The era with the mutation, or, without one, the era as it is, watched. */
export function mutatedEra(era: Era, mutation: Mutation | null, witness: Witness = () => {}): Era {
  const id = mutation === null ? era.id : `${era.id}~${mutation.change}~${keyOf(mutation)}`;
  return { ...era, id, tlb: (core) => new Sieve(core, era, mutation, witness).tlb };
}

class Sieve {
  readonly tlb: Tlb;
  readonly #cells = new NamedCells();
  readonly #mutation: Mutation | null;
  readonly #witness: Witness;
  /** The innermost method of the era that each action under way comes from. */
  readonly #methods = new WeakMap<Action, string>();
  /** Whether the code that is running now runs inside a sieve already. */
  #inside = false;

  constructor(core: Core, era: Era, mutation: Mutation | null, witness: Witness) {
    this.#mutation = mutation;
    this.#witness = witness;
    this.tlb = era.tlb(this.#watchedCore(core));
    this.#cells.learnArgument(core.init_mm);
    this.#cells.learnProcessors(this.tlb, core.hardware.processors);
    this.#watchMethods(this.tlb);
  }

  /** What the era sends to other processors is its code, too. */
  #watchedCore(core: Core): Core {
    const sieved =
      (func: SmpFunction): SmpFunction =>
      (cpu) =>
        this.#sieve(func(cpu));
    return new Proxy(core, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (name === 'smp_call_function_many' || name === 'on_each_cpu_mask') {
          return (cpu: number, mask: bigint, func: SmpFunction, ...rest: unknown[]) =>
            Reflect.apply(value, target, [cpu, mask, sieved(func), ...rest]);
        }
        if (name === 'on_each_cpu') {
          return (cpu: number, func: SmpFunction) => Reflect.apply(value, target, [cpu, sieved(func)]);
        }
        return value.bind(target);
      },
    });
  }

  /** Each generator method says of the actions that come from it, and from no method deeper down, that they are its own. */
  #watchMethods(tlb: Tlb): void {
    const entries: ReadonlySet<string> = new Set(ENTRIES);
    for (const [name, method] of generatorMethods(tlb)) {
      const own = (...args: unknown[]): Kernel<unknown> => {
        for (const argument of args) this.#cells.learnArgument(argument);
        const code = this.#name(name, Reflect.apply(method, tlb, args) as Kernel<unknown>);
        return entries.has(name) ? this.#sieve(code) : code;
      };
      Reflect.set(tlb, name, own);
    }
  }

  *#name<T>(method: string, code: Kernel<T>): Kernel<T> {
    let next = code.next(0n);
    while (!next.done) {
      const action = next.value;
      if (!this.#methods.has(action)) this.#methods.set(action, method);
      let result: bigint;
      try {
        result = yield action;
      } catch (error) {
        next = code.throw(error);
        continue;
      }
      next = code.next(result);
    }
    return next.value;
  }

  /** Acts around the outermost code only, so that an action can change places with one of another method. */
  *#sieve<T>(code: Kernel<T>): Kernel<T> {
    if (this.#inside) return yield* code;
    let next = this.#resume(code, 0n);
    /** What has been held back until one more action has been executed. */
    let held: Action | null = null;
    while (!next.done) {
      const action = next.value;
      const change = this.#changeOf(action);
      let result: bigint;
      if (change === 'late' && held === null) {
        result = action.kind === 'locked' ? yield { kind: 'load', address: action.address } : 0n;
        held = action;
      } else {
        result = change === null || change === 'late' ? yield action : yield* changed(action, change);
        if (held !== null) {
          yield held;
          held = null;
        }
      }
      next = this.#resume(code, result);
    }
    if (held !== null) yield held;
    return next.value;
  }

  #resume<T>(code: Kernel<T>, result: bigint): IteratorResult<Action, T> {
    this.#inside = true;
    try {
      return code.next(result);
    } finally {
      this.#inside = false;
    }
  }

  #changeOf(action: Action): Change | null {
    const method = this.#methods.get(action);
    const what = describeAction(action, this.#cells.names);
    if (method === undefined || what === null) return null;
    const site = { method, what };
    this.#witness(site);
    return this.#mutation !== null && keyOf(site) === keyOf(this.#mutation) ? this.#mutation.change : null;
  }
}

/** What stands in for the action. Result: what the era gets back. */
function* changed(action: Action, change: Exclude<Change, 'late'>): Kernel<bigint> {
  if (action.kind === 'locked') {
    const before = yield { kind: 'load', address: action.address };
    const after = change === 'unlock' ? outcome(action, before) : null;
    if (after !== null) yield { kind: 'store', address: action.address, value: after };
    return before;
  }
  if (action.kind === 'mov-to-cr3' && change === 'keep') return yield { ...action, value: action.value | NO_FLUSH };
  return 0n;
}

function outcome(action: Extract<Action, { kind: 'locked' }>, before: bigint): bigint | null {
  switch (action.operation) {
    case 'add':
      return BigInt.asUintN(64, before + action.operand);
    case 'or':
      return before | action.operand;
    case 'and':
      return before & action.operand;
    case 'exchange':
      return action.operand;
    case 'compare-exchange':
      return before === action.expected ? action.operand : null;
  }
}

/** By which the rest of the kernel enters. */
const ENTRIES: readonly (keyof Tlb)[] = [
  'switch_mm_irqs_off',
  'enter_lazy_tlb',
  'leave_mm',
  'flush_tlb_mm_range',
  'flush_tlb_all',
  'flush_tlb_kernel_range',
  'arch_tlbbatch_add_mm',
  'arch_tlbbatch_flush',
  'destroy_context',
  'initialize_tlbstate_and_flush',
];

function generatorMethods(object: object): Map<string, (...args: unknown[]) => unknown> {
  const found = new Map<string, (...args: unknown[]) => unknown>();
  for (let proto: unknown = Object.getPrototypeOf(object); isObject(proto); proto = Object.getPrototypeOf(proto)) {
    for (const name of Object.getOwnPropertyNames(proto)) {
      const method: unknown = Reflect.getOwnPropertyDescriptor(proto, name)?.value;
      if (!found.has(name) && isGeneratorFunction(method)) found.set(name, method);
    }
  }
  return found;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

const GeneratorFunction: unknown = Object.getPrototypeOf(function* () {}).constructor;

function isGeneratorFunction(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === 'function' && value.constructor === GeneratorFunction;
}
