/**
 * Functions that generated code calls. Those of ours (imported from TypeScript) do what is rare or needs the rest of the
 * machine; they exchange 64-bit values through `Block.exchange`. The others are generated once, in a module of their own,
 * because they are too long to repeat in each handler.
 */
import { floatFunctions, floatFunctionTypes } from './float-functions.ts';
import { flagsFromRegister, flagsToRegister } from './flag-code.ts';
import { Block, mapBytes } from './layout.ts';
import { Emitter, localTypes, Parameter } from './emitter.ts';
import { RegisterOffset } from '../../registers.ts';
import { FILTER_LINE_BYTES, FILTER_SLOTS } from '../../../mmu/access-filter.ts';
import { LINE_BYTES } from '../../../mmu/filter-lines.ts';
import { type Code, Memory, Op, Type } from './wasm/code.ts';
import { type FunctionType, ModuleBuilder } from './wasm/module.ts';

const { i32, i64 } = Type;

/** Imported from TypeScript, in the order of their numbers. */
export const hostFunctions = {
  /** Block, what (see access-code.ts): the address of the loaded bytes, or 0 with an exception. */
  load: { parameters: [i32, i32], results: [i32] },
  /** Block, what: 1, or 0 with an exception. */
  store: { parameters: [i32, i32], results: [i32] },
  /** Block, number of the helper: 1, or 0 with an exception. */
  help: { parameters: [i32, i32], results: [i32] },
  /** Block, nothing: makes every handler that is known executable. */
  compile: { parameters: [i32, i32], results: [i32] },
  /** Block, record of an instruction in two pages: the record of the whole, or 0 with an exception. */
  cross: { parameters: [i32, i32], results: [i32] },
  /** Block, whether signed: quotient and remainder of 128 bits by 64; 1, or 0 with an exception. */
  divide: { parameters: [i32, i32], results: [i32] },
} as const satisfies Record<string, FunctionType>;
export type HostFunction = keyof typeof hostFunctions;

/** Generated here. */
export const runtimeFunctions = {
  /** Block, how many instructions may still be begun: the record at RIP, which lies in a page of code that is not the present one; or 0. */
  enterPage: { parameters: [i32, i32], results: [i32] },
  flagsToRegister: { parameters: [i32], results: [] },
  flagsFromRegister: { parameters: [i32], results: [] },
  /** Bits 127:64 of a product. */
  multiplyHigh: { parameters: [i64, i64], results: [i64] },
  ...floatFunctionTypes,
} as const satisfies Record<string, FunctionType>;
export type RuntimeFunction = keyof typeof runtimeFunctions;

const hostNames = Object.keys(hostFunctions) as HostFunction[];
const runtimeNames = Object.keys(runtimeFunctions) as RuntimeFunction[];
const allNames: readonly (HostFunction | RuntimeFunction)[] = [...hostNames, ...runtimeNames];

/** The number of a function in every module that has imported them. */
export function functionNumber(name: HostFunction | RuntimeFunction): number {
  return allNames.indexOf(name);
}

export function importFunctions(module: ModuleBuilder): void {
  for (const name of hostNames) module.importFunction(name, hostFunctions[name]);
  for (const name of runtimeNames) module.importFunction(name, runtimeFunctions[name]);
}

/** Puts the first address of the filter's line for a linear address on the stack, relative to the lines of its half. */
export function pushLine(code: Code, linear: number): Code {
  const shift = Math.log2(4096 / LINE_BYTES);
  code.get(linear).op(Op.i32Wrap).i32(shift).op(Op.i32ShiftRight);
  return code
    .i32((FILTER_SLOTS - 1) * LINE_BYTES)
    .op(Op.i32And)
    .get(Parameter.block)
    .op(Op.i32Add);
}

/** Adds so many ticks to the filter's time, and notes it as the time of use of the line. */
export function noteUse(e: Emitter, line: number, lineOffset: number, pushTicks: () => void): void {
  const time = e.fresh(Type.f64);
  e.load(Memory.f64Load, Block.time);
  pushTicks();
  e.code.ops(Op.f64ConvertSigned32, Op.f64Add).set(time);
  e.store(Memory.f64Store, Block.time, () => e.code.get(time));
  e.code
    .get(line)
    .memory(Memory.i32Load, lineOffset + 12)
    .get(time)
    .memory(Memory.f64Store, 0);
}

/**
 * Goes to another page: through the filter, as any access, and counted like one. Fetches from the page that is left have
 * not been counted one by one: they are now. Nothing is changed when the page cannot be entered here.
 */
function enterPage(memory: number): Emitter {
  const e = new Emitter();
  const { code } = e;
  const fetchLines = Block.filter + FILTER_LINE_BYTES / 2;
  const linear = e.fresh(i64);
  const line = e.fresh(i32);
  const map = e.fresh(i32);
  const remaining = 1;
  const record = e.fresh(i32);
  const giveUp = (): void => {
    code.if().i32(0).op(Op.return).end();
  };
  code.get(remaining).op(Op.i32Eqz);
  giveUp();
  e.load(Memory.i64Load, RegisterOffset.rip).set(linear);
  pushLine(code, linear).tee(line).memory(Memory.i64Load, fetchLines);
  code.get(linear).i64(-4096n).ops(Op.i64And, Op.i64Xor);
  e.load(Memory.i64Load, Block.fetchMask).op(Op.i64And);
  e.load(Memory.i64Load, Block.fetchBit).op(Op.i64Ne);
  giveUp();
  code
    .get(line)
    .memory(Memory.i32Load, fetchLines + 8)
    .i32(memory)
    .op(Op.i32Subtract);
  code.i32(10).op(Op.i32ShiftRight);
  e.load(Memory.i32Load, Block.maps).op(Op.i32Add).memory(Memory.i32Load, 0).tee(map).op(Op.i32Eqz);
  giveUp();
  code
    .get(map)
    .get(linear)
    .op(Op.i32Wrap)
    .i32(4095)
    .op(Op.i32And)
    .i32(Math.log2(mapBytes / 4096))
    .op(Op.i32ShiftLeft);
  code.op(Op.i32Add).memory(Memory.i32Load, 0).tee(record).op(Op.i32Eqz);
  giveUp();
  noteUse(e, line, fetchLines, () => {
    e.load(Memory.i32Load, Block.fetched).get(remaining).op(Op.i32Subtract).i32(1).op(Op.i32Add);
  });
  e.store(Memory.i32Store, Block.fetched, () => code.get(remaining).i32(1).op(Op.i32Subtract));
  e.store(Memory.i64Store, Block.page, () => code.get(linear).i64(-4096n).op(Op.i64And));
  e.store(Memory.i32Store, Block.map, () => code.get(map));
  code.get(record);
  return e;
}

/** By the four products of halves. */
function multiplyHigh(e: Emitter): void {
  const { code } = e;
  const [a, b] = [0, 1];
  const low = (local: number): Code => code.get(local).i64(0xffff_ffffn).op(Op.i64And);
  const high = (local: number): Code => code.get(local).i64(32n).op(Op.i64ShiftRight);
  const cross = e.fresh(i64);
  const other = e.fresh(i64);
  // cross = ah * bl + (al * bl >> 32)
  high(a);
  low(b).op(Op.i64Multiply);
  low(a);
  low(b).op(Op.i64Multiply).i64(32n).ops(Op.i64ShiftRight, Op.i64Add).set(cross);
  // other = al * bh + (cross mod 2^32)
  low(a);
  high(b).op(Op.i64Multiply);
  low(cross).op(Op.i64Add).set(other);
  high(a);
  high(b).op(Op.i64Multiply);
  high(cross).op(Op.i64Add);
  high(other).op(Op.i64Add);
}

/** The module of the generated functions; `memory` is where guest-physical memory begins. */
export function runtimeModule(memoryPages: number, memory: number): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(memoryPages, 0);
  const add = (name: RuntimeFunction, e: Emitter, spare: number): void => {
    // The emitter numbers its locals from 3 on, whatever the number of parameters.
    const type = runtimeFunctions[name];
    const locals = [...new Array<Type>(spare).fill(i32), ...localTypes(e.locals)];
    module.export(name, module.function({ type, locals, code: e.code }));
  };
  add('enterPage', enterPage(memory), 1);
  const toRegister = new Emitter();
  flagsToRegister(toRegister);
  add('flagsToRegister', toRegister, 2);
  const fromRegister = new Emitter();
  flagsFromRegister(fromRegister);
  add('flagsFromRegister', fromRegister, 2);
  const product = new Emitter();
  multiplyHigh(product);
  add('multiplyHigh', product, 1);
  for (const [name, { code, locals }] of floatFunctions()) {
    module.export(name, module.function({ type: floatFunctionTypes[name], locals, code }));
  }
  return module.bytes();
}
