/**
 * CPUID of the processors that programs run on (SDM 2A CPUID): what the engines execute and nothing else, in the terms of
 * an Intel part. No XSAVE, hence no AVX.
 */

type Leaf = readonly [number, number, number, number];

const bit = (...bits: readonly number[]): number => bits.reduce((sum, each) => sum | (1 << each), 0) >>> 0;

/** Leaf 1, EDX: FPU, TSC, MSR, PAE, CX8, APIC, SEP, PGE, CMOV, PAT, CLFSH, MMX, FXSR, SSE, SSE2. */
export const HARDWARE_CAPABILITIES = bit(0, 3, 4, 5, 6, 8, 9, 11, 13, 15, 16, 19, 23, 24, 25, 26);
/** Leaf 1, ECX: SSE3, SSSE3, CX16, SSE4.1, SSE4.2, MOVBE, POPCNT. */
const FEATURES_ECX = bit(0, 9, 13, 19, 20, 22, 23);
/** Leaf 7, EBX: BMI1, SMEP, BMI2, ERMS, ADX, SMAP. */
const FEATURES_7_EBX = bit(3, 7, 8, 9, 19, 20);
/** Leaf 80000001H: LAHF64 and LZCNT; SYSCALL, NX, RDTSCP, LM. */
const EXTENDED_ECX = bit(0, 5);
const EXTENDED_EDX = bit(11, 20, 27, 29);

const NOTHING: Leaf = [0, 0, 0, 0];
const LAST_LEAF = 7;
const LAST_EXTENDED_LEAF = 0x8000_0008;
const CLFLUSH_BYTES_DIV_8 = 8 << 8;
/** Family 6, model 5EH, stepping 3. */
const SIGNATURE = 0x0005_06e3;
const BRAND = 'tlbsan virtual processor'.padEnd(48, '\0');

/** Leaf 4: level, type (1 data, 2 instruction, 3 unified), ways, sets, of 64-byte lines. */
const CACHES: readonly (readonly [number, number, number, number])[] = [
  [1, 1, 8, 64],
  [1, 2, 8, 64],
  [2, 3, 4, 1024],
  [3, 3, 16, 8192],
];

export function cpuid(leaf: number, subleaf: number, processor: number, processors: number): Leaf {
  switch (leaf >>> 0) {
    case 0:
      return [LAST_LEAF, word('Genu'), word('ntel'), word('ineI')];
    case 1:
      return [
        SIGNATURE,
        ((processor << 24) | (processors << 16) | CLFLUSH_BYTES_DIV_8) >>> 0,
        FEATURES_ECX,
        HARDWARE_CAPABILITIES,
      ];
    case 2:
      // Descriptor FFH: leaf 4 has the caches.
      return [0x00ff_ff01, 0, 0, 0];
    case 4:
      return cacheLeaf(subleaf);
    case 7:
      return subleaf === 0 ? [0, FEATURES_7_EBX, 0, 0] : NOTHING;
    case 0x8000_0000:
      return [LAST_EXTENDED_LEAF, 0, 0, 0];
    case 0x8000_0001:
      return [0, 0, EXTENDED_ECX, EXTENDED_EDX];
    case 0x8000_0002:
    case 0x8000_0003:
    case 0x8000_0004: {
      const at = ((leaf & 7) - 2) * 16;
      const words = [0, 4, 8, 12].map((offset) => word(BRAND.slice(at + offset, at + offset + 4)));
      return words as unknown as Leaf;
    }
    case 0x8000_0008:
      return [(48 << 8) | 46, 0, 0, 0];
    default:
      return NOTHING;
  }
}

function cacheLeaf(subleaf: number): Leaf {
  const cache = CACHES[subleaf];
  if (cache === undefined) return NOTHING;
  const [level, type, ways, sets] = cache;
  return [((level << 5) | type | (1 << 8)) >>> 0, (((ways - 1) << 22) | 63) >>> 0, sets - 1, 0];
}

function word(text: string): number {
  return [...text].reduce((sum, character, index) => sum | (character.charCodeAt(0) << (8 * index)), 0) >>> 0;
}
