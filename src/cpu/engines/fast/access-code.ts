/**
 * Loads and stores of generated code: inline through the access filter's lines (mmu/filter-lines.ts) when the access lies
 * in one page that the filter allows it in; else by a function of ours, which does what the golden engine would.
 *
 * A use is noted exactly as the MMU notes it, so that the order of replacement does not depend on the engine.
 */
import { Block } from './layout.ts';
import { type Emitter, Leave } from './emitter.ts';
import { functionNumber, noteUse, pushLine } from './runtime-functions.ts';
import { Memory, Op, Type } from './wasm/code.ts';

/** One access as the semantics make it. */
export interface AccessKind {
  readonly bytes: number;
  /** With the rights of a store: a store, or a load that a store follows. */
  readonly write: boolean;
  /** Through SS: #SS where others raise #GP. */
  readonly stack: boolean;
  /** How many accesses of up to 8 bytes it is for the MMU. */
  readonly count: number;
}

/** An access as a number, for functions of ours: bytes, then these bits. */
export const AccessBit = { write: 0x100, stack: 0x200, count: 0x1000 } as const;

export function accessNumber({ bytes, write, stack, count }: AccessKind): number {
  return bytes | (write ? AccessBit.write : 0) | (stack ? AccessBit.stack : 0) | (count * AccessBit.count);
}

/** Puts on the stack whether the access must be done by a function; `line` receives its line. */
function pushMissed(e: Emitter, linear: number, line: number, { bytes, write }: AccessKind): void {
  const { code } = e;
  pushLine(code, linear).tee(line).memory(Memory.i64Load, Block.filter);
  code.get(linear).i64(-4096n).ops(Op.i64And, Op.i64Xor);
  e.load(Memory.i64Load, write ? Block.writeMask : Block.readMask).op(Op.i64And);
  e.load(Memory.i64Load, write ? Block.writeBit : Block.readBit).op(Op.i64Ne);
  if (bytes === 1) return;
  code.get(linear).op(Op.i32Wrap).i32(4095).op(Op.i32And);
  code.i32(4096 - bytes).ops(Op.i32GreaterUnsigned, Op.i32Or);
}

/** Puts the address of the bytes in our memory on the stack, when the line has allowed the access. */
function pushHost(e: Emitter, linear: number, line: number): void {
  e.code.get(line).memory(Memory.i32Load, Block.filter + 8);
  e.code.get(linear).op(Op.i32Wrap).i32(4095).ops(Op.i32And, Op.i32Or);
}

/** Calls a function of ours on the linear address; what it gives is in `result`, and if that is 0 the handler returns. */
function callSlowly(e: Emitter, name: 'load' | 'store', linear: number, kind: AccessKind, result: number): void {
  const { code } = e;
  e.store(Memory.i64Store, Block.exchange, () => code.get(linear));
  e.savePlace();
  code.get(0).i32(accessNumber(kind)).call(functionNumber(name)).tee(result).op(Op.i32Eqz);
  code.if().i32(Leave.exception).op(Op.return).end();
  e.reloadRemaining();
}

/** A local that holds the address of the loaded bytes in our memory. */
export function emitLoad(e: Emitter, linear: number, kind: AccessKind): number {
  const line = e.fresh(Type.i32);
  const host = e.fresh(Type.i32);
  pushMissed(e, linear, line, kind);
  e.code.if();
  callSlowly(e, 'load', linear, kind, host);
  e.code.else();
  noteUse(e, line, Block.filter, () => e.code.i32(kind.count));
  pushHost(e, linear, line);
  e.code.set(host).end();
  return host;
}

/** `exchangeValue` puts the value where functions of ours find it; `storeAt` stores it at the address on the stack. */
export function emitStore(
  e: Emitter,
  linear: number,
  kind: AccessKind,
  value: { readonly exchange: () => void; readonly store: () => void },
): void {
  const line = e.fresh(Type.i32);
  const done = e.fresh(Type.i32);
  pushMissed(e, linear, line, kind);
  e.code.if();
  value.exchange();
  callSlowly(e, 'store', linear, kind, done);
  e.code.else();
  noteUse(e, line, Block.filter, () => e.code.i32(kind.count));
  pushHost(e, linear, line);
  value.store();
  e.code.end();
}
