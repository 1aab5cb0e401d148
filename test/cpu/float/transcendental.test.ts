/** The functions of the x87 FPU against the host's, of half the precision, and against each other. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { constantBits } from '../../../src/cpu/float/constants.ts';
import { controlOfX87, FloatFlag, Rounding } from '../../../src/cpu/float/control.ts';
import { convertNumber } from '../../../src/cpu/float/convert.ts';
import { binary64, extended } from '../../../src/cpu/float/format.ts';
import { logarithmOfPlus1Times, logarithmTimes, powerOf2Minus1 } from '../../../src/cpu/float/logarithmic.ts';
import { type FloatNumber, unpack } from '../../../src/cpu/float/number.ts';
import { remainder } from '../../../src/cpu/float/remainder.ts';
import {
  angleOf,
  cosineOfNumber,
  isInRange,
  sineOfNumber,
  tangentOfNumber,
} from '../../../src/cpu/float/trigonometric.ts';

const parameters = { seed: 8087, numRuns: 1500 };
const control = controlOfX87(0x37f, true);
const view = new DataView(new ArrayBuffer(8));

function numberOf(value: number): FloatNumber {
  view.setFloat64(0, value);
  return unpack(binary64, view.getBigUint64(0));
}
function toHost(bits: bigint): number {
  view.setBigUint64(0, convertNumber(binary64, unpack(extended, bits), control).value);
  return view.getFloat64(0);
}
function expectClose(bits: bigint, expected: number): void {
  expect(Math.abs(toHost(bits) - expected)).toBeLessThanOrEqual(2 ** -51 * Math.abs(expected));
}

const moderate = fc.double({ min: -1000, max: 1000, noNaN: true }).filter((value) => Math.abs(value) > 1e-300);

describe('trigonometric functions', () => {
  it('are close to those of the host', () => {
    fc.assert(
      fc.property(moderate, (a) => {
        expectClose(sineOfNumber(numberOf(a), control).value, Math.sin(a));
        expectClose(cosineOfNumber(numberOf(a), control).value, Math.cos(a));
        expectClose(tangentOfNumber(numberOf(a), control).value, Math.tan(a));
      }),
      parameters,
    );
  });

  it('give angles in all quadrants', () => {
    fc.assert(
      fc.property(moderate, moderate, (y, x) => {
        expectClose(angleOf(numberOf(y), numberOf(x), control).value, Math.atan2(y, x));
      }),
      parameters,
    );
  });

  it.each([
    [0, 1],
    [-0, 1],
    [0, -1],
    [-0, -1],
    [1, 0],
    [-1, -0],
    [Infinity, Infinity],
    [-Infinity, Infinity],
    [Infinity, -Infinity],
    [1, -Infinity],
    [-1, Infinity],
  ])('SDM 2A FPATAN: the angle of y = %d and x = %d', (y, x) => {
    expect(toHost(angleOf(numberOf(y), numberOf(x), control).value)).toBe(Math.atan2(y, x));
  });

  it('SDM 1 8.3.8: pi has 66 bits, so that the sine of the nearest 64 bits to pi shows the others', () => {
    const pi = unpack(extended, constantBits('pi', control));
    // Rounded up from 64 bits and three quarters: a quarter too large.
    expect(toHost(sineOfNumber(pi, control).value)).toBe(-(2 ** -64));
  });

  it('SDM 1 8.3.7: the range ends at 2^63', () => {
    expect(isInRange(numberOf(2 ** 63))).toBe(false);
    expect(isInRange(numberOf(-(2 ** 63) + 1024))).toBe(true);
  });

  it('round to both sides of a value that is not exact', () => {
    const directed = (rounding: number) => controlOfX87(0x37f | (rounding << 10), true);
    fc.assert(
      fc.property(moderate, (a) => {
        const down = sineOfNumber(numberOf(a), directed(Rounding.down));
        const up = sineOfNumber(numberOf(a), directed(Rounding.up));
        expect(down.flags & FloatFlag.PE).toBe(FloatFlag.PE);
        const difference = up.value - down.value;
        expect(difference === 1n || difference === -1n).toBe(true);
      }),
      parameters,
    );
  });
});

describe('powers and logarithms', () => {
  it('are close to those of the host', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 1e300, noNaN: true }), moderate, (x, y) => {
        fc.pre(Math.abs(Math.log2(x)) > 1e-3);
        expectClose(logarithmTimes(numberOf(1), numberOf(x), control).value, Math.log2(x));
        expect(toHost(logarithmTimes(numberOf(y), numberOf(x), control).value) / (y * Math.log2(x))).toBeCloseTo(1, 12);
      }),
      parameters,
    );
  });

  it('undo each other near 1, where the host loses its digits', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-18, max: 0.29, noNaN: true }), fc.boolean(), (magnitude, negative) => {
        const x = negative ? -magnitude : magnitude;
        const logarithm = logarithmOfPlus1Times(numberOf(1), numberOf(x), control).value;
        expectClose(powerOf2Minus1(unpack(extended, logarithm), logarithm, control).value, x);
      }),
      parameters,
    );
  });

  it('SDM 2A FYL2X: the logarithm of zero is a division by zero, of a negative number invalid', () => {
    const one = numberOf(1);
    expect(logarithmTimes(one, numberOf(0), control)).toMatchObject({ flags: FloatFlag.ZE });
    expect(toHost(logarithmTimes(one, numberOf(0), control).value)).toBe(-Infinity);
    expect(logarithmTimes(one, numberOf(-2), control)).toMatchObject({ flags: FloatFlag.IE });
  });
});

describe('partial remainders', () => {
  it('SDM 2A FPREM: come, repeated, to the remainder of the host', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (a, b) => {
        fc.pre(Number.isFinite(a) && b !== 0);
        let dividend = numberOf(a);
        for (let round = 0; round < 100; round++) {
          const { value, partial } = remainder(dividend, numberOf(b), false, control);
          dividend = unpack(extended, value);
          if (!partial) break;
        }
        const { value } = remainder(dividend, numberOf(b), false, control);
        expect(toHost(value)).toBe(a % b);
      }),
      parameters,
    );
  });
});
