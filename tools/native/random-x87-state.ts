/** Random contents of the x87 FPU: numbers of all kinds, some of them close to each other, empty registers, a random control word. */
import type { Random } from '../../src/base/random.ts';
import { FpuImage } from './fpu-image.ts';
import { random64 } from './values.ts';

interface ExtendedBits {
  readonly significand: bigint;
  readonly signAndExponent: number;
}

const integerBit = 1n << 63n;

function significand(random: Random): bigint {
  switch (random.below(5)) {
    case 0:
      return integerBit;
    case 1:
      return 0xffff_ffff_ffff_ffffn;
    case 2:
      return integerBit | BigInt.asUintN(63, BigInt(random.below(4096)) << 52n);
    case 3:
      // Of few bits, or one more than binary32 or binary64 has.
      return (
        integerBit |
        BigInt.asUintN(
          63,
          (random64(random) >> BigInt(random.pick([39, 40, 10, 11]))) << BigInt(random.pick([38, 39, 10, 11])),
        )
      );
    default:
      return integerBit | random64(random);
  }
}

/** Biased exponents: about 1, about those where other formats end, anything. */
function exponent(random: Random): number {
  switch (random.below(8)) {
    case 0:
      return random.below(0x8000);
    case 1:
      return random.pick([0x3f80, 0x3f81, 0x3f6a, 0x407e, 0x407f, 0x3c00, 0x3c01, 0x3bcd, 0x43fe, 0x43ff]);
    case 2:
      return random.pick([0, 1, 2, 0x7ffe, 0x7ffd, 0x4000 + 14, 0x4000 + 30, 0x4000 + 62, 0x4000 + 63]);
    case 3:
      return 0x3fff + random.below(140) - 70;
    default:
      return 0x3fff + random.below(12) - 6;
  }
}

const specials: readonly ExtendedBits[] = [
  { significand: 0n, signAndExponent: 0 },
  { significand: 1n, signAndExponent: 0 },
  { significand: integerBit - 1n, signAndExponent: 0 },
  // Pseudo-denormal.
  { significand: integerBit, signAndExponent: 0 },
  { significand: integerBit, signAndExponent: 1 },
  { significand: integerBit, signAndExponent: 0x3fff },
  { significand: integerBit, signAndExponent: 0x7fff },
  { significand: integerBit | 1n, signAndExponent: 0x7fff },
  { significand: 0xc000_0000_0000_0000n, signAndExponent: 0x7fff },
  { significand: 0xc000_0000_0001_2345n, signAndExponent: 0x7fff },
  // Pseudo-infinity, pseudo-NaN, unnormals.
  { significand: 0n, signAndExponent: 0x7fff },
  { significand: 1n, signAndExponent: 0x7fff },
  { significand: 0n, signAndExponent: 0x3fff },
  { significand: 5n, signAndExponent: 0x4001 },
];

function randomExtended(random: Random): ExtendedBits {
  const sign = random.below(2) << 15;
  const { significand: bits, signAndExponent } = random.chance(0.25)
    ? random.pick(specials)
    : { significand: significand(random), signAndExponent: exponent(random) };
  return { significand: bits, signAndExponent: signAndExponent | sign };
}

export function randomExtendedBits(random: Random): bigint {
  const { significand: bits, signAndExponent } = randomExtended(random);
  return (BigInt(signAndExponent) << 64n) | bits;
}

function controlWord(random: Random): number {
  if (random.chance(0.3)) return 0x37f;
  const masks = random.chance(0.5) ? 0x3f : random.below(64);
  return 0x40 | masks | (random.pick([0, 2, 3]) << 8) | (random.below(4) << 10) | (random.below(2) << 12);
}

/** Exceptions that are masked may be flagged; sometimes one is pending. */
function statusWord(random: Random, control: number): number {
  const pending = random.chance(0.04);
  const flags = random.chance(0.5) ? 0 : random.below(128) & (pending ? 127 : control | 0x40);
  const summary = (flags & ~control & 0x3f) !== 0 ? 0x8080 : 0;
  return (random.below(8) << 11) | flags | summary | (random.uint32() & 0x4700);
}

/** Into an FPU image. */
export function randomizeX87(random: Random, image: Uint8Array): void {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const control = controlWord(random);
  view.setUint16(FpuImage.controlWord, control, true);
  view.setUint16(FpuImage.statusWord, statusWord(random, control), true);
  view.setUint8(FpuImage.tags, random.chance(0.6) ? random.pick([0x7f, 0xff, 0xfe, 0x3f]) : random.below(256));
  for (let at = 0; at < 8; at++) {
    const { significand: bits, signAndExponent } = randomExtended(random);
    view.setBigUint64(FpuImage.x87 + at * 16, bits, true);
    view.setUint16(FpuImage.x87 + at * 16 + 8, signAndExponent, true);
  }
}
