/**
 * Elementary functions of fixed-point numbers: integers that stand for themselves times 2^-places. The error of a result is a few
 * hundred units at most, so callers ask for a hundred and sixty bits more than they round to.
 */
import { integerSquareRoot } from './arithmetic.ts';
import { Constant, constantFractionBits } from './constants.ts';
import { bitLength } from './number.ts';

/** A constant to so many places; beyond 256 the rest is zeros, which is exact enough for a factor. */
export function constantTo(constant: bigint, places: number): bigint {
  const shift = places - constantFractionBits;
  return shift >= 0 ? constant << BigInt(shift) : constant >> BigInt(-shift);
}

function product(a: bigint, b: bigint, places: number): bigint {
  return (a * b) >> BigInt(places);
}

/** e^x - 1 for x between -1 and 1: the series of x^n / n!. */
export function exponentialMinus1(x: bigint, places: number): bigint {
  let term = x;
  let sum = x;
  for (let n = 2n; term !== 0n && term !== -1n; n++) {
    term = product(term, x, places) / n;
    sum += term;
  }
  return sum;
}

/** The sum of x^n / n for odd n, the signs alternating (arc tangent) or not (hyperbolic). For x between -1/2 and 1/2. */
function oddSeries(x: bigint, places: number, alternating: boolean): bigint {
  const square = alternating ? -product(x, x, places) : product(x, x, places);
  let power = x;
  let sum = x;
  for (let n = 3n; ; n += 2n) {
    power = product(power, square, places);
    const term = power / n;
    if (term === 0n) return alternating && sum === x ? nearerZero(x) : sum;
    sum += term;
  }
}

/** ln((1 + s) / (1 - s)), for s between -1/2 and 1/2. */
export function logarithmOfRatio(s: bigint, places: number): bigint {
  return 2n * oddSeries(s, places, false);
}

/** Halvings of the angle before the series is short enough. */
const arcTangentHalvings = 4;

/** For x between 0 and 1. */
export function arcTangent(x: bigint, places: number): bigint {
  const one = 1n << BigInt(places);
  // Below 2^-16 the series is short by itself.
  let halvings = 0;
  let half = x;
  while (halvings < arcTangentHalvings && bitLength(half) > places - 16) {
    const hypotenuse = integerSquareRoot((one + product(half, half, places)) << BigInt(places));
    half = (half << BigInt(places)) / (one + hypotenuse);
    halvings++;
  }
  return oddSeries(half, places, true) << BigInt(halvings);
}

/** What a sum comes to of which every further term is too small to be seen, and the next one has the other sign. */
function nearerZero(first: bigint): bigint {
  return first > 0n ? first - 1n : first + 1n;
}

/** For x between -1 and 1. */
export function sine(x: bigint, places: number): bigint {
  return factorialSeries(x, x, 2n, places);
}

export function cosine(x: bigint, places: number): bigint {
  return factorialSeries(1n << BigInt(places), x, 1n, places);
}

/** first - first x^2 / (k (k+1)) + ... */
function factorialSeries(first: bigint, x: bigint, k: bigint, places: number): bigint {
  const square = -product(x, x, places);
  let term = first;
  let sum = first;
  for (let n = k; ; n += 2n) {
    term = product(term, square, places) / (n * (n + 1n));
    if (term === 0n) return sum === first ? nearerZero(first) : sum;
    sum += term;
  }
}

/** ln 2, to so many places. */
export function naturalLogarithmOf2(places: number): bigint {
  return constantTo(Constant.ln2, places);
}
