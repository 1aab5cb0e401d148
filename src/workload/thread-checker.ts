/** The static checks of one thread's statements: where they may stand, what they name, how large they are. */

import { unreachable } from '../base/assert.ts';
import { didYouMean } from './near-name.ts';
import type { Location, Outcome, PageRange, Place, Scenario, Statement, ThreadDeclaration } from './scenario-ast.ts';
import { SCENARIO_LIMITS } from './scenario-limits.ts';
import { bindingOf, KERNEL_SCOPE, PAGES_OF_SIZE, type Scope, type Variables } from './scenario-variables.ts';
import { statementsOf } from './scenario-walk.ts';

/** An access is of eight bytes, aligned: it never crosses a page. */
const ACCESS_BYTES = 8;
/** Linear addresses of user space end here at the latest: half of 57 bits. */
const USER_END = 2n ** 56n;

/** Throws the InputError of a scenario: what is wrong, and where when one place is to blame. */
export type Fail = (message: string, place?: Place) => never;

export class ThreadChecker {
  readonly #scenario: Scenario;
  readonly #thread: ThreadDeclaration;
  readonly #variables: Variables;
  readonly #fail: Fail;
  readonly #scope: Scope;
  /** Variables that only this thread binds, and has not bound so far. */
  readonly #unbound: Set<string>;

  constructor(scenario: Scenario, thread: ThreadDeclaration, variables: Variables, fail: Fail) {
    this.#scenario = scenario;
    this.#thread = thread;
    this.#variables = variables;
    this.#fail = fail;
    this.#scope = thread.space ?? KERNEL_SCOPE;
    const own = [...(variables.get(this.#scope) ?? [])].filter(([, { binder }]) => binder === thread.name);
    this.#unbound = new Set(own.map(([name]) => name));
  }

  check(): void {
    const { name, processor, place } = this.#thread;
    this.#processor(processor, place, `thread ${name} starts on`);
    for (const statement of statementsOf(this.#thread.body)) this.#statement(statement);
  }

  #statement(statement: Statement): void {
    const { place } = statement;
    switch (statement.kind) {
      case 'mmap': {
        this.#userOnly('mmap', place);
        const pages = statement.pages * PAGES_OF_SIZE[statement.size];
        this.#size(pages, place);
        if (statement.at !== null) this.#address(statement.at, PAGES_OF_SIZE[statement.size], pages, place);
        break;
      }
      case 'munmap':
      case 'mprotect':
      case 'madvise':
        this.#userOnly(statement.kind, place);
        this.#range(statement.range, this.#scope, place);
        break;
      case 'mremap':
        this.#userOnly('mremap', place);
        this.#range(statement.range, this.#scope, place);
        this.#size(statement.pages, place);
        break;
      case 'brk':
        this.#userOnly('brk', place);
        if (statement.pages > 0) this.#size(statement.pages, place);
        break;
      case 'fork':
        this.#userOnly('fork', place);
        break;
      case 'fetch':
        this.#userOnly('fetch', place);
        this.#location(statement.location, this.#scope, place);
        break;
      case 'read':
        this.#location(statement.location, this.#scope, place);
        break;
      case 'write':
        this.#location(statement.location, this.#scope, place);
        this.#written(statement.value, statement.outcome, place);
        break;
      case 'signal':
      case 'await':
        break;
      case 'run-on':
      case 'offline':
      case 'online':
        this.#processor(statement.processor, place, 'this names');
        break;
      case 'repeat':
        if (statement.count < 1) this.#fail('a repeat runs at least once', place);
        break;
      case 'reclaim':
      case 'migrate-pages':
        this.#kernelOnly(statement.kind === 'reclaim' ? 'reclaim' : 'migrate', place);
        this.#range(statement.range, this.#space(statement.space, place), place);
        break;
      case 'vmalloc':
        this.#kernelOnly('vmalloc', place);
        this.#size(statement.pages, place);
        break;
      case 'vfree':
        this.#kernelOnly('vfree', place);
        this.#variable(statement.variable, KERNEL_SCOPE, place);
        break;
      case 'speculate':
      case 'evict':
        this.#processor(statement.processor, place, 'this names');
        this.#location(statement.location, this.#space(statement.space, place), place);
        break;
      case 'flush':
        if (statement.what === 'mm') this.#userOnly('flush mm', place);
        break;
      default:
        unreachable(statement);
    }
    const binding = bindingOf(statement);
    if (binding !== null) this.#unbound.delete(binding.variable);
  }

  #userOnly(what: string, place: Place): void {
    if (this.#thread.space === null)
      this.#fail(`${what} needs a thread in a space; ${this.#thread.name} is of the kernel`, place);
  }

  #kernelOnly(what: string, place: Place): void {
    if (this.#thread.space !== null)
      this.#fail(`${what} is for kernel threads; ${this.#thread.name} is in a space`, place);
  }

  #processor(processor: number, place: Place, how: string): void {
    const { processors } = this.#scenario;
    if (processor < processors) return;
    this.#fail(`${how} processor ${processor}, and there are ${processors}, counted from 0`, place);
  }

  #space(name: string, place: Place): string {
    const spaces = this.#scenario.spaces.map((space) => space.name);
    if (!spaces.includes(name)) this.#fail(`space ${name} is not declared${didYouMean(name, spaces)}`, place);
    return name;
  }

  #size(pages: number, place: Place): void {
    if (pages < 1) this.#fail('a mapping has at least one page', place);
    if (pages <= SCENARIO_LIMITS.mappingPages) return;
    this.#fail(`a mapping has at most ${SCENARIO_LIMITS.mappingPages} pages of 4 KBytes, not ${pages}`, place);
  }

  #address(at: bigint, alignmentPages: number, pages: number, place: Place): void {
    const alignment = BigInt(alignmentPages) << 12n;
    if (at % alignment !== 0n)
      this.#fail(`0x${at.toString(16)} is not a multiple of 0x${alignment.toString(16)}`, place);
    if (at + (BigInt(pages) << 12n) > USER_END) this.#fail('the mapping would reach beyond the user addresses', place);
  }

  #range({ variable, pages }: PageRange, scope: Scope, place: Place): void {
    const known = this.#variable(variable, scope, place);
    if (pages === null) return;
    if (pages.first > pages.last) this.#fail(`${variable}[${pages.first}..${pages.last}] ends before it begins`, place);
    this.#page(variable, pages.last, known, place);
  }

  #location({ variable, page, offset }: Location, scope: Scope, place: Place): void {
    this.#page(variable, page, this.#variable(variable, scope, place), place);
    if (offset % ACCESS_BYTES !== 0) this.#fail(`an offset is a multiple of ${ACCESS_BYTES}, not ${offset}`, place);
  }

  #page(variable: string, page: number, known: number, place: Place): void {
    if (page < known) return;
    this.#fail(`${variable}[${page}] is out of range: ${variable} never has more than ${known} pages`, place);
  }

  /** The most pages that the variable can have. */
  #variable(name: string, scope: Scope, place: Place): number {
    const known = this.#variables.get(scope);
    const pages = known?.get(name)?.pages;
    const where = scope === KERNEL_SCOPE ? 'the kernel' : `space ${scope}`;
    if (pages === undefined)
      return this.#fail(`${where} has no variable ${name}${didYouMean(name, known?.keys() ?? [])}`, place);
    if (scope === this.#scope && this.#unbound.has(name)) this.#fail(`${name} has no mapping yet at this point`, place);
    return pages;
  }

  #written(value: bigint, outcome: Outcome, place: Place): void {
    if (outcome.kind !== 'value' || outcome.value === value) return;
    this.#fail(`a write of ${value} that succeeds leaves ${value}, not ${outcome.value}`, place);
  }
}
