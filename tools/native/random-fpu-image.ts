/** Random contents of x87, MMX and XMM registers, no x87 exception pending, under a random MXCSR. */
import type { Random } from '../../src/base/random.ts';
import { FpuImage, initialFpuImage } from './fpu-image.ts';
import { random64, randomVectorHalf } from './values.ts';

/** Halves of registers are taken from so many values: some are equal, and recorded instances compress. */
const poolSize = 8;
const allMasked = 0x1f80;

/** Rounding, FTZ, DAZ, flags; sometimes not all exceptions masked. */
function randomMxcsr(random: Random): number {
  if (random.chance(0.25)) return allMasked;
  const masks = random.chance(0.5) ? allMasked : allMasked & random.uint32();
  const flags = random.chance(0.5) ? 0 : random.below(64);
  return masks | flags | (random.below(4) << 13) | (random.below(2) << 6) | (random.chance(0.3) ? 0x8000 : 0);
}

export function randomFpuImage(random: Random): Uint8Array {
  const image = initialFpuImage();
  const view = new DataView(image.buffer);
  view.setUint16(FpuImage.statusWord, random.below(8) << 11, true);
  view.setUint8(FpuImage.tags, random.below(256));
  view.setUint32(FpuImage.mxcsr, randomMxcsr(random), true);
  const halves = Array.from({ length: poolSize }, () => randomVectorHalf(random));
  for (let at = 0; at < 8; at++) {
    view.setBigUint64(FpuImage.x87 + at * 16, random.pick(halves), true);
    view.setUint16(FpuImage.x87 + at * 16 + 8, random.chance(0.5) ? 0xffff : Number(random64(random) & 0xffffn), true);
  }
  for (let at = 0; at < 32; at++) view.setBigUint64(FpuImage.xmm + at * 8, random.pick(halves), true);
  return image;
}
