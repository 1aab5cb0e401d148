/**
 * The constants of the x87 FPU (SDM 1 8.3.4, 8.3.8), as fixed-point numbers. Computed from the Machin series for pi and the series of
 * the logarithm.
 */
import type { FloatControl, FloatResult } from './control.ts';
import { extended, zero } from './format.ts';
import { roundAndPack } from './round.ts';

/** Bits after the binary point; what is beyond is cut off. */
export const constantFractionBits = 256;

export const Constant = {
  pi: 0x3_243f6a8885a308d3_13198a2e03707344_a4093822299f31d0_082efa98ec4e6c89n,
  ln2: 0xb17217f7d1cf79ab_c9e3b39803f2f6af_40f343267298b62d_8a0d175b8baafa2bn,
  log2Of10: 0x3_5269e12f346e2bf9_24afdbfd36bf6d33_65b157f8deceb53a_46dab2020b9e1674n,
  log2OfE: 0x1_71547652b82fe177_7d0ffda0d23a7d11_d6aef551bad2b4b1_164a2cd9a342648fn,
  log10Of2: 0x4d104d427de7fbcc_47c4acd605be48bc_13569862a1e8f9a4_c52f37935be631e5n,
  one: 1n << 256n,
} as const;

/** What FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2 and FLDZ load. Helpers take an index into this. */
export const loadableConstants = ['one', 'log2Of10', 'log2OfE', 'pi', 'log10Of2', 'ln2', 'zero'] as const;
export type LoadableConstant = (typeof loadableConstants)[number];

/** Rounded as the control says; no flags are raised. */
export function constantBits(name: LoadableConstant, control: FloatControl): bigint {
  if (name === 'zero') return zero(extended, false);
  const { value }: FloatResult = roundAndPack(extended, control, false, Constant[name], -constantFractionBits);
  return value;
}
