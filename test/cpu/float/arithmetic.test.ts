import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floatOperation } from '../../../src/cpu/float/arithmetic.ts';
import { compareFloats, extremum } from '../../../src/cpu/float/compare.ts';
import { controlOfMxcsr, FloatFlag, Rounding } from '../../../src/cpu/float/control.ts';
import { convertFloat, floatFromInteger, integerFromFloat, integralOfFloat } from '../../../src/cpu/float/convert.ts';
import { bitLength } from '../../../src/cpu/float/number.ts';
import { binary32, binary64 } from '../../../src/cpu/float/format.ts';

const parameters = { seed: 20_231_122, numRuns: 4000 };
const nearest = controlOfMxcsr(0x1f80);
const { IE, DE, ZE, OE, UE, PE } = FloatFlag;

const view = new DataView(new ArrayBuffer(8));
function bitsOf(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}
function numberOf(bits: bigint): number {
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}
function bits32(value: number): bigint {
  view.setFloat32(0, value);
  return BigInt(view.getUint32(0));
}

/** Numbers of all magnitudes, and often of close ones. */
const double = fc.oneof(
  fc.double({ noNaN: true }),
  fc.integer({ min: -1000, max: 1000 }).map((n) => n / 8),
  fc.bigInt({ min: 0x3fd0_0000_0000_0000n, max: 0x4030_0000_0000_0000n }).map(numberOf),
  fc.bigInt({ min: 0n, max: 0x0030_0000_0000_0000n }).map(numberOf),
);

describe('binary64 rounded to nearest is the arithmetic of the host', () => {
  const rows = [
    ['add', (a: number, b: number) => a + b],
    ['subtract', (a: number, b: number) => a - b],
    ['multiply', (a: number, b: number) => a * b],
    ['divide', (a: number, b: number) => a / b],
    ['squareRoot', (_: number, b: number) => Math.sqrt(b)],
  ] as const;
  it.each(rows)('%s', (operation, host) => {
    fc.assert(
      fc.property(double, double, (a, b) => {
        const { value } = floatOperation(operation, binary64, bitsOf(a), bitsOf(b), nearest);
        const expected = host(a, b);
        expect(numberOf(value)).toBe(expected);
        if (Number.isNaN(expected)) expect(value).toBe(0xfff8_0000_0000_0000n);
      }),
      parameters,
    );
  });

  it('binary32 is binary64 rounded once more, where that is innocuous', () => {
    const float = double.map(Math.fround);
    fc.assert(
      fc.property(float, float, fc.constantFrom('add', 'subtract', 'multiply', 'divide'), (a, b, operation) => {
        const host = { add: a + b, subtract: a - b, multiply: a * b, divide: a / b }[operation];
        const { value } = floatOperation(operation, binary32, bits32(a), bits32(b), nearest);
        expect(value).toBe(Number.isNaN(host) ? 0xffc0_0000n : bits32(host));
      }),
      parameters,
    );
  });
});

describe('directed rounding', () => {
  it('brackets the value: down and up differ exactly when PE is set', () => {
    fc.assert(
      fc.property(double, double, fc.constantFrom('add', 'multiply', 'divide'), (a, b, operation) => {
        const rounded = (rounding: number) =>
          floatOperation(operation, binary64, bitsOf(a), bitsOf(b), controlOfMxcsr(0x1f80 | (rounding << 13)));
        const down = rounded(Rounding.down);
        const up = rounded(Rounding.up);
        const zero = rounded(Rounding.zero);
        if ((down.flags & (IE | ZE)) !== 0) return;
        expect(down.flags & PE).toBe(up.flags & PE);
        const low = numberOf(down.value);
        const high = numberOf(up.value);
        if ((down.flags & PE) === 0) expect(Math.abs(low)).toBe(Math.abs(high));
        else expect(low).toBeLessThan(high);
        expect([down.value, up.value]).toContain(zero.value);
        expect([down.value, up.value]).toContain(rounded(Rounding.nearest).value);
        expect(Math.abs(numberOf(zero.value))).toBe(Math.min(Math.abs(low), Math.abs(high)));
      }),
      parameters,
    );
  });
});

describe('flags and special values', () => {
  const least = 1n;
  const smallestNormal = 0x0010_0000_0000_0000n;
  const one = bitsOf(1);
  const huge = bitsOf(Number.MAX_VALUE);
  const rows = [
    { cite: 'SDM 1 4.9.1.1', operation: 'add', a: bitsOf(Infinity), b: bitsOf(-Infinity), flags: IE },
    { cite: 'SDM 1 4.9.1.1', operation: 'multiply', a: 0n, b: bitsOf(Infinity), flags: IE },
    { cite: 'SDM 1 4.9.1.2', operation: 'add', a: least, b: one, flags: DE | PE },
    { cite: 'SDM 1 4.9.1.3', operation: 'divide', a: one, b: 0n, flags: ZE },
    { cite: 'SDM 1 4.9.2', operation: 'divide', a: least, b: 0n, flags: ZE },
    { cite: 'SDM 1 4.9.1.4', operation: 'add', a: huge, b: huge, flags: OE | PE },
    { cite: 'SDM 1 4.9.1.5', operation: 'multiply', a: smallestNormal, b: bitsOf(0.5), flags: 0 },
    { cite: 'SDM 1 4.9.1.5', operation: 'multiply', a: smallestNormal, b: bitsOf(1 / 3), flags: UE | PE },
    // Below the smallest normal number, and not after rounding to 53 bits.
    { cite: 'SDM 1 4.9.1.5', operation: 'multiply', a: 0x0010_0000_0000_0001n, b: one - 1n, flags: PE },
    { cite: 'SDM 1 4.9.1.6', operation: 'divide', a: one, b: bitsOf(3), flags: PE },
    { cite: 'SDM 1 4.8.3.4', operation: 'add', a: 0x7ff8_0000_0000_0001n, b: least, flags: 0 },
    { cite: 'SDM 1 4.8.3.4', operation: 'add', a: 0x7ff0_0000_0000_0001n, b: least, flags: IE },
  ] as const;
  it.each(rows)('$cite: $operation of $a and $b sets $flags', ({ operation, a, b, flags }) => {
    expect(floatOperation(operation, binary64, a, b, nearest).flags).toBe(flags);
  });

  it('SDM 1 table 4-7: SSE takes the first NaN, quieted', () => {
    const result = floatOperation('add', binary64, 0x7ff0_0000_0000_0001n, 0xfff8_0000_0000_0002n, nearest);
    expect(result.value).toBe(0x7ff8_0000_0000_0001n);
  });

  it('SDM 1 10.2.3.3: FTZ gives zero with UE and PE, unless underflow is unmasked', () => {
    const half = bitsOf(-0.5);
    const flushed = floatOperation('multiply', binary64, smallestNormal, half, controlOfMxcsr(0x9f80));
    expect(flushed).toEqual({ value: bitsOf(-0), flags: UE | PE, roundedUp: false });
    const unmasked = floatOperation('multiply', binary64, smallestNormal, half, controlOfMxcsr(0x9780));
    expect(unmasked.flags).toBe(UE);
  });

  it('SDM 1 10.2.3.4: DAZ takes denormals for zeros without DE', () => {
    expect(floatOperation('add', binary64, least, one, controlOfMxcsr(0x1fc0))).toMatchObject({ value: one, flags: 0 });
  });

  it('SDM 1 4.9.2: an unmasked denormal operand leaves nothing to be inexact', () => {
    expect(floatOperation('add', binary64, least, one, controlOfMxcsr(0x1e80)).flags).toBe(DE);
  });
});

it('the length of a number is exact at powers of two', () => {
  for (let bits = 1; bits <= 1100; bits++) {
    const power = 1n << BigInt(bits);
    expect([bitLength(power - 1n), bitLength(power), bitLength(power + 1n)]).toEqual([bits, bits + 1, bits + 1]);
  }
});

describe('comparison', () => {
  it('is that of the host', () => {
    fc.assert(
      fc.property(double, double, (a, b) => {
        const expected = a < b ? 'less' : a > b ? 'greater' : 'equal';
        expect(compareFloats(binary64, bitsOf(a), bitsOf(b), nearest, false).relation).toBe(expected);
      }),
      parameters,
    );
  });

  it('SDM 2B MINPD: gives the second operand for zeros and NaNs', () => {
    const nan = 0x7ff0_0000_0000_0001n;
    expect(extremum('minimum', binary64, bitsOf(-0), 0n, nearest).value).toBe(0n);
    expect(extremum('maximum', binary64, bitsOf(1), nan, nearest)).toMatchObject({ value: nan, flags: IE });
    expect(extremum('maximum', binary64, nan, bitsOf(1), nearest)).toMatchObject({ value: bitsOf(1), flags: IE });
  });
});

describe('conversions', () => {
  it('between binary32 and binary64 are those of the host', () => {
    fc.assert(
      fc.property(double, (a) => {
        const narrow = convertFloat(binary64, binary32, bitsOf(a), nearest);
        expect(narrow.value).toBe(bits32(a));
        expect(convertFloat(binary32, binary64, narrow.value, nearest).value).toBe(bitsOf(Math.fround(a)));
      }),
      parameters,
    );
  });

  it('from integers are those of the host', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (n) => {
        expect(floatFromInteger(binary64, n, nearest).value).toBe(bitsOf(Number(n)));
      }),
      parameters,
    );
  });

  it('to integers truncate as the host does, and give the integer indefinite beyond', () => {
    fc.assert(
      fc.property(fc.oneof(double, fc.double({ min: -3e9, max: 3e9, noNaN: true })), (a) => {
        const { value, flags } = integerFromFloat(binary64, bitsOf(a), 32, nearest, Rounding.zero);
        const truncated = Math.trunc(a);
        const fits = truncated >= -(2 ** 31) && truncated < 2 ** 31;
        expect(value).toBe(fits ? BigInt(truncated >>> 0) : 0x8000_0000n);
        expect(flags).toBe(fits ? (truncated === a ? 0 : PE) : IE);
      }),
      parameters,
    );
  });

  it('to an integral value are those of the host', () => {
    const rows = [
      [Rounding.down, Math.floor],
      [Rounding.up, Math.ceil],
      [Rounding.zero, Math.trunc],
    ] as const;
    fc.assert(
      fc.property(double, fc.constantFrom(...rows), (a, [rounding, host]) => {
        expect(numberOf(integralOfFloat(binary64, bitsOf(a), nearest, rounding).value)).toBe(host(a));
      }),
      parameters,
    );
  });
});
