/** iced-x86's CpuidFeature names for our features; the processors up to the 80486 and the 64-bit extension are `X86`. */
import type { Feature } from '../../src/cpu/decode/feature.ts';

const renamed: Readonly<Record<string, Feature>> = {
  ...{ INTEL8086: 'X86', INTEL186: 'X86', INTEL286: 'X86', INTEL386: 'X86', INTEL486: 'X86', X64: 'X86' },
  ...{ CPUID: 'X86', RDPMC: 'X86', PAUSE: 'X86', MULTIBYTENOP: 'X86' },
  ...{ FPU287: 'FPU', FPU387: 'FPU', CMPXCHG16B: 'CX16', SSE4_1: 'SSE4.1', SSE4_2: 'SSE4.2' },
};

/** Sorted and joined, to compare with our own. */
export function featureNames(iced: readonly string[]): string {
  const ours = new Set(iced.map((name) => renamed[name] ?? name));
  return [...ours].sort().join(' ');
}
