/**
 * Integer arithmetic and comparison of lanes (SDM 1 9.4.2, 9.4.3; 10.4.4; 11.4.2; 12.6.2, 12.6.6; 12.10.5, 12.10.12; 12.11.2), those whose lanes stay where
 * they are. Products and sums across lanes are in vector-multiply.ts and vector-horizontal.ts.
 */
import type { LaneBytes, LaneOperation } from '../vector-builder.ts';
import type { Semantics } from './row.ts';
import { binary, unary, zeroVector } from './vector-operand.ts';

function lanewise(operation: LaneOperation, bytes: LaneBytes): Semantics {
  return binary((b, x, y) => b.lanes(operation, bytes, x, y));
}

/** The sign of the source's lane, or its being zero, applied to the destination's. */
function sign(bytes: LaneBytes): Semantics {
  return binary((b, x, y) => {
    const negative = b.lanes('greaterSigned', bytes, zeroVector(b), y);
    const signed = b.lanes('subtract', bytes, b.lanes('xor', 8, x, negative), negative);
    return b.lanes('andNot', 8, signed, b.lanes('equal', bytes, y, zeroVector(b)));
  });
}

function absolute(bytes: LaneBytes): Semantics {
  return unary((b, x) => b.mapLanes('absolute', bytes, x));
}

export const vectorArithmetic = {
  PADDB: lanewise('add', 1),
  PADDW: lanewise('add', 2),
  PADDD: lanewise('add', 4),
  PADDQ: lanewise('add', 8),
  PSUBB: lanewise('subtract', 1),
  PSUBW: lanewise('subtract', 2),
  PSUBD: lanewise('subtract', 4),
  PSUBQ: lanewise('subtract', 8),
  PADDSB: lanewise('addSaturatedSigned', 1),
  PADDSW: lanewise('addSaturatedSigned', 2),
  PADDUSB: lanewise('addSaturatedUnsigned', 1),
  PADDUSW: lanewise('addSaturatedUnsigned', 2),
  PSUBSB: lanewise('subtractSaturatedSigned', 1),
  PSUBSW: lanewise('subtractSaturatedSigned', 2),
  PSUBUSB: lanewise('subtractSaturatedUnsigned', 1),
  PSUBUSW: lanewise('subtractSaturatedUnsigned', 2),
  PMINSB: lanewise('minimumSigned', 1),
  PMINSW: lanewise('minimumSigned', 2),
  PMINSD: lanewise('minimumSigned', 4),
  PMINUB: lanewise('minimumUnsigned', 1),
  PMINUW: lanewise('minimumUnsigned', 2),
  PMINUD: lanewise('minimumUnsigned', 4),
  PMAXSB: lanewise('maximumSigned', 1),
  PMAXSW: lanewise('maximumSigned', 2),
  PMAXSD: lanewise('maximumSigned', 4),
  PMAXUB: lanewise('maximumUnsigned', 1),
  PMAXUW: lanewise('maximumUnsigned', 2),
  PMAXUD: lanewise('maximumUnsigned', 4),
  PAVGB: lanewise('average', 1),
  PAVGW: lanewise('average', 2),
  PCMPEQB: lanewise('equal', 1),
  PCMPEQW: lanewise('equal', 2),
  PCMPEQD: lanewise('equal', 4),
  PCMPEQQ: lanewise('equal', 8),
  PCMPGTB: lanewise('greaterSigned', 1),
  PCMPGTW: lanewise('greaterSigned', 2),
  PCMPGTD: lanewise('greaterSigned', 4),
  PCMPGTQ: lanewise('greaterSigned', 8),
  PSIGNB: sign(1),
  PSIGNW: sign(2),
  PSIGND: sign(4),
  PABSB: absolute(1),
  PABSW: absolute(2),
  PABSD: absolute(4),
};
