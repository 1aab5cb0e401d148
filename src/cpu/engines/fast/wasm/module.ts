/** A WebAssembly module as bytes (WebAssembly Core Specification 2.0, 5.5): a memory and a table that it imports, functions. */
import { Code, type Type } from './code.ts';

export interface FunctionType {
  readonly parameters: readonly Type[];
  readonly results: readonly Type[];
}

export interface FunctionBody {
  readonly type: FunctionType;
  /** Types of the locals after the parameters. */
  readonly locals: readonly Type[];
  /** Without the final `end`. */
  readonly code: Code;
}

/** Everything is imported from one namespace. */
export const importNamespace = 'e';
export const memoryName = 'memory';
export const tableName = 'table';

const functionReference = 0x70;

export class ModuleBuilder {
  readonly #types: FunctionType[] = [];
  readonly #imports: { readonly name: string; readonly type: number }[] = [];
  readonly #functions: FunctionBody[] = [];
  readonly #exports: { readonly name: string; readonly index: number }[] = [];
  readonly #memoryPages: number;
  readonly #tableSize: number;

  /** The sizes of the memory and table that the module imports; without the table if that is 0. */
  constructor(memoryPages: number, tableSize: number) {
    this.#memoryPages = memoryPages;
    this.#tableSize = tableSize;
  }

  /** The number of a type. */
  type(type: FunctionType): number {
    const same = this.#types.findIndex(
      ({ parameters, results }) => sameTypes(parameters, type.parameters) && sameTypes(results, type.results),
    );
    if (same >= 0) return same;
    return this.#types.push(type) - 1;
  }

  /** All imports come before the first function. */
  importFunction(name: string, type: FunctionType): number {
    return this.#imports.push({ name, type: this.type(type) }) - 1;
  }

  function(body: FunctionBody): number {
    return this.#imports.length + this.#functions.push(body) - 1;
  }

  export(name: string, index: number): void {
    this.#exports.push({ name, index });
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const typeOf = this.#functions.map(({ type }) => this.type(type));
    const out = new Code();
    out.append([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    section(out, 1, this.#types, (code, { parameters, results }) => {
      code.append([0x60]).unsigned(parameters.length).append(parameters).unsigned(results.length).append(results);
    });
    const tables = this.#tableSize === 0 ? [] : (['table'] as const);
    section(out, 2, [...this.#imports, 'memory' as const, ...tables], (code, item) => {
      name(code, importNamespace);
      if (item === 'memory') {
        name(code, memoryName);
        code.append([2, 0]).unsigned(this.#memoryPages);
      } else if (item === 'table') {
        name(code, tableName);
        code.append([1, functionReference, 0]).unsigned(this.#tableSize);
      } else {
        name(code, item.name);
        code.append([0]).unsigned(item.type);
      }
    });
    section(out, 3, typeOf, (code, type) => code.unsigned(type));
    section(out, 7, this.#exports, (code, { name: text, index }) => {
      name(code, text);
      code.append([0]).unsigned(index);
    });
    section(out, 10, this.#functions, (code, { locals, code: body }) => {
      const inner = new Code();
      const runs = runsOf(locals);
      inner.unsigned(runs.length);
      for (const { type, count } of runs) inner.unsigned(count).append([type]);
      inner.append(body.bytes).end();
      code.unsigned(inner.bytes.length).append(inner.bytes);
    });
    return Uint8Array.from(out.bytes);
  }
}

function section<T>(out: Code, id: number, items: readonly T[], write: (code: Code, item: T) => void): void {
  if (items.length === 0) return;
  const code = new Code();
  code.unsigned(items.length);
  for (const item of items) write(code, item);
  out.append([id]).unsigned(code.bytes.length).append(code.bytes);
}

/** ASCII. */
function name(code: Code, text: string): void {
  code.unsigned(text.length);
  for (let at = 0; at < text.length; at++) code.append([text.charCodeAt(at)]);
}

function sameTypes(one: readonly Type[], other: readonly Type[]): boolean {
  return one.length === other.length && one.every((type, at) => type === other[at]);
}

interface Run {
  readonly type: Type;
  readonly count: number;
}

function runsOf(types: readonly Type[]): Run[] {
  const runs: Run[] = [];
  for (const type of types) {
    const last = runs.at(-1);
    if (last?.type === type) runs[runs.length - 1] = { type, count: last.count + 1 };
    else runs.push({ type, count: 1 });
  }
  return runs;
}
