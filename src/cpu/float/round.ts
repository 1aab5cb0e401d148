/**
 * Rounding of an exact value to a format (SDM 1 4.8.4, 4.9.1.4 to 4.9.1.6). Tininess is detected after rounding to an unbounded range
 * of exponents.
 */
import { exact, type FloatControl, FloatFlag, type FloatResult, Rounding } from './control.ts';
import { assemble, type FloatFormat, infinity, largest, zero } from './format.ts';
import { bitLength } from './number.ts';

export interface Rounded {
  /** The magnitude without its `drop` lowest bits. */
  readonly significand: bigint;
  readonly inexact: boolean;
  readonly up: boolean;
}

/** Rounds a magnitude to a multiple of 2^drop, and divides by that. */
export function roundAway(significand: bigint, drop: number, negative: boolean, rounding: Rounding): Rounded {
  if (drop <= 0) return { significand: significand << BigInt(-drop), inexact: false, up: false };
  const kept = significand >> BigInt(drop);
  const rest = BigInt.asUintN(drop, significand);
  if (rest === 0n) return { significand: kept, inexact: false, up: false };
  const up = goesUp(kept, rest, 1n << BigInt(drop - 1), negative, rounding);
  return { significand: up ? kept + 1n : kept, inexact: true, up };
}

function goesUp(kept: bigint, rest: bigint, half: bigint, negative: boolean, rounding: Rounding): boolean {
  switch (rounding) {
    case Rounding.nearest:
      return rest > half || (rest === half && (kept & 1n) === 1n);
    case Rounding.down:
      return negative;
    case Rounding.up:
      return !negative;
    case Rounding.zero:
      return false;
  }
}

/** By how much unmasked overflow and underflow move the exponent of an x87 register (SDM 1 8.5.4). */
const exponentMove = 24_576;

class Packing {
  readonly #to: FloatFormat;
  readonly #control: FloatControl;
  readonly #negative: boolean;

  constructor(to: FloatFormat, control: FloatControl, negative: boolean) {
    this.#to = to;
    this.#control = control;
    this.#negative = negative;
  }

  pack(significand: bigint, exponent: number): FloatResult {
    const to = this.#to;
    const bits = bitLength(significand);
    const rounded = this.#round(significand, bits - to.precision);
    const carried = rounded.significand >> BigInt(to.precision) !== 0n;
    const leading = exponent + bits - 1 + (carried ? 1 : 0);
    if (leading > to.maximumExponent) return this.#overflow(rounded, leading);
    if (leading < to.minimumExponent) return this.#underflow(rounded, leading, significand, exponent);
    return this.#normal(rounded, leading, 0);
  }

  #round(significand: bigint, drop: number): Rounded {
    return roundAway(significand, drop, this.#negative, this.#control.rounding);
  }

  #masked(flag: number): boolean {
    return (this.#control.masks & flag) !== 0;
  }

  #normal({ significand, inexact, up }: Rounded, leading: number, flags: number): FloatResult {
    const to = this.#to;
    const carried = significand >> BigInt(to.precision) !== 0n;
    const place = to.fractionBits + 1 - to.precision - (carried ? 1 : 0);
    const whole = place >= 0 ? significand << BigInt(place) : significand >> BigInt(-place);
    const value = assemble(to, this.#negative, leading + to.bias, whole);
    return { value, flags: flags | (inexact ? FloatFlag.PE : 0), roundedUp: up };
  }

  #overflow(rounded: Rounded, leading: number): FloatResult {
    const to = this.#to;
    const { rounding, movesExponent } = this.#control;
    if (!this.#masked(FloatFlag.OE) && movesExponent) {
      if (leading - exponentMove <= to.maximumExponent)
        return this.#normal(rounded, leading - exponentMove, FloatFlag.OE);
      return { value: infinity(to, this.#negative), flags: FloatFlag.OE | FloatFlag.PE, roundedUp: true };
    }
    const away = this.#negative ? Rounding.down : Rounding.up;
    const toInfinity = rounding === Rounding.nearest || rounding === away;
    const value = toInfinity ? infinity(to, this.#negative) : largest(to, this.#negative);
    if (!this.#masked(FloatFlag.OE)) return this.#nothing(FloatFlag.OE, rounded);
    return { value, flags: FloatFlag.OE | FloatFlag.PE, roundedUp: toInfinity };
  }

  #underflow(rounded: Rounded, leading: number, significand: bigint, exponent: number): FloatResult {
    const to = this.#to;
    if (!this.#masked(FloatFlag.UE) && this.#control.movesExponent) {
      if (leading + exponentMove >= to.minimumExponent)
        return this.#normal(rounded, leading + exponentMove, FloatFlag.UE);
      return exact(zero(to, this.#negative), FloatFlag.UE | FloatFlag.PE);
    }
    if (!this.#masked(FloatFlag.UE)) return this.#nothing(FloatFlag.UE, rounded);
    if (this.#control.flushToZero) {
      return exact(zero(to, this.#negative), FloatFlag.UE | FloatFlag.PE);
    }
    const unit = to.minimumExponent - to.precision + 1;
    const tiny = this.#round(significand, unit - exponent);
    const whole = tiny.significand << BigInt(to.fractionBits + 1 - to.precision);
    const normal = whole >> BigInt(to.fractionBits) !== 0n;
    return {
      value: assemble(to, this.#negative, normal ? 1 : 0, whole),
      flags: tiny.inexact ? FloatFlag.UE | FloatFlag.PE : 0,
      roundedUp: tiny.up,
    };
  }

  /** No result; inexact is what rounding to an unbounded range of exponents would have been. */
  #nothing(flag: number, rounded: Rounded): FloatResult {
    return exact(0n, flag | (this.#control.reportsInexact && rounded.inexact ? FloatFlag.PE : 0));
  }
}

/**
 * significand * 2^exponent in a format; the significand is not 0. What is exact beyond its lowest bit may be told by setting that bit,
 * if there are two more below the format's last one.
 */
export function roundAndPack(
  to: FloatFormat,
  control: FloatControl,
  negative: boolean,
  significand: bigint,
  exponent: number,
): FloatResult {
  return new Packing(to, control, negative).pack(significand, exponent);
}
