/** The status flags of RFLAGS from a result and its operands, at once (SDM 1 3.4.3.1), and the condition codes. */
import { Flag, FlagKind } from '../../flags.ts';

const bit = (flag: Flag): number => 1 << flag;
const resultMask = bit(Flag.SF) | bit(Flag.ZF) | bit(Flag.PF);

function resultFlags(bytes: number, result: bigint): number {
  let parity = Number(result & 0xffn);
  parity ^= parity >> 4;
  const even = ((0x9669 >> (parity & 15)) & 1) << Flag.PF;
  const sign = Number((result >> BigInt(bytes * 8 - 1)) & 1n) << Flag.SF;
  return even | sign | (result === 0n ? bit(Flag.ZF) : 0);
}

/** CF, AF, OF; carries (or borrows) out of each bit are told from operands and result. */
function carryFlags(bytes: number, result: bigint, a: bigint, c: bigint, subtracting: boolean): number {
  const top = BigInt(bytes * 8 - 1);
  const first = subtracting ? ~a : a;
  const last = subtracting ? result : ~result;
  const carries = (first & c) | ((first | c) & last);
  const overflows = subtracting ? (a ^ c) & (a ^ result) : (a ^ result) & (c ^ result);
  return (
    (Number((carries >> top) & 1n) << Flag.CF) |
    (Number((carries >> 3n) & 1n) << Flag.AF) |
    (Number((overflows >> top) & 1n) << Flag.OF)
  );
}

/** The new value of RFLAGS. */
export function withFlags(rflags: number, kind: FlagKind, bytes: number, result: bigint, a: bigint, c: bigint): number {
  const plain = resultFlags(bytes, result);
  const carry = bit(Flag.CF);
  const counted = bit(Flag.AF) | bit(Flag.OF);
  const kept = rflags & ~(resultMask | counted);
  switch (kind) {
    case FlagKind.add:
      return (kept & ~carry) | plain | carryFlags(bytes, result, a, c, false);
    case FlagKind.subtract:
      return (kept & ~carry) | plain | carryFlags(bytes, result, a, c, true);
    case FlagKind.logic:
      return (kept & ~carry) | plain;
    case FlagKind.increment:
      return kept | plain | (carryFlags(bytes, result, a, c, false) & counted);
    case FlagKind.decrement:
      return kept | plain | (carryFlags(bytes, result, a, c, true) & counted);
    case FlagKind.result:
      return (rflags & ~resultMask) | plain;
  }
}

const has = (rflags: number, flag: Flag): boolean => ((rflags >> flag) & 1) === 1;

/** Condition codes 0 to 15 (SDM 1 B.1): pairs, the odd one the opposite of the even one. */
export function conditionHolds(rflags: number, code: number): boolean {
  const signed = has(rflags, Flag.SF) !== has(rflags, Flag.OF);
  const pairs = [
    has(rflags, Flag.OF),
    has(rflags, Flag.CF),
    has(rflags, Flag.ZF),
    has(rflags, Flag.CF) || has(rflags, Flag.ZF),
    has(rflags, Flag.SF),
    has(rflags, Flag.PF),
    signed,
    signed || has(rflags, Flag.ZF),
  ];
  return pairs[code >> 1] !== ((code & 1) === 1);
}
