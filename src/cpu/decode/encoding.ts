/**
 * What the bytes of one instruction have said so far: where reading stands, the prefixes, the opcode, ModR/M (SDM 2A
 * figure 2-1). Reading past the end gives zeros; the decoder notices afterwards, by `at`, that it has gone too far.
 */
import { Repeat } from '../instruction.ts';

/** Bits of `rex`, as in the REX prefix; VEX sets the same ones. */
export const Rex = { B: 1, X: 2, R: 4, W: 8 } as const;

export const noSegment = -1;

export class Encoding {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;

  /** 64-bit code. */
  long = true;
  operandSizeOverride = false;
  addressSizeOverride = false;
  lock = false;
  repeat: Repeat = Repeat.none;
  /** The segment override in force, or noSegment. */
  segment = noSegment;
  hasRex = false;
  rex = 0;

  vex = false;
  vvvv = 0;
  vectorLength = 0;

  /** Which map (maps.ts), mandatory prefix (form.ts, prefixClasses) and opcode byte. */
  space = 0;
  prefixClass = 0;
  opcode = 0;
  modrm = 0;

  start(bytes: Uint8Array, at: number, long: boolean): void {
    this.bytes = bytes;
    this.at = at;
    this.long = long;
    this.operandSizeOverride = false;
    this.addressSizeOverride = false;
    this.lock = false;
    this.repeat = Repeat.none;
    this.segment = noSegment;
    this.hasRex = false;
    this.rex = 0;
    this.vex = false;
    this.vvvv = 0;
    this.vectorLength = 0;
    this.space = 0;
  }

  /** The next byte, not yet consumed. */
  peek(): number {
    return this.bytes[this.at] ?? 0;
  }

  uint8(): number {
    return this.bytes[this.at++] ?? 0;
  }

  int8(): number {
    return (this.uint8() << 24) >> 24;
  }

  uint16(): number {
    return this.uint8() | (this.uint8() << 8);
  }

  int16(): number {
    return (this.uint16() << 16) >> 16;
  }

  int32(): number {
    return this.uint16() | (this.uint16() << 16);
  }

  /** REX.R, X or B as the fourth bit of a register number. */
  registerBit(bit: number): number {
    return (this.rex & bit) === 0 ? 0 : 8;
  }
}
