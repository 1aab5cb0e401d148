/** Bitwise operations, PTEST, and signs gathered into general registers (SDM 1 9.4.6, 10.4.2, 11.4.1.3, 12.10.11). */
import type { Builder } from '../builder.ts';
import { Flag, FlagKind } from '../flags.ts';
import type { Instruction } from '../instruction.ts';
import type { LaneBytes, LaneOperation } from '../vector-builder.ts';
import { isZero, write } from './operand-access.ts';
import type { Semantics } from './row.ts';
import { binary, readVector, vectorRow } from './vector-operand.ts';

function bitwise(operation: LaneOperation): Semantics {
  return binary((b, x, y) => b.lanes(operation, 8, x, y));
}

/** The complement is the destination's. */
const andNot = binary((b, x, y) => b.lanes('andNot', 8, y, x));
const and = bitwise('and');
const or = bitwise('or');
const xor = bitwise('xor');

function allZero<V>(b: Builder<V>, vector: V): V {
  return isZero(b, b.or(b.lane(8, vector, 0), b.lane(8, vector, 1)));
}

function signs(bytes: LaneBytes): Semantics {
  return vectorRow((b, i) => {
    const [to, from] = i.operands;
    const gathered = b.laneSigns(bytes, readVector(b, i, from));
    write(b, i, to, b.cut(gathered, from.bytes === 8 ? 1 : 2));
  });
}

function test<V>(b: Builder<V>, i: Instruction): void {
  const source = readVector(b, i, i.operands[1]);
  const destination = readVector(b, i, i.operands[0]);
  // A result of 1 clears all flags.
  const one = b.constant(1n);
  b.setFlags(FlagKind.logic, 8, one, one, one);
  b.setFlag(Flag.ZF, allZero(b, b.lanes('and', 8, source, destination)));
  b.setFlag(Flag.CF, allZero(b, b.lanes('andNot', 8, source, destination)));
}

export const vectorLogic = {
  PAND: and,
  ANDPS: and,
  ANDPD: and,
  PANDN: andNot,
  ANDNPS: andNot,
  ANDNPD: andNot,
  POR: or,
  ORPS: or,
  ORPD: or,
  PXOR: xor,
  XORPS: xor,
  XORPD: xor,
  PTEST: vectorRow(test),
  PMOVMSKB: signs(1),
  MOVMSKPS: signs(4),
  MOVMSKPD: signs(8),
};
