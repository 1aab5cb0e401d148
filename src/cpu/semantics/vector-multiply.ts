/** Integer products of lanes (SDM 1 9.4.2; 10.4.4; 11.4.2; 12.6.3, 12.6.4; 12.10.1). */
import type { Builder } from '../builder.ts';
import type { LaneBytes, LaneOperation } from '../vector-builder.ts';
import type { Semantics } from './row.ts';
import { everySecondLane } from './vector-index.ts';
import { binary } from './vector-operand.ts';

interface Products<V> {
  readonly low: V;
  readonly high: V;
}

/** 16-bit lanes to 32-bit products. */
function wordProducts<V>(b: Builder<V>, x: V, y: V, signed: boolean): Products<V> {
  return {
    low: b.lanes(signed ? 'multiplyLowHalfSigned' : 'multiplyLowHalfUnsigned', 2, x, y),
    high: b.lanes(signed ? 'multiplyHighHalfSigned' : 'multiplyHighHalfUnsigned', 2, x, y),
  };
}

const evenWords = everySecondLane(2, 16, 0);
const oddWords = everySecondLane(2, 16, 1);

function highWord(signed: boolean): Semantics {
  return binary((b, x, y) => {
    const { low, high } = wordProducts(b, x, y, signed);
    return b.shuffle(low, high, oddWords);
  });
}

function low(bytes: LaneBytes): Semantics {
  return binary((b, x, y) => b.lanes('multiply', bytes, x, y));
}

const evenDoublewords = everySecondLane(4, 16, 0);

/** Of the even 32-bit lanes, whole. */
function doublewords(operation: LaneOperation): Semantics {
  return binary((b, x, y) => b.lanes(operation, 4, b.shuffle(x, x, evenDoublewords), b.shuffle(y, y, evenDoublewords)));
}

export const vectorProducts = {
  PMULLW: low(2),
  PMULLD: low(4),
  PMULHW: highWord(true),
  PMULHUW: highWord(false),
  PMULUDQ: doublewords('multiplyLowHalfUnsigned'),
  PMULDQ: doublewords('multiplyLowHalfSigned'),
  PMADDWD: binary((b, x, y) => b.lanes('multiplyAddPairs', 2, x, y)),
  /** Bits 30:15 of the product, rounded. */
  PMULHRSW: binary((b, x, y) => {
    const { low, high } = wordProducts(b, x, y, true);
    const one = b.constant(1n);
    const rounded = (product: typeof x): typeof x => {
      const shifted = b.shiftLanes('rightSigned', 4, product, b.constant(14n));
      return b.shiftLanes('rightUnsigned', 4, b.lanes('add', 4, shifted, b.splat(4, one)), one);
    };
    return b.shuffle(rounded(low), rounded(high), evenWords);
  }),
  /** Unsigned bytes of the destination by signed ones of the source; neighbours added, saturated. */
  PMADDUBSW: binary((b, x, y) => {
    const byte = b.constant(8n);
    const even = b.lanes(
      'multiply',
      2,
      b.lanes('and', 8, x, b.splat(2, b.constant(0xffn))),
      b.shiftLanes('rightSigned', 2, b.shiftLanes('left', 2, y, byte), byte),
    );
    const odd = b.lanes(
      'multiply',
      2,
      b.shiftLanes('rightUnsigned', 2, x, byte),
      b.shiftLanes('rightSigned', 2, y, byte),
    );
    return b.lanes('addSaturatedSigned', 2, even, odd);
  }),
};
