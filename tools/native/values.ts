/** Random register values: uniform ones, and those at which instructions change their mind. */
import type { Random } from '../../src/base/random.ts';

export function random64(random: Random): bigint {
  return (BigInt(random.uint32()) << 32n) | BigInt(random.uint32());
}

const widths = [8n, 16n, 32n, 64n] as const;

/** Near a power of two, of either sign. */
function edge(random: Random): bigint {
  const around = BigInt(random.below(3) - 1);
  const power = 1n << (random.pick(widths) - BigInt(random.below(2)));
  return BigInt.asUintN(64, (random.chance(0.5) ? power : -power) + around);
}

export function randomValue(random: Random): bigint {
  switch (random.below(6)) {
    case 0:
      return BigInt.asUintN(64, BigInt(random.below(33) - 16));
    case 1:
      return edge(random);
    case 2:
      return random64(random) & random64(random) & random64(random);
    case 3:
      return BigInt(random.uint32());
    default:
      return random64(random);
  }
}

/** Bits of binary32 numbers between which operations change their mind; the sign comes on top. */
const singles = [
  0n,
  0x0000_0001n,
  0x007f_ffffn,
  0x0080_0000n,
  0x3f00_0000n,
  0x3f80_0000n,
  0x3fc0_0000n,
  0x4b00_0001n,
  0x4effffffn,
  0x4f00_0000n,
  0x5f00_0000n,
  0x7f7f_ffffn,
  0x7f80_0000n,
  0x7f80_0001n,
  0x7fc0_0000n,
  0x7fc1_2345n,
] as const;

/** The same of binary64. */
const doubles = [
  0n,
  0x0000_0000_0000_0001n,
  0x000f_ffff_ffff_ffffn,
  0x0010_0000_0000_0000n,
  0x36a0_0000_0000_0000n,
  0x3810_0000_0000_0000n,
  0x3fe0_0000_0000_0000n,
  0x3ff0_0000_0000_0000n,
  0x3ff8_0000_0000_0000n,
  0x41df_ffff_ffff_fff0n,
  0x41e0_0000_0000_0000n,
  0x43e0_0000_0000_0000n,
  0x47ef_ffff_f000_0000n,
  0x7fef_ffff_ffff_ffffn,
  0x7ff0_0000_0000_0000n,
  0x7ff0_0000_0000_0001n,
  0x7ff8_0000_0000_0000n,
  0x7ff8_1234_5678_9abcn,
] as const;

export function randomSingle(random: Random): bigint {
  const sign = BigInt(random.below(2)) << 31n;
  if (random.chance(0.4)) return sign | random.pick(singles);
  // Of moderate magnitude, so that sums and products are of some interest.
  if (random.chance(0.6))
    return sign | (BigInt(0x70 + random.below(32)) << 23n) | (BigInt(random.uint32()) & 0x7f_ffffn);
  return BigInt(random.uint32());
}

export function randomDouble(random: Random): bigint {
  const sign = BigInt(random.below(2)) << 63n;
  if (random.chance(0.4)) return sign | random.pick(doubles);
  const fraction = random64(random) & 0xf_ffff_ffff_ffffn;
  if (random.chance(0.6)) return sign | (BigInt(0x3f0 + random.below(32)) << 52n) | fraction;
  return random64(random);
}

/** Bytes, words or doublewords near the ends of their range. */
function randomEdges(random: Random, bytes: number): bigint {
  const bits = BigInt(bytes * 8);
  let value = 0n;
  for (let lane = 0; lane < 8 / bytes; lane++) {
    const end = BigInt(random.below(2)) << (bits - 1n);
    value = (value << bits) | BigInt.asUintN(bytes * 8, end + BigInt(random.below(5) - 2));
  }
  return value;
}

/** Half of a vector: integers, or floating-point numbers of either format. */
export function randomVectorHalf(random: Random): bigint {
  switch (random.below(6)) {
    case 0:
      return randomEdges(random, random.pick([1, 2, 4]));
    case 1:
    case 2:
      return (randomSingle(random) << 32n) | randomSingle(random);
    case 3:
    case 4:
      return randomDouble(random);
    default:
      return randomValue(random);
  }
}
