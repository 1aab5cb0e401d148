/**
 * Legacy prefixes and REX (SDM 2A 2.1.1, 2.2.1). Of F2 and F3 the last counts, and so with segment overrides, except that in
 * 64-bit mode ES, CS, SS and DS overrides are ignored (SDM 1 3.4.2.1). REX counts only directly before the opcode.
 */
import { Repeat, Segment } from '../instruction.ts';
import type { Encoding } from './encoding.ts';

const Prefix = { none: 0, segment: 1, operandSize: 2, addressSize: 3, lock: 4, repeat: 5, rex: 6 } as const;

const kinds: Uint8Array = new Uint8Array(256);
for (const byte of [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]) kinds[byte] = Prefix.segment;
kinds[0x66] = Prefix.operandSize;
kinds[0x67] = Prefix.addressSize;
kinds[0xf0] = Prefix.lock;
kinds[0xf2] = Prefix.repeat;
kinds[0xf3] = Prefix.repeat;

const kinds64: Uint8Array = kinds.slice();
kinds64.fill(Prefix.rex, 0x40, 0x50);

function segmentOf(byte: number): number {
  if (byte === 0x64) return Segment.FS;
  return byte === 0x65 ? Segment.GS : (byte >> 3) & 3;
}

function applyLegacyPrefix(encoding: Encoding, kind: number, byte: number): void {
  if (kind === Prefix.operandSize) encoding.operandSizeOverride = true;
  else if (kind === Prefix.repeat) encoding.repeat = byte === 0xf3 ? Repeat.whileEqual : Repeat.whileNotEqual;
  else if (kind === Prefix.addressSize) encoding.addressSizeOverride = true;
  else if (kind === Prefix.lock) encoding.lock = true;
  else if (!encoding.long || byte === 0x64 || byte === 0x65) encoding.segment = segmentOf(byte);
}

/** Consumes prefixes, at most up to `limit`; the byte after them is the opcode, an escape or VEX. */
export function readPrefixes(encoding: Encoding, limit: number): void {
  const kindOf = encoding.long ? kinds64 : kinds;
  while (encoding.at < limit) {
    const byte = encoding.peek();
    const kind = kindOf[byte];
    if (kind === Prefix.none || kind === undefined) return;
    encoding.at++;
    if (kind === Prefix.rex) {
      encoding.hasRex = true;
      encoding.rex = byte & 15;
    } else {
      encoding.hasRex = false;
      encoding.rex = 0;
      applyLegacyPrefix(encoding, kind, byte);
    }
  }
}
