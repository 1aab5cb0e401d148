/**
 * The extensions whose instructions the opcode maps hold, named as CPUID reports them (SDM 2A 3.3, CPUID).
 *
 * A decoder is made for a set of features: the rows of the others are then not in its tables, and their bytes decode as
 * on a processor without the extension. That is #UD for most; LZCNT becomes BSR, and ENDBR64 and CLDEMOTE reserved
 * no-operations, because a row without a mandatory prefix is there beneath them.
 *
 * `X86` stands for what needs no CPUID bit in 64-bit mode, up to the 80486.
 */
export const features = [
  'X86',
  'FPU',
  'TSC',
  'MSR',
  'CX8',
  'CX16',
  'SEP',
  'CMOV',
  'CLFSH',
  'MMX',
  'FXSR',
  'SSE',
  'SSE2',
  'SSE3',
  'SSSE3',
  'SSE4.1',
  'SSE4.2',
  'POPCNT',
  'MONITOR',
  'SYSCALL',
  'RDTSCP',
  'XSAVE',
  'XSAVEOPT',
  'XSAVEC',
  'XSAVES',
  'FSGSBASE',
  'INVPCID',
  'SMAP',
  'PKU',
  'SMM',
  'MOVBE',
  'LZCNT',
  'BMI1',
  'BMI2',
  'ADX',
  'RDRAND',
  'RDSEED',
  'RDPID',
  'PREFETCHW',
  'PREFETCHWT1',
  'CLFLUSHOPT',
  'CLWB',
  'CLDEMOTE',
  'WBNOINVD',
  'SERIALIZE',
  'WAITPKG',
  'CET_IBT',
  'INVLPGB',
  'AES',
  'PCLMULQDQ',
  'SHA',
  'AVX',
  'AVX2',
  'F16C',
  'FMA',
] as const;

export type Feature = (typeof features)[number];

/** Every feature the maps know. */
export const allFeatures: ReadonlySet<Feature> = new Set(features);

/** Those whose instructions have no semantics here: on the modelled processor they are #UD. */
const notModelled: ReadonlySet<Feature> = new Set([
  'XSAVEC',
  'XSAVES',
  'AES',
  'PCLMULQDQ',
  'SHA',
  'AVX',
  'AVX2',
  'F16C',
  'FMA',
]);

/** What the modelled processor offers: x86-64-v2 and more (SDM 2A CPUID). */
export const modelledFeatures: ReadonlySet<Feature> = new Set(features.filter((feature) => !notModelled.has(feature)));
