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
