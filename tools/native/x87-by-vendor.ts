/** Where AMD and Intel differ in what x87 instructions leave: the host is not asked there. */
import type { Form } from '../../src/cpu/decode/form.ts';
import type { Operation } from '../../src/cpu/decode/maps.ts';
import { FpuImage } from './fpu-image.ts';
import type { Instance } from './instance.ts';

const conditionCodes = 0x4700;
const codeC1 = 0x200;
const comparisons = /^(F[IU]?COMP*|FTST)$/;
const comparisonsToFlags = /^FU?COMIP?$/;

const transcendental = /^(F2XM1|FCOS|FPATAN|FPTAN|FSIN|FSINCOS|FYL2X|FYL2XP1)$/;

/** Rounded as the processor sees fit (SDM 1 8.3.10). */
export function isTranscendental({ operation }: Form): boolean {
  return transcendental.test(operation);
}

/** Invalid operation is not masked. */
function invalidUnmasked({ fpu }: Instance): boolean {
  const control = new DataView(fpu.buffer, fpu.byteOffset).getUint16(FpuImage.controlWord, true);
  return (control & 1) === 0;
}

/**
 * Bits of the x87 status word. After a comparison with an unmasked invalid operation Intel leaves the condition codes (SDM 2A FCOM),
 * AMD sets them; FCOMI clears C1 on Intel only (SDM 2A FCOMI). Whether a transcendental function was rounded up is left open.
 */
export function x87StatusByVendor({ operation }: Form, instance: Instance): number {
  if (comparisonsToFlags.test(operation) || transcendental.test(operation)) return 0xffff & ~codeC1;
  return comparisons.test(operation) && invalidUnmasked(instance) ? 0xffff & ~conditionCodes : 0xffff;
}

/** Flags that no comparison says anything about: AMD sets them though an unmasked invalid operation was found (SDM 2A FCOMI). */
export function x87FlagsDiffer({ operation }: Form, instance: Instance): boolean {
  return comparisonsToFlags.test(operation) && invalidUnmasked(instance);
}

const ofManyParts: ReadonlySet<Operation> = new Set<Operation>(['FLDENV', 'FNSAVE', 'FNSTENV', 'FRSTOR']);

/** Of an operand in many parts, which of them faults first is the processor's own affair. */
export function firstFaultDiffers({ operation }: Form): boolean {
  return ofManyParts.has(operation);
}
