/**
 * From the first opcode byte to the map it selects: the escapes 0F, 0F 38 and 0F 3A (SDM 2A 2.1.2), and VEX (SDM 2A 2.3).
 * Outside 64-bit mode C4 and C5 are LES and LDS, and 62 is BOUND, unless the byte after them has its top two bits set.
 */
import { Repeat } from '../instruction.ts';
import { type Encoding, Rex } from './encoding.ts';

const vexSpaces = 3;

function legacyPrefixClass(encoding: Encoding): number {
  if (encoding.repeat === Repeat.whileEqual) return 2;
  if (encoding.repeat === Repeat.whileNotEqual) return 3;
  return encoding.operandSizeOverride ? 1 : 0;
}

function readEscape(encoding: Encoding): void {
  const byte = encoding.uint8();
  if (byte === 0x38 || byte === 0x3a) {
    encoding.space = byte === 0x38 ? 2 : 3;
    encoding.opcode = encoding.uint8();
  } else {
    encoding.space = 1;
    encoding.opcode = byte;
  }
}

/** The last byte of either VEX prefix: vvvv inverted, L, pp. */
function readVexTail(encoding: Encoding, byte: number, map: number): boolean {
  const forbidden = encoding.lock || encoding.repeat !== Repeat.none || encoding.operandSizeOverride || encoding.hasRex;
  if (forbidden || map < 1 || map > vexSpaces) return false;
  encoding.vex = true;
  encoding.vvvv = (~byte >> 3) & 15;
  encoding.vectorLength = (byte >> 2) & 1;
  encoding.prefixClass = byte & 3;
  encoding.space = vexSpaces + map;
  encoding.opcode = encoding.uint8();
  return true;
}

function readVex2(encoding: Encoding): boolean {
  const byte = encoding.uint8();
  const rex = encoding.long ? (~byte >> 5) & Rex.R : 0;
  if (!readVexTail(encoding, byte, 1)) return false;
  encoding.rex = rex;
  return true;
}

function readVex3(encoding: Encoding): boolean {
  const first = encoding.uint8();
  const second = encoding.uint8();
  const rxb = encoding.long ? (~first >> 5) & 7 : 0;
  if (!readVexTail(encoding, second, first & 31)) return false;
  encoding.rex = rxb | ((second >> 4) & Rex.W);
  return true;
}

function readVectorPrefix(encoding: Encoding, byte: number): boolean {
  if (byte === 0xc5) return readVex2(encoding);
  if (byte === 0xc4) return readVex3(encoding);
  // EVEX. Outside 64-bit mode the byte after it had to be seen to tell it from BOUND.
  if (!encoding.long) encoding.at++;
  return false;
}

/** Reads up to and including the opcode byte; false when no map is selected. */
export function readOpcode(encoding: Encoding): boolean {
  const byte = encoding.uint8();
  encoding.prefixClass = legacyPrefixClass(encoding);
  if (byte === 0x0f) {
    readEscape(encoding);
    return true;
  }
  if (byte === 0xc4 || byte === 0xc5 || byte === 0x62) {
    if (encoding.long || encoding.peek() >= 0xc0) return readVectorPrefix(encoding, byte);
  }
  encoding.opcode = byte;
  return true;
}
