/** Conversions of single lanes between integers and floating-point numbers (SDM 1 11.4.1.6). */
import { type FloatControl, type FloatResult, Rounding } from '../float/control.ts';
import { convertFloat, floatFromInteger, integerFromFloat } from '../float/convert.ts';
import { binary32, binary64, type FloatFormat } from '../float/format.ts';
import type { LaneConversion } from '../vector-builder.ts';

interface Conversion {
  /** Bits of the lanes. */
  readonly from: number;
  readonly to: number;
  convert(lane: bigint, control: FloatControl): FloatResult;
}

const bitsOf = (format: FloatFormat): number => (format === binary32 ? 32 : 64);

function fromInteger(bits: number, to: FloatFormat): Conversion {
  return {
    from: bits,
    to: bitsOf(to),
    convert: (lane, control) => floatFromInteger(to, BigInt.asIntN(bits, lane), control),
  };
}

function toInteger(from: FloatFormat, bits: number, truncated: boolean): Conversion {
  return {
    from: bitsOf(from),
    to: bits,
    convert: (lane, control) =>
      integerFromFloat(from, lane, bits, control, truncated ? Rounding.zero : control.rounding),
  };
}

function betweenFloats(from: FloatFormat, to: FloatFormat): Conversion {
  return { from: bitsOf(from), to: bitsOf(to), convert: (lane, control) => convertFloat(from, to, lane, control) };
}

export const conversions: Readonly<Record<LaneConversion, Conversion>> = {
  int32ToFloat32: fromInteger(32, binary32),
  int32ToFloat64: fromInteger(32, binary64),
  int64ToFloat32: fromInteger(64, binary32),
  int64ToFloat64: fromInteger(64, binary64),
  float32ToInt32: toInteger(binary32, 32, false),
  float32ToInt32Truncated: toInteger(binary32, 32, true),
  float32ToInt64: toInteger(binary32, 64, false),
  float32ToInt64Truncated: toInteger(binary32, 64, true),
  float64ToInt32: toInteger(binary64, 32, false),
  float64ToInt32Truncated: toInteger(binary64, 32, true),
  float64ToInt64: toInteger(binary64, 64, false),
  float64ToInt64Truncated: toInteger(binary64, 64, true),
  float32ToFloat64: betweenFloats(binary32, binary64),
  float64ToFloat32: betweenFloats(binary64, binary32),
};
