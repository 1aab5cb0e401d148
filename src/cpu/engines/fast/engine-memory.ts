/**
 * What the fast engines of one machine share: the linear memory, into which guest-physical memory moves, the handlers, and
 * the decoded code. Each engine has a block in it.
 */
import { assert } from '../../../base/assert.ts';
import { UnsupportedError } from '../../../base/errors.ts';
import type { PhysicalMemory } from '../../../memory/physical-memory.ts';
import { CodeCache } from './code-cache.ts';
import { Handlers } from './handlers.ts';
import { blockBytes, type Layout, layOut } from './layout.ts';
import { Records } from './records.ts';
import { type HostFunction, hostFunctions, runtimeFunctions, runtimeModule } from './runtime-functions.ts';
import { VectorTables } from './vector-tables.ts';
import { importNamespace, memoryName } from './wasm/module.ts';
import { createMemory, instantiate, type WasmImport, type WasmInstance, wasmPageBytes } from './wasm/web-assembly.ts';

/** What an engine does for generated code; the second number is what the function's description says. */
export type HostCalls = { readonly [F in HostFunction]: (what: number) => number };

export interface EngineMemoryOptions {
  /** Engines that may be made. */
  readonly processors?: number;
  /** Bytes for decoded code; when they are full, all of it is forgotten. */
  readonly codeBytes?: number;
  /** Handlers that there may be at a time; when there are as many, all decoded code is forgotten. */
  readonly handlers?: number;
}

const addressLimit = 2 ** 32 - wasmPageBytes;

export class EngineMemory {
  readonly memory: PhysicalMemory;
  readonly buffer: ArrayBuffer;
  readonly layout: Layout;
  readonly handlers: Handlers;
  readonly records: Records;
  readonly code: CodeCache;
  readonly runtime: WasmInstance;
  readonly #processors: number;
  readonly #engines: HostCalls[] = [];

  constructor(
    memory: PhysicalMemory,
    { processors = 64, codeBytes = 2 ** 25, handlers: limit = 8192 }: EngineMemoryOptions = {},
  ) {
    this.memory = memory;
    this.#processors = processors;
    this.layout = layOut(processors, memory.frames, codeBytes);
    if (this.layout.bytes > addressLimit) {
      throw new UnsupportedError(`the fast engine has room for less guest memory than ${memory.frames} frames`);
    }
    const wasm = createMemory(this.layout.bytes);
    this.buffer = wasm.buffer;
    memory.moveTo(this.buffer, this.layout.memory);
    const host = this.#hostFunctions();
    const module = runtimeModule(this.buffer.byteLength / wasmPageBytes, this.layout.memory);
    this.runtime = instantiate(module, { [importNamespace]: { [memoryName]: wasm } });
    const generated: Record<string, WasmImport> = {};
    for (const name of Object.keys(runtimeFunctions)) {
      const exported = this.runtime.exports[name];
      assert(exported !== undefined, 'the runtime module exports its functions');
      generated[name] = exported;
    }
    const tables = new VectorTables(this.buffer, this.layout.tables);
    this.handlers = new Handlers({ memory: wasm, tables, functions: { ...host, ...generated }, limit });
    this.records = new Records(this.buffer);
    const { buffer, layout, handlers, records } = this;
    this.code = new CodeCache({ buffer, layout, memory, handlers, records });
  }

  /** The block of a new engine, which will do what generated code asks for it. */
  allot(calls: HostCalls): number {
    const number = this.#engines.push(calls) - 1;
    if (number >= this.#processors) throw new UnsupportedError(`more than ${this.#processors} fast engines`);
    return this.layout.processors + number * blockBytes;
  }

  #hostFunctions(): Record<string, WasmImport> {
    const functions: Record<string, WasmImport> = {};
    for (const name of Object.keys(hostFunctions) as HostFunction[]) {
      functions[name] = (block = 0, what = 0) => {
        const engine = this.#engines[(block - this.layout.processors) / blockBytes];
        assert(engine !== undefined, 'generated code runs for an engine');
        return engine[name](what);
      };
    }
    return functions;
  }
}
