/** IA32_APIC_BASE: the modes of a local APIC and the moves between them (SDM 3A 11.4.3, 11.4.4, 11.12.5 figure 11-27). */
import { ApicBase } from '../arch/apic-registers.ts';
import { type Exception, Vector } from '../arch/page-fault.ts';

export type ApicMode = 'disabled' | 'xAPIC' | 'x2APIC';

/** The mode that a value of IA32_APIC_BASE selects, or null for EN = 0 with EXTD = 1, which is invalid. */
export function apicMode(base: bigint): ApicMode | null {
  if ((base & ApicBase.EN) !== 0n) return (base & ApicBase.EXTD) !== 0n ? 'x2APIC' : 'xAPIC';
  return (base & ApicBase.EXTD) !== 0n ? null : 'disabled';
}

/** Each mode, and the modes that a WRMSR may move it to. */
const MOVES: Readonly<Record<ApicMode, readonly ApicMode[]>> = {
  disabled: ['disabled', 'xAPIC'],
  xAPIC: ['disabled', 'xAPIC', 'x2APIC'],
  x2APIC: ['disabled', 'x2APIC'],
};

/** The mode after a WRMSR of `value`, or the #GP(0) that it raises. */
export function writeApicBase(
  mode: ApicMode,
  value: bigint,
  features: { readonly x2apic: boolean; readonly physicalAddressBits: number },
): ApicMode | Exception {
  const address = ((1n << BigInt(features.physicalAddressBits)) - 1n) & ~0xfffn;
  const defined = address | ApicBase.BSP | ApicBase.EN | (features.x2apic ? ApicBase.EXTD : 0n);
  const next = apicMode(value);
  if ((value & ~defined) !== 0n || next === null || !MOVES[mode].includes(next)) {
    return { vector: Vector.GP, errorCode: 0 };
  }
  return next;
}
