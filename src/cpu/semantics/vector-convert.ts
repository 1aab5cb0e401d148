/** Conversions between integers and floating-point numbers of both formats (SDM 1 10.4.3, 11.4.1.6). */
import type { LaneConversion } from '../vector-builder.ts';
import { read, write } from './operand-access.ts';
import type { Semantics } from './row.ts';
import { readVector, unary, vectorRow, writeVector } from './vector-operand.ts';

/** So many lanes; zero above the results. */
function packed(conversion: LaneConversion, count: number): Semantics {
  return unary((b, x) => b.convert(conversion, count, x));
}

/** Of one lane to one of `bytes`; the rest of the destination stays. */
function scalar(conversion: LaneConversion, bytes: 4 | 8): Semantics {
  return vectorRow((b, i) => {
    const [to, from] = i.operands;
    const value = b.lane(bytes, b.convert(conversion, 1, readVector(b, i, from)), 0);
    writeVector(b, i, to, b.withLane(bytes, readVector(b, i, to), 0, value));
  });
}

/** From a general register or memory of 4 or 8 bytes. */
function fromGeneral(of4: LaneConversion, of8: LaneConversion, bytes: 4 | 8): Semantics {
  return vectorRow((b, i) => {
    const [to, from] = i.operands;
    const integer = b.vectorOf(read(b, i, from), b.constant(0n));
    const value = b.lane(bytes, b.convert(from.bytes === 8 ? of8 : of4, 1, integer), 0);
    writeVector(b, i, to, b.withLane(bytes, readVector(b, i, to), 0, value));
  });
}

/** To a general register of 4 or 8 bytes. */
function toGeneral(to4: LaneConversion, to8: LaneConversion): Semantics {
  return vectorRow((b, i) => {
    const [to, from] = i.operands;
    const value = readVector(b, i, from);
    write(b, i, to, b.lane(8, b.convert(to.bytes === 8 ? to8 : to4, 1, value), 0));
  });
}

export const vectorConversions = {
  CVTDQ2PS: packed('int32ToFloat32', 4),
  CVTDQ2PD: packed('int32ToFloat64', 2),
  CVTPI2PD: packed('int32ToFloat64', 2),
  /** The high half of the destination stays. */
  CVTPI2PS: vectorRow((b, i) => {
    const [to, from] = i.operands;
    const low = b.lane(8, b.convert('int32ToFloat32', 2, readVector(b, i, from)), 0);
    writeVector(b, i, to, b.withLane(8, readVector(b, i, to), 0, low));
  }),
  CVTPS2DQ: packed('float32ToInt32', 4),
  CVTTPS2DQ: packed('float32ToInt32Truncated', 4),
  CVTPD2DQ: packed('float64ToInt32', 2),
  CVTTPD2DQ: packed('float64ToInt32Truncated', 2),
  CVTPS2PI: packed('float32ToInt32', 2),
  CVTTPS2PI: packed('float32ToInt32Truncated', 2),
  CVTPD2PI: packed('float64ToInt32', 2),
  CVTTPD2PI: packed('float64ToInt32Truncated', 2),
  CVTPS2PD: packed('float32ToFloat64', 2),
  CVTPD2PS: packed('float64ToFloat32', 2),
  CVTSS2SD: scalar('float32ToFloat64', 8),
  CVTSD2SS: scalar('float64ToFloat32', 4),
  CVTSI2SS: fromGeneral('int32ToFloat32', 'int64ToFloat32', 4),
  CVTSI2SD: fromGeneral('int32ToFloat64', 'int64ToFloat64', 8),
  CVTSS2SI: toGeneral('float32ToInt32', 'float32ToInt64'),
  CVTTSS2SI: toGeneral('float32ToInt32Truncated', 'float32ToInt64Truncated'),
  CVTSD2SI: toGeneral('float64ToInt32', 'float64ToInt64'),
  CVTTSD2SI: toGeneral('float64ToInt32Truncated', 'float64ToInt64Truncated'),
};
