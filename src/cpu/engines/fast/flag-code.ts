/**
 * The status flags while generated code runs: three words in the processor's block instead of bits of RFLAGS, so that
 * setting all six takes a few operations, and each can be read without knowing what set it.
 *
 *   zero      ZF is set when it is 0
 *   sign      SF is bit 63; PF is the parity of the low byte
 *   carries   CF is bit 63, OF is bit 63 xor bit 62, AF is bit 3: the carries out of each bit of an addition, moved up
 *             so that the operand's highest is bit 63
 *
 * RFLAGS in the register file is up to date for all other flags always, and for these whenever functions of ours run that
 * may look at it (SDM 1 3.4.3.1).
 */
import { Flag, FlagKind, statusMask } from '../../flags.ts';
import { RegisterOffset } from '../../registers.ts';
import type { Emitter, Value } from './emitter.ts';
import { Block } from './layout.ts';
import { Memory, Op, Type } from './wasm/code.ts';

const top = 1n << 63n;
const auxiliary = 8n;

function pushZero(e: Emitter): void {
  e.load(Memory.i64Load, Block.zero).op(Op.i64Eqz);
}

function pushBit63(e: Emitter, word: number): void {
  e.load(Memory.i64Load, word).i64(63n).ops(Op.i64ShiftRight, Op.i32Wrap);
}

function pushOverflow(e: Emitter): void {
  pushOverflowTop(e);
  e.code.i64(63n).ops(Op.i64ShiftRight, Op.i32Wrap);
}

/** OF in bit 63. */
function pushOverflowTop(e: Emitter): void {
  e.load(Memory.i64Load, Block.carries);
  e.load(Memory.i64Load, Block.carries).i64(1n).ops(Op.i64ShiftLeft, Op.i64Xor);
}

function pushParity(e: Emitter): void {
  e.load(Memory.i64Load, Block.sign).i64(0xffn).ops(Op.i64And, Op.i64CountOnes, Op.i32Wrap);
  e.code.i32(1).op(Op.i32And).op(Op.i32Eqz);
}

/** Puts a flag on the stack, 0 or 1 of 32 bits. */
export function pushFlag(e: Emitter, flag: Flag): void {
  switch (flag) {
    case Flag.CF:
      pushBit63(e, Block.carries);
      return;
    case Flag.ZF:
      pushZero(e);
      return;
    case Flag.SF:
      pushBit63(e, Block.sign);
      return;
    case Flag.OF:
      pushOverflow(e);
      return;
    case Flag.PF:
      pushParity(e);
      return;
    case Flag.AF:
      e.load(Memory.i64Load, Block.carries).i64(3n).ops(Op.i64ShiftRight, Op.i32Wrap).i32(1).op(Op.i32And);
      return;
    default:
      e.load(Memory.i32Load, RegisterOffset.rflags).i32(flag).op(Op.i32ShiftRight).i32(1).op(Op.i32And);
  }
}

/** Puts condition code 0 to 15 on the stack, 0 or 1 of 32 bits (SDM 1 B.1). */
export function pushCondition(e: Emitter, code: number): void {
  switch (code >> 1) {
    case 0:
      pushOverflow(e);
      break;
    case 1:
      pushBit63(e, Block.carries);
      break;
    case 2:
      pushZero(e);
      break;
    case 3:
      pushBit63(e, Block.carries);
      pushZero(e);
      e.code.op(Op.i32Or);
      break;
    case 4:
      pushBit63(e, Block.sign);
      break;
    case 5:
      pushParity(e);
      break;
    default:
      pushOverflowTop(e);
      e.load(Memory.i64Load, Block.sign).op(Op.i64Xor).i64(63n).ops(Op.i64ShiftRight, Op.i32Wrap);
      if (code >> 1 === 7) {
        pushZero(e);
        e.code.op(Op.i32Or);
      }
  }
  if ((code & 1) === 1) e.code.op(Op.i32Eqz);
}

/** `change` turns the word on the stack into the new one. */
function changeWord(e: Emitter, word: number, change: () => void): void {
  e.store(Memory.i64Store, word, () => {
    e.load(Memory.i64Load, word);
    change();
  });
}

export function setFlag(e: Emitter, flag: Flag, value: Value): void {
  const { code } = e;
  switch (flag) {
    case Flag.CF:
      // Both bits turn when CF does, so that OF stays.
      changeWord(e, Block.carries, () => {
        e.load(Memory.i64Load, Block.carries).i64(63n).op(Op.i64ShiftRight);
        e.push(value).op(Op.i64Xor).i64(3n).op(Op.i64Multiply).i64(62n).ops(Op.i64ShiftLeft, Op.i64Xor);
      });
      return;
    case Flag.OF:
      changeWord(e, Block.carries, () => {
        pushOverflow(e);
        code.op(Op.i64Extend);
        e.push(value).op(Op.i64Xor).i64(62n).ops(Op.i64ShiftLeft, Op.i64Xor);
      });
      return;
    case Flag.AF:
      changeWord(e, Block.carries, () => {
        code.i64(~auxiliary).op(Op.i64And);
        e.push(value).i64(3n).ops(Op.i64ShiftLeft, Op.i64Or);
      });
      return;
    case Flag.ZF:
      e.store(Memory.i64Store, Block.zero, () => e.push(value).i64(1n).op(Op.i64Xor));
      return;
    case Flag.SF:
      changeWord(e, Block.sign, () => {
        code.i64(top - 1n).op(Op.i64And);
        e.push(value).i64(63n).ops(Op.i64ShiftLeft, Op.i64Or);
      });
      return;
    case Flag.PF:
      changeWord(e, Block.sign, () => {
        code.i64(~0xffn).op(Op.i64And);
        e.push(value).i64(1n).ops(Op.i64Xor, Op.i64Or);
      });
      return;
    default:
      e.store(Memory.i32Store, RegisterOffset.rflags, () => {
        e.load(Memory.i32Load, RegisterOffset.rflags)
          .i32(~(1 << flag))
          .op(Op.i32And);
        e.pushLow(value).i32(flag).ops(Op.i32ShiftLeft, Op.i32Or);
      });
  }
}

/** The carries, or borrows, out of each bit, from operands and result. */
function pushCarries(e: Emitter, bytes: number, result: number, a: number, b: number, subtracting: boolean): void {
  const { code } = e;
  const first = (): void => {
    code.get(a);
    if (subtracting) code.i64(-1n).op(Op.i64Xor);
  };
  first();
  code.get(b).op(Op.i64And);
  first();
  code.get(b).op(Op.i64Or).get(result);
  if (!subtracting) code.i64(-1n).op(Op.i64Xor);
  code.ops(Op.i64And, Op.i64Or);
  if (bytes === 8) return;
  const carries = e.fresh(Type.i64);
  code
    .tee(carries)
    .i64(BigInt(64 - bytes * 8))
    .op(Op.i64ShiftLeft);
  code.get(carries).i64(auxiliary).ops(Op.i64And, Op.i64Or);
}

/** Of INC and DEC: overflow and auxiliary carry are told from the result, CF is as before. */
function pushCountCarries(e: Emitter, bytes: number, result: number, down: boolean): void {
  const { code } = e;
  const lowest = 1n << BigInt(bytes * 8 - 1);
  e.load(Memory.i64Load, Block.carries).i64(top).op(Op.i64And);
  code
    .get(result)
    .i64(down ? lowest - 1n : lowest)
    .ops(Op.i64Eq, Op.i64Extend);
  e.load(Memory.i64Load, Block.carries).i64(63n).ops(Op.i64ShiftRight, Op.i64Xor);
  code.i64(62n).ops(Op.i64ShiftLeft, Op.i64Or);
  code
    .get(result)
    .i64(15n)
    .op(Op.i64And)
    .i64(down ? 15n : 0n)
    .ops(Op.i64Eq, Op.i64Extend);
  code.i64(3n).ops(Op.i64ShiftLeft, Op.i64Or);
}

export interface FlagOperands {
  readonly bytes: number;
  readonly result: Value;
  readonly a: Value;
  readonly b: Value;
}

export function setFlags(e: Emitter, kind: FlagKind, { bytes, result, a, b }: FlagOperands): void {
  const value = e.local(result);
  e.store(Memory.i64Store, Block.zero, () => e.code.get(value));
  e.store(Memory.i64Store, Block.sign, () => {
    e.code.get(value);
    if (bytes === 4) e.code.op(Op.i64Extend32);
    else if (bytes === 2) e.code.op(Op.i64Extend16);
    else if (bytes === 1) e.code.op(Op.i64Extend8);
  });
  if (kind === FlagKind.result) return;
  const left = kind === FlagKind.add || kind === FlagKind.subtract ? e.local(a) : value;
  const right = kind === FlagKind.add || kind === FlagKind.subtract ? e.local(b) : value;
  e.store(Memory.i64Store, Block.carries, () => {
    switch (kind) {
      case FlagKind.add:
      case FlagKind.subtract:
        pushCarries(e, bytes, value, left, right, kind === FlagKind.subtract);
        return;
      case FlagKind.increment:
      case FlagKind.decrement:
        pushCountCarries(e, bytes, value, kind === FlagKind.decrement);
        return;
      case FlagKind.logic:
        e.code.i64(0n);
    }
  });
}

/** From the words to RFLAGS. */
export function flagsToRegister(e: Emitter): void {
  e.store(Memory.i32Store, RegisterOffset.rflags, () => {
    e.load(Memory.i32Load, RegisterOffset.rflags).i32(~statusMask).op(Op.i32And);
    for (const flag of [Flag.CF, Flag.PF, Flag.AF, Flag.ZF, Flag.SF, Flag.OF]) {
      pushFlag(e, flag);
      e.code.i32(flag).ops(Op.i32ShiftLeft, Op.i32Or);
    }
  });
}

/** From RFLAGS to the words. */
export function flagsFromRegister(e: Emitter): void {
  const pushBit = (flag: Flag): void => {
    e.load(Memory.i64Load32, RegisterOffset.rflags).i64(BigInt(flag)).op(Op.i64ShiftRight).i64(1n).op(Op.i64And);
  };
  const { code } = e;
  e.store(Memory.i64Store, Block.zero, () => {
    pushBit(Flag.ZF);
    code.i64(1n).op(Op.i64Xor);
  });
  e.store(Memory.i64Store, Block.sign, () => {
    pushBit(Flag.SF);
    code.i64(63n).op(Op.i64ShiftLeft);
    pushBit(Flag.PF);
    code.i64(1n).ops(Op.i64Xor, Op.i64Or);
  });
  e.store(Memory.i64Store, Block.carries, () => {
    pushBit(Flag.CF);
    code.i64(63n).op(Op.i64ShiftLeft);
    pushBit(Flag.CF);
    pushBit(Flag.OF);
    code.op(Op.i64Xor).i64(62n).ops(Op.i64ShiftLeft, Op.i64Or);
    pushBit(Flag.AF);
    code.i64(3n).ops(Op.i64ShiftLeft, Op.i64Or);
  });
}
