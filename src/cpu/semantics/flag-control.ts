/** Instructions on flags alone (SDM 1 7.3.13). CLI and STI are system instructions. */
import type { Builder } from '../builder.ts';
import { Flag } from '../flags.ts';
import { Register } from '../registers.ts';
import { bitAt, isZero } from './operand-access.ts';
import { type Body, row } from './row.ts';

const setTo =
  (flag: Flag, value: bigint): Body =>
  (b) =>
    b.setFlag(flag, b.constant(value));

/** The flags that AH holds, in their places; bit 1 is 1 (SDM 2A LAHF, 2B SAHF). */
const flagsOfAH = [Flag.CF, Flag.PF, Flag.AF, Flag.ZF, Flag.SF] as const;

function loadAH<V>(b: Builder<V>): void {
  let image = b.constant(2n);
  for (const flag of flagsOfAH) image = b.or(image, b.shiftLeft(b.flag(flag), b.constant(BigInt(flag))));
  b.setHighByte(Register.RAX, image);
}

function storeAH<V>(b: Builder<V>): void {
  const image = b.highByte(Register.RAX);
  for (const flag of flagsOfAH) b.setFlag(flag, bitAt(b, image, flag));
}

export const flagControl = {
  CLC: row(setTo(Flag.CF, 0n)),
  STC: row(setTo(Flag.CF, 1n)),
  CMC: row((b) => b.setFlag(Flag.CF, isZero(b, b.flag(Flag.CF)))),
  CLD: row(setTo(Flag.DF, 0n)),
  STD: row(setTo(Flag.DF, 1n)),
  LAHF: row(loadAH),
  SAHF: row(storeAH),
  /** AL becomes all CF; undocumented, and on every processor. */
  SALC: row((b) => b.setRegister(Register.RAX, 1, b.subtract(b.constant(0n), b.flag(Flag.CF)))),
};
