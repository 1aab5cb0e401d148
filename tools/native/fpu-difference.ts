/** Compares two FPU images. The x87 FPU's pointers and last opcode are left out. */
import { FpuImage } from './fpu-image.ts';

interface Part {
  readonly name: string;
  readonly at: number;
  readonly bytes: number;
}

const x87Parts: readonly Part[] = [
  { name: 'x87 control word', at: FpuImage.controlWord, bytes: 2 },
  { name: 'x87 tags', at: FpuImage.tags, bytes: 1 },
  ...Array.from({ length: 8 }, (_, n) => ({ name: `ST(${n})`, at: FpuImage.x87 + n * 16, bytes: 10 })),
];

const vectorParts: readonly Part[] = [
  { name: 'MXCSR', at: FpuImage.mxcsr, bytes: 4 },
  ...Array.from({ length: 16 }, (_, n) => ({ name: `XMM${n}`, at: FpuImage.xmm + n * 16, bytes: 16 })),
];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).reverse().toString('hex');

/** What the manual leaves to processors. */
export interface FpuFreedom {
  /** The x87 FPU's state need not be the same. */
  readonly x87: boolean;
  /** Bits of the x87 status word that are compared. */
  readonly x87Status: number;
  /** Lanes of binary32 may differ as two approximations within the manual's bound do. */
  readonly approximate: boolean;
  /** Of numbers in x87 registers the last bit may differ. */
  readonly x87LastBit: boolean;
}

/** Both are within 1.5 * 2^-12 of the same number; the smallest may have become zeros (SDM 2B RCPPS). */
const relativeBound = 3 * 2 ** -12;
const smallestNormal = 2 ** -126;

function closeSingles(a: Uint8Array, b: Uint8Array): boolean {
  const first = new Float32Array(Uint8Array.from(a).buffer);
  const second = new Float32Array(Uint8Array.from(b).buffer);
  return first.every((value, at) => {
    const other = second[at] ?? Number.NaN;
    const bound = Math.max(relativeBound * Math.abs(value), smallestNormal);
    return Object.is(value, other) || Math.abs(value - other) <= bound;
  });
}

/** Neighbours, or the same. */
function closeExtended(a: Uint8Array, b: Uint8Array): boolean {
  const [first, second] = [a, b].map((bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return BigInt.asUintN(
      79,
      (BigInt(view.getUint16(8, true)) << 63n) | BigInt.asUintN(63, view.getBigUint64(0, true)),
    );
  });
  const distance = (first ?? 0n) - (second ?? 0n);
  return distance >= -1n && distance <= 1n;
}

function statusOf(image: Uint8Array): number {
  return new DataView(image.buffer, image.byteOffset).getUint16(FpuImage.statusWord, true);
}

/** The first difference, in words; undefined if there is none. */
export function fpuDifference(native: Uint8Array, ours: Uint8Array, freedom: FpuFreedom): string | undefined {
  const status = statusOf(native);
  const mine = statusOf(ours);
  if (!freedom.x87 && ((status ^ mine) & freedom.x87Status) !== 0) {
    return `x87 status word ${status.toString(16)}, ours ${mine.toString(16)}`;
  }
  for (const { name, at, bytes } of freedom.x87 ? vectorParts : [...x87Parts, ...vectorParts]) {
    const value = native.subarray(at, at + bytes);
    const mine = ours.subarray(at, at + bytes);
    if (value.every((byte, index) => byte === mine[index])) continue;
    if (freedom.x87LastBit && bytes === 10 && closeExtended(value, mine)) continue;
    if (!(freedom.approximate && bytes === 16 && closeSingles(value, mine)))
      return `${name} ${hex(value)}, ours ${hex(mine)}`;
  }
  return undefined;
}
