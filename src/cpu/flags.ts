/**
 * The flags of RFLAGS that instructions compute or test (SDM 1 3.4.3), and sets of them as semantics tables write them.
 */
import { InvariantError } from '../base/errors.ts';

/** Bit positions in RFLAGS. */
export const Flag = { CF: 0, PF: 2, AF: 4, ZF: 6, SF: 7, TF: 8, IF: 9, DF: 10, OF: 11 } as const;
export type Flag = (typeof Flag)[keyof typeof Flag];

const statusFlags: ReadonlyMap<string, Flag> = new Map([
  ['CF', Flag.CF],
  ['PF', Flag.PF],
  ['AF', Flag.AF],
  ['ZF', Flag.ZF],
  ['SF', Flag.SF],
  ['OF', Flag.OF],
]);

/** CF, PF, AF, ZF, SF and OF. */
export const statusMask = 0x8d5;
/** Bit 1 of RFLAGS is always 1. */
export const reservedOne = 0x2;

/** `'AF OF'` as a mask of RFLAGS. */
export function flagMask(names: string): number {
  let mask = 0;
  for (const name of names.split(' ')) {
    if (name === '') continue;
    const flag = statusFlags.get(name);
    if (flag === undefined) throw new InvariantError(`no status flag '${name}'`);
    mask |= 1 << flag;
  }
  return mask;
}

/**
 * How the status flags follow from a result and its operands. An engine may keep kind and operands and compute a flag
 * when it is asked for. `a op b = result`, each zero above its size; a carry in is told from the three.
 */
export const FlagKind = {
  /** ADD, XADD, and ADC whose carry in is part of `result`. All six flags. */
  add: 0,
  /** SUB, CMP, NEG (0 - b), SBB. All six flags. */
  subtract: 1,
  /** AND, OR, XOR, TEST: CF = OF = 0, AF is undefined and cleared. */
  logic: 2,
  /** INC, DEC: as add and subtract, CF is kept. */
  increment: 3,
  decrement: 4,
  /** SF, ZF and PF only, by `result`; the others are kept. */
  result: 5,
} as const;
export type FlagKind = (typeof FlagKind)[keyof typeof FlagKind];
