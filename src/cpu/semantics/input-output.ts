/**
 * Input and output (SDM 1 19; SDM 2A IN, INS; 2B OUT, OUTS). The port may be used or not before memory is looked at, and memory is
 * found writable before the port is read, so that a fault leaves nothing done.
 */
import type { Builder } from '../builder.ts';
import { Flag } from '../flags.ts';
import { type Instruction, type Operand, Repeat, Segment } from '../instruction.ts';
import { Register } from '../registers.ts';
import { notZero, read, write } from './operand-access.ts';
import { type Body, row } from './row.ts';

function sizeOf<V>(b: Builder<V>, { bytes }: Operand): V {
  return b.constant(BigInt(bytes));
}

function portIn<V>(b: Builder<V>, port: V, data: Operand): V {
  const [value] = b.call('readPort', [port, sizeOf(b, data)]);
  return value ?? b.constant(0n);
}

/** By DF. */
function advance<V>(b: Builder<V>, i: Instruction, register: Register, bytes: number): void {
  const step = b.select(b.flag(Flag.DF), b.constant(BigInt(-bytes)), b.constant(BigInt(bytes)));
  b.setRegister(register, i.addressSize, b.add(b.register(register, i.addressSize), step));
}

function inputString<V>(b: Builder<V>, i: Instruction): void {
  const [data] = i.operands;
  const port = b.register(Register.RDX, 2);
  b.call('checkPort', [port, sizeOf(b, data)]);
  const to = b.register(Register.RDI, i.addressSize);
  b.loadForWrite(Segment.ES, to, data.bytes);
  b.store(Segment.ES, to, data.bytes, portIn(b, port, data));
  advance(b, i, Register.RDI, data.bytes);
}

function outputString<V>(b: Builder<V>, i: Instruction): void {
  const [, data] = i.operands;
  const port = b.register(Register.RDX, 2);
  b.call('checkPort', [port, sizeOf(b, data)]);
  const value = b.load(i.segment, b.register(Register.RSI, i.addressSize), data.bytes);
  b.call('writePort', [port, sizeOf(b, data), value]);
  advance(b, i, Register.RSI, data.bytes);
}

const repeated =
  (once: Body): Body =>
  (b, i) => {
    if (i.repeat === Repeat.none) {
      once(b, i);
      return;
    }
    b.when(notZero(b, b.register(Register.RCX, i.addressSize)), () => {
      b.loop(() => {
        once(b, i);
        const left = b.cut(b.subtract(b.register(Register.RCX, i.addressSize), b.constant(1n)), i.addressSize);
        b.setRegister(Register.RCX, i.addressSize, left);
        return notZero(b, left);
      });
    });
  };

export const inputOutput = {
  IN: row((b, i) => {
    const [data, port] = i.operands;
    const number = read(b, i, port);
    b.call('checkPort', [number, sizeOf(b, data)]);
    write(b, i, data, portIn(b, number, data));
  }),
  OUT: row((b, i) => {
    const [port, data] = i.operands;
    const number = read(b, i, port);
    b.call('checkPort', [number, sizeOf(b, data)]);
    b.call('writePort', [number, sizeOf(b, data), read(b, i, data)]);
  }),
  INS: row(repeated(inputString)),
  OUTS: row(repeated(outputString)),
};
