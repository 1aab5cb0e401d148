/** Compares two FPU images. The x87 FPU's pointers and last opcode are left out. */
import { FpuImage } from './fpu-image.ts';

interface Part {
  readonly name: string;
  readonly at: number;
  readonly bytes: number;
}

const x87Parts: readonly Part[] = [
  { name: 'x87 control word', at: FpuImage.controlWord, bytes: 2 },
  { name: 'x87 status word', at: FpuImage.statusWord, bytes: 2 },
  { name: 'x87 tags', at: FpuImage.tags, bytes: 1 },
  ...Array.from({ length: 8 }, (_, n) => ({ name: `ST(${n})`, at: FpuImage.x87 + n * 16, bytes: 10 })),
];

const vectorParts: readonly Part[] = [
  { name: 'MXCSR', at: FpuImage.mxcsr, bytes: 4 },
  ...Array.from({ length: 16 }, (_, n) => ({ name: `XMM${n}`, at: FpuImage.xmm + n * 16, bytes: 16 })),
];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).reverse().toString('hex');

/** The first difference, in words; undefined if there is none. */
export function fpuDifference(native: Uint8Array, ours: Uint8Array, withX87: boolean): string | undefined {
  for (const { name, at, bytes } of withX87 ? [...x87Parts, ...vectorParts] : vectorParts) {
    const value = native.subarray(at, at + bytes);
    const mine = ours.subarray(at, at + bytes);
    if (!value.every((byte, index) => byte === mine[index])) return `${name} ${hex(value)}, ours ${hex(mine)}`;
  }
  return undefined;
}
