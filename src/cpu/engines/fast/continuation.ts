/** What generated code does to go on at RIP: in the present page by its map, else through the access filter; or it returns. */
import { RegisterOffset } from '../../registers.ts';
import { type Emitter, Leave, Parameter } from './emitter.ts';
import { Block, Rec } from './layout.ts';
import { functionNumber } from './runtime-functions.ts';
import { Memory, Op, Type } from './wasm/code.ts';

export function emitContinuation(e: Emitter): void {
  const { code } = e;
  const offset = e.fresh(Type.i64);
  e.load(Memory.i64Load, RegisterOffset.rip);
  e.load(Memory.i64Load, Block.page).op(Op.i64Subtract).tee(offset).i64(4096n).op(Op.i64LessUnsigned).if();
  e.load(Memory.i32Load, Block.map).get(offset).op(Op.i32Wrap).i32(2).op(Op.i32ShiftLeft);
  code.op(Op.i32Add).memory(Memory.i32Load, 0).set(Parameter.record).else();
  code.get(Parameter.block).get(Parameter.remaining).call(functionNumber('enterPage')).set(Parameter.record).end();
  code.get(Parameter.record).op(Op.i32Eqz).if();
  e.store(Memory.i32Store, Block.remaining, () => code.get(Parameter.remaining));
  code.i32(Leave.target).op(Op.return).end();
}

/** The handler of a record that is no instruction but ends a run of them: goes on at its link, or where it says. */
export function emitRunEnd(e: Emitter): void {
  const { code } = e;
  const link = e.fresh(Type.i32);
  e.field(Memory.i32Load, Rec.link).tee(link).if();
  code.get(link).set(Parameter.record).else();
  e.store(Memory.i64Store, RegisterOffset.rip, () => {
    e.load(Memory.i64Load, Block.page);
    e.field(Memory.i64Load16, Rec.offset).op(Op.i64Add);
  });
  emitContinuation(e);
  code.end();
}

/** The handler of a record for an instruction that goes on in the next page: asks for the record of the whole instruction. */
export function emitCrossing(e: Emitter): void {
  const { code } = e;
  e.savePlace();
  code.get(Parameter.block).get(Parameter.record).call(functionNumber('cross')).tee(Parameter.record).op(Op.i32Eqz);
  code.if().i32(Leave.exception).op(Op.return).end();
  e.reloadRemaining();
}
