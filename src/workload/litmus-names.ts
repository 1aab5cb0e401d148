/**
 * What the names of a litmus test stand for, and whether every use agrees with that: pages, frames, large pages, spare
 * tables, plain cells, address spaces, handlers, registers.
 */
import { unreachable } from '../base/assert.ts';
import { InputError } from '../base/errors.ts';
import type { CellRef, Condition, EntryContent, EntryRef, Instruction, LitmusTest, Subject } from './litmus-ast.ts';
import { LITMUS_LIMITS } from './litmus-lexer.ts';
import { MAIN_SPACE } from './litmus-term-parser.ts';
import { didYouMean } from './near-name.ts';
import type { Place } from './scenario-ast.ts';

export interface LitmusNames {
  /** In the order of their first mention. */
  readonly pages: ReadonlySet<string>;
  /** From a page to the one whose region it shares. */
  readonly neighbours: ReadonlyMap<string, string>;
  readonly spaces: ReadonlySet<string>;
  readonly tables: ReadonlySet<string>;
  readonly large: ReadonlySet<string>;
  readonly frames: ReadonlySet<string>;
  /** Plain variables, which no page translates to. */
  readonly cells: ReadonlySet<string>;
}

/** The names as the initial state, and whatever entries refer to, declare them. */
export function namesOf(test: LitmusTest): LitmusNames {
  const pages = new Set<string>();
  const neighbours = new Map<string, string>();
  const declared = { space: new Set([MAIN_SPACE]), table: new Set<string>(), large: new Set<string>() };
  for (const item of test.initial) {
    switch (item.kind) {
      case 'space':
      case 'table':
      case 'large':
        declared[item.kind].add(item.name);
        break;
      case 'entry':
      case 'past-entry':
        pages.add(item.entry.page.page);
        break;
      case 'beside':
        pages.add(item.page);
        neighbours.set(item.page, item.neighbour);
        break;
      default:
    }
  }
  const { space: spaces, table: tables, large } = declared;
  const referred = contentsOf(test).flatMap((content) => (content.kind === 'refers' ? [content.to] : []));
  const frames = new Set(referred.filter((name) => !tables.has(name) && !large.has(name)));
  const given = test.initial.flatMap((item) => (item.kind === 'cell' ? [item.cell.name] : []));
  const cells = new Set(given.filter((name) => !frames.has(name) && !large.has(name)));
  return { pages, neighbours, spaces, tables, large, frames, cells };
}

function contentsOf({ initial, processors, handlers }: LitmusTest): EntryContent[] {
  const contents: EntryContent[] = [];
  for (const item of initial) if (item.kind === 'entry' || item.kind === 'past-entry') contents.push(item.content);
  for (const { body } of [...processors, ...handlers]) {
    for (const instruction of body) {
      if (instruction.kind !== 'store' && instruction.kind !== 'exchange') continue;
      if (instruction.value.kind === 'content') contents.push(instruction.value.content);
    }
  }
  return contents;
}

/** Throws InputError for the first name that is not what its use takes it for. */
export function checkNames(test: LitmusTest, file: string): void {
  new NameCheck(test, file).check();
}

class NameCheck {
  readonly #test: LitmusTest;
  readonly #file: string;
  readonly #names: LitmusNames;

  constructor(test: LitmusTest, file: string) {
    this.#test = test;
    this.#file = file;
    this.#names = namesOf(test);
  }

  check(): void {
    this.#checkInitial();
    const { processors, handlers, expectations } = this.#test;
    for (const { body } of processors) for (const instruction of body) this.#instruction(instruction);
    for (const { name, processor, body, place } of handlers) {
      if (processor >= processors.length) throw this.#error(`there is no P${processor}`, place);
      if (handlers.filter((other) => other.name === name && other.processor === processor).length > 1) {
        throw this.#error(`P${processor} has two handlers "${name}"`, place);
      }
      for (const instruction of body) this.#instruction(instruction);
    }
    for (const { condition, place } of expectations) this.#condition(condition, place);
  }

  #checkInitial(): void {
    const { pages, neighbours, spaces, tables, large, frames, cells } = this.#names;
    const kinds = { page: pages, space: spaces, table: tables, 'large page': large, frame: frames, cell: cells };
    let count = 0;
    for (const [kind, names] of Object.entries(kinds)) {
      for (const name of names) {
        count++;
        const other = Object.entries(kinds).find(([each, those]) => each !== kind && those.has(name));
        if (other !== undefined)
          throw this.#error(`"${name}" is both a ${other[0]} and a ${kind}`, this.#placeOf(name));
        if (count > LITMUS_LIMITS.names) {
          throw this.#error(`a test has at most ${LITMUS_LIMITS.names} names`, this.#placeOf(name));
        }
      }
    }
    for (const item of this.#test.initial) {
      switch (item.kind) {
        case 'entry':
        case 'past-entry':
          this.#entry(item.entry);
          this.#content(item.entry, item.content);
          break;
        case 'cell':
          this.#cell(item.cell, 'physical');
          break;
        case 'beside':
          this.#page(item.neighbour, item.place);
          if (neighbours.has(item.neighbour) || item.page === item.neighbour) {
            throw this.#error(`"${item.neighbour}" must be a page with a region of its own`, item.place);
          }
          break;
        case 'cr3':
          this.#processor(item.processor, item.place);
          this.#space(item.space, item.place);
          break;
        default:
      }
    }
  }

  #instruction(instruction: Instruction): void {
    const { place } = instruction;
    switch (instruction.kind) {
      case 'load':
        if (instruction.from.kind === 'entry') this.#entry(instruction.from.entry);
        else this.#accessed(instruction.from.cell, instruction.access.user || instruction.access.kind === 'fetch');
        return;
      case 'store':
      case 'exchange': {
        const operand = instruction.kind === 'store' ? instruction.to : instruction.with;
        if (operand.kind === 'entry') {
          this.#entry(operand.entry);
          if (instruction.value.kind === 'content') this.#content(operand.entry, instruction.value.content);
        } else this.#accessed(operand.cell, instruction.kind === 'store' && instruction.access.user);
        return;
      }
      case 'change-bits':
        this.#entry(instruction.entry);
        return;
      case 'invlpg':
      case 'invpcid-address':
        this.#page(instruction.page, place);
        return;
      case 'mov-cr3':
        this.#space(instruction.space, place);
        return;
      case 'ipi':
        this.#processor(instruction.processor, place);
        if (
          !this.#test.handlers.some(
            ({ name, processor }) => name === instruction.handler && processor === instruction.processor,
          )
        ) {
          throw this.#error(`P${instruction.processor} has no handler "${instruction.handler}"`, place);
        }
        return;
      case 'wait':
        this.#cell(instruction.cell, 'physical');
        return;
      case 'mfence':
      case 'serialize':
      case 'invpcid-context':
      case 'invpcid-all':
      case 'invpcid-non-global':
      case 'mov-cr4':
      case 'interrupts':
        return;
      default:
        unreachable(instruction);
    }
  }

  #condition(condition: Condition, place: Place): void {
    switch (condition.kind) {
      case 'and':
      case 'or':
        for (const each of condition.of) this.#condition(each, place);
        return;
      case 'not':
        this.#condition(condition.of, place);
        return;
      case 'refers':
        if (condition.to !== null) this.#known(condition.to, this.#referable(), 'frame or table', place);
        this.#subject(condition.subject, place);
        return;
      default:
        this.#subject(condition.subject, place);
        return;
    }
  }

  #subject(subject: Subject, place: Place): void {
    switch (subject.kind) {
      case 'register': {
        this.#processor(subject.processor, place);
        const { processors, handlers } = this.#test;
        const bodies = [
          ...processors.filter((_, index) => index === subject.processor),
          ...handlers.filter(({ processor }) => processor === subject.processor),
        ];
        const isWritten = bodies.some(({ body }) =>
          body.some((instruction) => 'register' in instruction && instruction.register === subject.register),
        );
        if (!isWritten) throw this.#error(`P${subject.processor} never writes ${subject.register}`, place);
        return;
      }
      case 'cell':
        this.#cell(subject.cell, 'physical');
        return;
      case 'entry':
        this.#entry(subject.entry);
        return;
      default:
        unreachable(subject);
    }
  }

  #accessed(cell: CellRef, mustBePage: boolean): void {
    if (this.#names.pages.has(cell.name) && cell.piece === null) return;
    if (mustBePage) throw this.#error(`only pages are accessed by user code, or fetched: "${cell.name}"`, cell.place);
    this.#cell(cell, 'any');
  }

  #cell({ name, piece, place }: CellRef, wanted: 'physical' | 'any'): void {
    const { large, frames, cells, pages } = this.#names;
    if (piece !== null) {
      this.#known(name, large, 'large page', place);
      this.#page(piece, place);
      return;
    }
    if (large.has(name)) throw this.#error(`which piece of the large page? "[${name}[x]]" is that of page x`, place);
    const candidates = wanted === 'any' ? [...frames, ...cells, ...pages] : [...frames, ...cells];
    this.#known(name, new Set(candidates), 'frame or cell that the initial state gives a value', place);
  }

  #entry(entry: EntryRef): void {
    this.#page(entry.page.page, entry.page.place);
    this.#space(entry.page.space, entry.page.place);
    if (entry.kind === 'in-table') this.#known(entry.table, this.#names.tables, 'table', entry.page.place);
  }

  #content(entry: EntryRef, content: EntryContent): void {
    if (content.kind === 'invalid') return;
    const { to, flags, place } = content;
    const level = entry.kind === 'in-table' ? 'PTE' : entry.kind;
    const isLarge = flags.includes('large');
    if (isLarge && level !== 'PDE') throw this.#error('only a PDE maps a large page here', place);
    if (isLarge !== this.#names.large.has(to)) {
      throw this.#error('large pages are mapped "with large", and nothing else is', place);
    }
    const refersToTable = this.#names.tables.has(to);
    if (level === 'PTE' && refersToTable) throw this.#error('a PTE refers to no table', place);
    if (level !== 'PTE' && !isLarge && !(level === 'PDE' && refersToTable)) {
      throw this.#error(`a ${level} is "invalid" here, or, if a PDE, refers to a spare table or a large page`, place);
    }
  }

  #page(page: string, place: Place): void {
    this.#known(page, this.#names.pages, 'page', place);
  }

  #space(space: string, place: Place): void {
    this.#known(space, this.#names.spaces, 'space', place);
  }

  #processor(processor: number, place: Place): void {
    if (processor >= this.#test.processors.length) throw this.#error(`there is no P${processor}`, place);
  }

  /** Where a name is given a meaning last. */
  #placeOf(name: string): Place {
    const places: Place[] = [];
    for (const item of this.#test.initial) {
      const declared = item.kind === 'cell' ? item.cell.name : item.kind === 'beside' ? item.page : null;
      const named = 'name' in item ? item.name : 'entry' in item ? item.entry.page.page : declared;
      if (named === name) places.push(item.place);
    }
    for (const content of contentsOf(this.#test)) {
      if (content.kind === 'refers' && content.to === name) places.push(content.place);
    }
    return places.at(-1) ?? { line: 1, column: 1 };
  }

  #referable(): Set<string> {
    return new Set([...this.#names.frames, ...this.#names.tables, ...this.#names.large]);
  }

  #known(name: string, names: ReadonlySet<string>, what: string, place: Place): void {
    if (!names.has(name)) throw this.#error(`there is no ${what} "${name}"${didYouMean(name, names)}`, place);
  }

  #error(message: string, place: Place): InputError {
    return new InputError(message, { file: this.#file, ...place });
  }
}
