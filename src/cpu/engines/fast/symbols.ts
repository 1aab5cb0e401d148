/**
 * What stands for a register number, or a segment, that is in the record of each instruction instead of in the code of
 * its handler. Semantics hand numbers on only, so they do not notice.
 */
import { InvariantError } from '../../../base/errors.ts';
import { Rec } from './layout.ts';
import { Memory } from './wasm/code.ts';

const first = 1000;
const base = 1010;
const index = 1011;
/** The segment of the instruction's address: one that has a base. */
const segment = 1012;

export const Symbolic = { base, index, segment, operand: (at: number): number => first + at } as const;

export function isSymbol(number: number): boolean {
  return number >= first;
}

/** The field of the record that has the register's offset in the register file. */
export function fieldOf(symbol: number): { readonly op: Memory; readonly offset: number } {
  if (symbol === base) return { op: Memory.i32Load8, offset: Rec.base };
  if (symbol === index) return { op: Memory.i32Load8, offset: Rec.index };
  if (symbol === segment) return { op: Memory.i32Load8, offset: Rec.segmentBase };
  if (symbol >= first && symbol < first + 4) return { op: Memory.i32Load, offset: operandField(symbol - first) };
  throw new InvariantError(`${symbol} stands for nothing`);
}

export function operandField(at: number): number {
  return Rec.operands + 8 * at;
}
