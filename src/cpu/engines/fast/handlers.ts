/**
 * The handlers, one for each shape of instruction that was ever decoded, and the functions that hold them.
 *
 * New handlers are compiled as functions of their own, in one small module whenever one of them is called. The
 * interpreter calls them through a table, which is slow but at once. When enough of such calls were made, or of such
 * handlers, the interpreter is compiled anew with all known handlers as branches of one switch: the compiler's best form
 * of it, which takes milliseconds. Nothing that a guest can see depends on which of the two executes an instruction.
 */
import { InvariantError, UnsupportedError } from '../../../base/errors.ts';
import type { Exception } from '../../exception.ts';
import type { Instruction } from '../../instruction.ts';
import { semanticsByForm } from '../../semantics/table.ts';
import { emitCrossing, emitRunEnd } from './continuation.ts';
import { Emitter, Leave, localTypes, Parameter } from './emitter.ts';
import { FastBuilder } from './fast-builder.ts';
import { Block, Rec } from './layout.ts';
import { functionNumber, importFunctions } from './runtime-functions.ts';
import { shapeKey, symbolicInstruction } from './shape.ts';
import type { VectorTables } from './vector-tables.ts';
import { Memory, Op, Type } from './wasm/code.ts';
import { type FunctionType, importNamespace, memoryName, ModuleBuilder, tableName } from './wasm/module.ts';
import {
  createTable,
  instantiate,
  type WasmFunction,
  type WasmImport,
  type WasmInstance,
  type WasmMemory,
  type WasmTable,
  wasmPageBytes,
} from './wasm/web-assembly.ts';

const handlerType: FunctionType = { parameters: [Type.i32, Type.i32, Type.i32], results: [Type.i32] };

/** Handlers with more locals than this stay functions: in the switch they would burden all others. */
const switchLocals = 160;
/** Modules of few handlers that are made one. */
const smallModulesLimit = 256;
/** Calls of separate handlers before the switch is compiled for the first time; twice as many before each time after it. */
const callsBeforeRebuilding = 200_000;

type Handler =
  | { readonly kind: 'code'; readonly bytes: Uint8Array; readonly locals: number }
  | { readonly kind: 'unsupported'; readonly error: UnsupportedError };

export interface HandlersParts {
  readonly memory: WasmMemory;
  readonly tables: VectorTables;
  /** Everything that handlers call, by name. */
  readonly functions: Readonly<Record<string, WasmImport>>;
  /** How many there may be at a time. */
  readonly limit: number;
}

export class Handlers {
  /** Exceptions that generated code raises, by number. */
  readonly exceptions: Exception[] = [];
  readonly #limit: number;
  readonly #memory: WasmMemory;
  readonly #tables: VectorTables;
  readonly #table: WasmTable;
  /** In the table for handlers that are not compiled. */
  readonly #compiling: WasmFunction;
  readonly #imports: Readonly<Record<string, Readonly<Record<string, WasmImport>>>>;
  readonly #handlers: Handler[] = [];
  readonly #numbers = new Map<string, number>();
  /** Handlers that no module has yet. */
  #pending: number[] = [];
  /** Those compiled since many modules were last made one, and in how many modules they are. */
  #inSmallModules: number[] = [];
  #smallModules = 0;
  /** Handlers 0 to this are in the switch. */
  #switched = 0;
  #callsBeforeRebuilding = callsBeforeRebuilding;
  #interpreter: WasmInstance;

  constructor({ memory, tables, functions, limit }: HandlersParts) {
    this.#limit = limit;
    this.#memory = memory;
    this.#tables = tables;
    const imports = { ...functions, [memoryName]: memory };
    this.#compiling = this.#compilingHandler({ [importNamespace]: imports });
    this.#table = createTable(limit, this.#compiling);
    this.#imports = { [importNamespace]: { ...imports, [tableName]: this.#table } };
    this.#addPseudoInstructions();
    this.#interpreter = this.#compileInterpreter();
  }

  /** Whether so many more may be too many. */
  hasRoomFor(more: number): boolean {
    return this.#handlers.length + more <= this.#limit;
  }

  /** Begins anew, without any. Records that have numbers of handlers must not be executed any more. */
  forget(): void {
    for (let number = 0; number < this.#handlers.length; number++) this.#table.set(number, this.#compiling);
    this.#handlers.length = 0;
    this.#numbers.clear();
    this.#pending = [];
    this.#inSmallModules = [];
    this.#smallModules = 0;
    this.#callsBeforeRebuilding = callsBeforeRebuilding;
    this.#addPseudoInstructions();
    this.#interpreter = this.#compileInterpreter();
  }

  /** The number of the handler for the instruction's shape; or why there is none. */
  numberOf(i: Instruction): number | UnsupportedError {
    const stackBytes = i.codeSize === 64 ? 8 : 4;
    const shape = symbolicInstruction(i);
    const key = shapeKey(shape, stackBytes);
    const known = this.#numbers.get(key);
    const number = known ?? this.#add(key, this.#build(shape, stackBytes));
    const handler = this.#handlers[number];
    if (handler === undefined) throw new InvariantError(`no handler ${number}`);
    return handler.kind === 'code' ? number : handler.error;
  }

  /**
   * Makes the handlers that were asked for since the last call executable: when one of them is called. Gives their number. The host has room for some ten thousand modules
   * only, and a guest may have code of as many shapes: so every now and then one module takes the place of many.
   */
  compile(): number {
    const count = this.#pending.length;
    if (count === 0) throw new InvariantError('a handler that was never asked for');
    this.#inSmallModules.push(...this.#pending);
    this.#smallModules++;
    if (this.#smallModules < smallModulesLimit) this.#compileFunctions(this.#pending);
    else {
      this.#compileFunctions(this.#inSmallModules);
      this.#inSmallModules = [];
      this.#smallModules = 0;
    }
    this.#pending = [];
    return count;
  }

  /** What stands in the table for handlers that are not compiled: has that done, and goes on at the same record. */
  #compilingHandler(imports: Readonly<Record<string, Readonly<Record<string, WasmImport>>>>): WasmFunction {
    const module = this.#newModule(0);
    const e = new Emitter();
    e.savePlace();
    e.code.get(Parameter.block).i32(0).call(functionNumber('compile')).op(Op.drop).i32(Leave.goOn);
    const name = 'compile';
    module.export(name, module.function({ type: handlerType, locals: [], code: e.code }));
    const handler = instantiate(module.bytes(), imports).exports[name];
    if (handler === undefined) throw new InvariantError('a module without its function');
    return handler;
  }

  /** As functions of one module, in the table. */
  #compileFunctions(numbers: readonly number[]): void {
    const module = this.#newModule(0);
    for (const number of numbers) {
      const handler = this.#handlers[number];
      if (handler?.kind !== 'code') continue;
      const e = new Emitter();
      e.code.append(handler.bytes);
      e.savePlace();
      e.code.i32(Leave.goOn);
      const index = module.function({ type: handlerType, locals: localTypes(handler.locals), code: e.code });
      module.export(String(number), index);
    }
    // A module that imported the table itself would keep a copy of all of it.
    const { exports } = instantiate(module.bytes(), this.#imports);
    for (const number of numbers) {
      const handler = exports[String(number)];
      if (handler !== undefined) this.#table.set(number, handler);
    }
  }

  /** Executes from a record on; why it stopped. `remaining` is more than 0. */
  run(block: number, record: number, remaining: number): Leave {
    const { run } = this.#interpreter.exports;
    if (run === undefined) throw new InvariantError('the interpreter has no entry');
    return run(block, record, remaining) as Leave;
  }

  /** After `calls` calls of handlers outside the switch: may compile it anew. Gives whether it did. */
  rebuildAfter(calls: number): boolean {
    if (calls < this.#callsBeforeRebuilding || this.#switched === this.#handlers.length) return false;
    this.#callsBeforeRebuilding *= 2;
    this.#interpreter = this.#compileInterpreter();
    return true;
  }

  /** In the order of their numbers, which records.ts has. */
  #addPseudoInstructions(): void {
    for (const emit of [emitRunEnd, emitCrossing]) {
      const e = new Emitter();
      emit(e);
      this.#handlers.push({ kind: 'code', bytes: e.code.bytes, locals: e.locals });
    }
  }

  #newModule(table: number): ModuleBuilder {
    const module = new ModuleBuilder(this.#memory.buffer.byteLength / wasmPageBytes, table);
    importFunctions(module);
    return module;
  }

  #add(key: string, handler: Handler): number {
    const number = this.#handlers.length;
    if (number >= this.#limit) throw new UnsupportedError(`more than ${this.#limit} shapes of instruction at a time`);
    this.#handlers.push(handler);
    this.#numbers.set(key, number);
    if (handler.kind === 'code') this.#pending.push(number);
    return number;
  }

  #build(instruction: Instruction, stackBytes: 2 | 4 | 8): Handler {
    const { exceptions } = this;
    const exceptionNumber = (exception: Exception): number => {
      const known = exceptions.indexOf(exception);
      return known >= 0 ? known : exceptions.push(exception) - 1;
    };
    const builder = new FastBuilder({ instruction, stackBytes, tables: this.#tables, exceptionNumber });
    const semantics = semanticsByForm[instruction.form.index];
    if (semantics === undefined) throw new InvariantError('a form without semantics');
    try {
      semantics.body(builder, instruction);
    } catch (error) {
      if (error instanceof UnsupportedError) return { kind: 'unsupported', error };
      throw error;
    }
    builder.finish();
    const { code, locals } = builder.emitter;
    return { kind: 'code', bytes: code.bytes.slice(), locals };
  }

  /** A loop around a switch over the shape of the record. */
  #compileInterpreter(): WasmInstance {
    const module = this.#newModule(this.#limit);
    const inSwitch = this.#handlers.map((handler) => handler.kind === 'code' && handler.locals <= switchLocals);
    const bodies = this.#handlers.filter((_, at) => inSwitch[at] === true);
    const { code } = this.#emitSwitch(inSwitch, module.type(handlerType));
    const locals = Math.max(0, ...bodies.map((handler) => (handler.kind === 'code' ? handler.locals : 0)));
    const interpreter = module.function({ type: handlerType, locals: localTypes(locals), code });
    const entry = new Emitter();
    const block = Parameter.block;
    entry.code.get(block).call(functionNumber('flagsFromRegister'));
    entry.code.get(block).get(Parameter.record).get(Parameter.remaining).call(interpreter);
    entry.code.get(block).call(functionNumber('flagsToRegister'));
    module.export('run', module.function({ type: handlerType, locals: [], code: entry.code }));
    this.#switched = this.#handlers.length;
    return instantiate(module.bytes(), this.#imports);
  }

  #emitSwitch(inSwitch: readonly boolean[], type: number): Emitter {
    const e = new Emitter();
    const { code } = e;
    const cases = inSwitch.flatMap((inside, number) => (inside ? [number] : []));
    // Blocks: the innermost is the first case; the outermost is for handlers that are functions.
    code.loop().get(Parameter.remaining).op(Op.i32Eqz).if();
    e.leave(Leave.budget);
    code.end();
    for (let at = 0; at <= cases.length; at++) code.block();
    const depthOf = new Map(cases.map((number, at) => [number, at]));
    const depths = inSwitch.map((_, number) => depthOf.get(number) ?? cases.length);
    e.field(Memory.i32Load, Rec.shape).branchTable(depths, cases.length);
    for (const [at, number] of cases.entries()) {
      code.end();
      const handler = this.#handlers[number];
      if (handler?.kind === 'code') code.append(handler.bytes);
      code.branch(cases.length - at);
    }
    code.end();
    // A handler that is a function: it says where execution goes on, unless it leaves.
    e.store(Memory.i32Store, Block.calls, () => e.load(Memory.i32Load, Block.calls).i32(1).op(Op.i32Add));
    code.get(Parameter.block).get(Parameter.record).get(Parameter.remaining);
    e.field(Memory.i32Load, Rec.shape).callIndirect(type).tee(Parameter.remaining).if();
    code.get(Parameter.remaining).op(Op.return).end();
    e.load(Memory.i32Load, Block.record).set(Parameter.record);
    e.reloadRemaining();
    code.branch(0).end().op(Op.unreachable);
    return e;
  }
}
