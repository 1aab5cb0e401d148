/**
 * Byte strings to decode. Uniform bytes rarely get past the one-byte map; shaped ones are prefixes, then an escape or a
 * VEX prefix, then random bytes.
 */
import type { Random } from '../../src/base/random.ts';
import { slotBytes } from './comparison-run.ts';

const legacyPrefixes = [0x66, 0x66, 0xf3, 0xf2, 0x67, 0xf0, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x48, 0x41, 0x4f];

function fillRandom(slots: Uint8Array, from: number, to: number, random: Random): void {
  for (let at = from; at < to; at++) slots[at] = random.uint32() >>> 24;
}

function shape(slots: Uint8Array, start: number, random: Random): void {
  let at = start;
  const prefixes = random.below(4);
  for (let count = 0; count < prefixes; count++) slots[at++] = random.pick(legacyPrefixes);
  const kind = random.below(8);
  if (kind < 3) slots[at++] = 0x0f;
  else if (kind < 5) {
    slots[at++] = 0x0f;
    slots[at++] = kind === 3 ? 0x38 : 0x3a;
  } else if (kind === 5) slots[at++] = 0xc5;
  else if (kind === 6) {
    slots[at++] = 0xc4;
    slots[at++] = (random.uint32() & 0xe0) | (1 + random.below(3));
  }
}

/** Fills every slot: half uniform, half shaped. */
export function fillSlots(slots: Uint8Array, random: Random): void {
  for (let start = 0; start + slotBytes <= slots.length; start += slotBytes) {
    fillRandom(slots, start, start + slotBytes, random);
    if (random.chance(0.5)) shape(slots, start, random);
  }
}
