/**
 * The extensions that iced-x86 decodes and whose rows our opcode maps do not have, by its CpuidFeature names. They are the
 * only encodings on which the decoders may differ: ours then finds no instruction, or the reserved no-operation that
 * lies beneath (RDSSP, PREFETCHIT). AMD's and Intel's instructions outside user code and paging, other vendors'
 * extensions, and everything that EVEX or XOP encodes.
 */
const names: readonly string[] = [
  // Encoded by EVEX or XOP, or on AVX-512's opmask registers.
  ...['AVX512F', 'AVX512BW', 'AVX512CD', 'AVX512DQ', 'AVX512VL', 'AVX512ER', 'AVX512PF', 'AVX512_4FMAPS'],
  ...['AVX512_4VNNIW', 'AVX512_BF16', 'AVX512_BITALG', 'AVX512_FP16', 'AVX512_IFMA', 'AVX512_VBMI', 'AVX512_VBMI2'],
  ...['AVX512_VNNI', 'AVX512_VP2INTERSECT', 'AVX512_VPOPCNTDQ', 'XOP', 'TBM', 'LWP'],
  // Encoded by VEX, after FMA.
  ...['FMA4', 'VAES', 'VPCLMULQDQ', 'AVX_IFMA', 'AVX_NE_CONVERT', 'AVX_VNNI', 'AVX_VNNI_INT8', 'AVX_VNNI_INT16'],
  ...['SHA512', 'SM3', 'SM4', 'CMPCCXADD', 'AMX_TILE', 'AMX_INT8', 'AMX_BF16', 'AMX_FP16', 'AMX_COMPLEX'],
  // Legacy encodings for programs.
  ...['D3NOW', 'D3NOWEXT', 'SSE4A', 'GFNI', 'KL', 'AESKLE', 'WIDE_KL', 'RTM', 'HLE_or_RTM', 'TSXLDTRK', 'RAO_INT'],
  ...['MOVDIRI', 'MOVDIR64B', 'ENQCMD', 'PTWRITE', 'PREFETCHITI', 'CET_SS', 'UINTR', 'CLZERO', 'MONITORX', 'MCOMMIT'],
  ...[
    'RDPRU',
    'PADLOCK_ACE',
    'PADLOCK_PHE',
    'PADLOCK_PMM',
    'PADLOCK_RNG',
    'PADLOCK_GMI',
    'PADLOCK_UNDOC',
    'CENTAUR_AIS',
  ],
  // System instructions.
  ...['VMX', 'SVM', 'SKINIT', 'SKINIT_or_SVM', 'SMX', 'SGX1', 'OSS', 'TDX', 'SEV_ES', 'SEV_SNP', 'RMPQUERY', 'TSE'],
  ...['PCONFIG', 'FRED', 'LKGS', 'MSRLIST', 'WRMSRNS', 'HRESET'],
];

export const statedDifferences: ReadonlySet<string> = new Set(names);
